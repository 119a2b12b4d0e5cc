"""A worker that stands still beside a real broker: it says which partition and why, and ends with a code of its own."""

import asyncio
import json
import re
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer

from monitor.pipeline import envelopes
from monitor.summarising import GENERATION
from tests.services.crashing import POISON
from tests.services.deployment import Deployment, Worker
from tests.services.kafka import Broker
from tests.services.reading import committed
from tests.services.small import ENOUGH, SECOND, deployment, event, past, window
from tests.services.waiting import wait_for

STUCK, FAILED = 4, 3
PATIENCE = "15s"


@pytest.fixture
def deployed(broker: Broker, tmp_path: Path) -> Iterator[Deployment]:
    """A model whose event time moves by events alone, watched by workers of little patience."""
    made = deployment(broker, tmp_path, idle="10m")
    made.settings["kafka"]["patience"] = PATIENCE
    yield made
    made.stop()


def faulty(deployed: Deployment, fault: str) -> Worker:
    return deployed.start_worker(runner=("tests.services.crashing", fault))


def ended(worker: Worker, code: int, deadline: float = 60) -> str:
    """What the worker has said, once it has ended, which must be with `code`."""
    wait_for(lambda: worker.process.returncode is not None, deadline, "the worker to end")
    said = worker.process.log.read_text()
    assert worker.process.returncode == code, said[-3_000:]
    return said


def problems(worker: Worker, path: str) -> tuple[int, list[str]]:
    """The status of a page, and what it says is wrong."""
    try:
        return 200, json.loads(worker.page(path))["problems"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["problems"]


def total(deployed: Deployment) -> int:
    return sum(json.loads(line)["events"] for line in deployed.windows().values())


@pytest.mark.timeout(240)
def test_deliveries_that_hang_are_told_of_by_partition_and_end_the_worker_with_4_and_the_next_one_counts_all(
    own_broker: Broker, tmp_path: Path
) -> None:
    deployed = deployment(own_broker, tmp_path, idle="10m")
    deployed.settings["kafka"] |= {"patience": PATIENCE, "flush": "10s"}
    worker = deployed.start_worker()
    try:
        start = past(600)
        deployed.produce(window(start))
        wait_for(lambda: own_broker.records(deployed.topic("summaries")), 30, "a flush, after which none is due soon")
        deployed.produce(window(start + 2 * SECOND, n=4))
        counted = f'driftline_events_total{{topic="{deployed.source}"}}'
        wait_for(lambda: worker.metric(counted) == ENOUGH + 4, 20, "the events to be counted")
        own_broker.kill()
        text = re.compile(rf"{deployed.source}\[\d\]: what was counted is not confirmed by the broker for")

        def told() -> list[str]:
            return [problem for problem in problems(worker, "/readyz")[1] if text.match(problem)]

        wait_for(told, 30, "the partition to be named")
        series = f'driftline_stuck_partitions{{stage="summarise",topic="{deployed.source}"}}'
        assert worker.metric(series)
        status, remarks = problems(worker, "/healthz")
        assert status == 200
        assert any(text.match(remark) for remark in remarks)
        assert text.search(ended(worker, STUCK))
        own_broker.start_again()
        deployed.workers.remove(worker)
        deployed.start_worker()
        deployed.wait_for_windows(1, 60)
        assert total(deployed) == ENOUGH
    finally:
        deployed.stop()


@pytest.mark.timeout(120)
def test_a_missing_block_is_named_and_ends_the_worker_with_4(deployed: Deployment, broker: Broker) -> None:
    worker = deployed.start_worker()
    deployed.produce(window(past(600)))
    summaries = deployed.topic("summaries")
    wait_for(lambda: broker.records(summaries), 20, "the first envelopes")
    record = broker.records(summaries)[0]
    known = envelopes.decode(record.value)
    ahead = msgspec.structs.replace(known, block=known.block + 2, closed=True)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    try:
        generation = dict(record.headers)[GENERATION]
        headers = [(GENERATION, generation)]
        producer.send(summaries, envelopes.encode(ahead), partition=record.partition, headers=headers).get(timeout=30)
    finally:
        producer.close()
    missing = f"block {known.block} of {known.topic}[{known.partition}] is missing"
    place = f"merge of {summaries}[{record.partition}] holds windows for"

    def told() -> list[str]:
        return [problem for problem in problems(worker, "/readyz")[1] if missing in problem]

    (said,) = wait_for(told, 30, "the block to be named", tolerate=(OSError,))
    assert said.startswith(place)
    assert missing in ended(worker, STUCK)


@pytest.mark.timeout(120)
def test_a_loop_that_hangs_ends_with_4_and_leaves_the_stacks(deployed: Deployment) -> None:
    worker = faulty(deployed, "hang")
    said = ended(worker, STUCK)
    assert "hangs: nothing runs in its loop" in said
    assert "crashing.py" in said
    assert 'File "' in said


@pytest.mark.timeout(120)
def test_an_agent_that_raises_stops_its_partition_and_the_next_worker_reads_it_again(
    deployed: Deployment, broker: Broker
) -> None:
    deployed.settings["kafka"]["block"] = 100
    start = past(600)
    worker = faulty(deployed, "raise")
    broker.send(deployed.source, [event(start, i=i) for i in range(250)], partition=0)
    closed = 'driftline_envelopes_total{kind="closed"}'
    wait_for(lambda: worker.metric(closed) == 2, 20, "two blocks to be closed")
    poison = event(start, note=POISON.decode())
    broker.send(deployed.source, [poison] + [event(start, i=i) for i in range(249)], partition=0)
    said = ended(worker, FAILED)
    assert "a defect in the agent" in said
    offset = asyncio.run(committed(broker, deployed.source, deployed.name))
    assert offset == 200

    deployed.workers.remove(worker)
    deployed.start_worker()
    for partition in range(4):
        broker.send(deployed.source, [event(start + 2 * SECOND)], partition=partition)
    deployed.wait_for_windows(1, 60)
    assert total(deployed) == 500
