"""A worker's bounds beside a real broker: small records, scattered times, stopped siblings, little memory."""

from __future__ import annotations

import json
import re
import resource
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from monitor.pipeline.envelopes import partition_of
from tests.services.backlog import BATCH, produce_backlog
from tests.services.deployment import Deployment, Worker
from tests.services.small import ENOUGH, SECOND, Deploy, event, past, window
from tests.services.waiting import wait_for

MODELS = tuple(f"model-{i:02}" for i in range(90))
STEP = 2 * SECOND
LIMIT = 300_000_000  # bytes: the bound that docs/operations.md states
RESERVED = 100_000_000  # bytes that the system counts as data beyond it: mapped by threads, and never touched


def counted(worker: Worker, deployed: Deployment) -> float | None:
    return worker.metric(f'driftline_events_total{{topic="{deployed.source}"}}')


def _has_counted(worker: Worker, deployed: Deployment, events: int) -> bool:
    return counted(worker, deployed) == events


def dead(worker: Worker, deployed: Deployment, reason: str) -> float | None:
    return worker.metric(f'driftline_dead_letters_total{{reason="{reason}",topic="{deployed.source}"}}')


def limit(deployed: Deployment, topic: str, most: int) -> None:
    """Lower a topic's largest record."""
    admin = KafkaAdminClient(bootstrap_servers=deployed.broker.bootstrap)
    resource_ = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": str(most)})
    try:
        admin.alter_configs([resource_])
    finally:
        admin.close()


@pytest.mark.timeout(120)
def test_envelopes_longer_than_a_record_of_the_topic_arrive_whole_although_workers_are_killed(deploy: Deploy) -> None:
    deployed = deploy(models=MODELS, idle="10m")
    limit(deployed, deployed.topic("summaries"), 2_000)
    worker = deployed.start_worker()
    start = past()
    windows = 6
    for i in range(windows):
        lines = [line for model in MODELS for line in window(start + i * STEP, model=model, n=40)]
        deployed.produce(lines)
        if i in {1, 3}:
            worker.process.kill()
            deployed.workers.remove(worker)
            worker = deployed.start_worker()
    deployed.produce([event(start + windows * STEP, model=model) for model in MODELS for _ in range(4)])
    found = deployed.wait_for_windows(windows * len(MODELS), 60)
    held = Counter((w["model"], w["revision"], w["events"]) for w in map(json.loads, found.values()))
    assert held == Counter({(model, 0, 40): windows for model in MODELS})
    records = deployed.broker.records(deployed.topic("summaries"))
    cut = [record for record in records if "driftline.fragment" in dict(record.headers)]
    assert len(cut) > windows
    assert max(len(record.value) for record in records) < 2_000


@pytest.mark.timeout(120)
def test_times_scattered_over_years_are_dead_letters_beyond_the_bound_and_the_model_beside_goes_on(
    deploy: Deploy,
) -> None:
    deployed = deploy(models=("credit", "fraud"), idle="10m")
    deployed.settings["kafka"]["panes"] = 20
    worker = deployed.start_worker()
    start = past()
    day = 86_400 * SECOND
    scattered = [event(start - i // 4 * day, i=i) for i in range(400)]  # 100 panes, as many in each partition
    deployed.produce(window(start, model="fraud") + scattered + window(start + STEP, model="fraud", n=4))
    deployed.produce([event(start + STEP, i=i) for i in range(4)])
    wait_for(lambda: counted(worker, deployed) == ENOUGH + 80 + 4, 30, "events that found room")
    assert dead(worker, deployed, "too_many_panes") == 400 - 80 + 4
    found = [json.loads(line) for line in deployed.wait_for_windows(1, 20).values()]
    assert ENOUGH in [w["events"] for w in found if w["model"] == "fraud"]


@pytest.mark.timeout(120)
def test_an_event_longer_than_configured_is_a_dead_letter(deploy: Deploy) -> None:
    deployed = deploy()
    deployed.settings["kafka"]["event"] = 1_000
    worker = deployed.start_worker()
    deployed.produce([event(past(), note="x" * 1_000), event(past())])
    wait_for(lambda: dead(worker, deployed, "too_large") == 1, 20, "the dead letter")
    wait_for(lambda: counted(worker, deployed) == 1, 20, "the other event")


def merged_by(worker: Worker) -> set[int]:
    """The summaries partitions that a worker has said it merges."""
    said = re.findall(r"merge of summaries partition (\d+)", worker.process.log.read_text())
    return {int(partition) for partition in said}


def memory(worker: Worker, name: str) -> float:
    """MB of a worker: VmRSS is what it holds now, VmHWM the most it ever held."""
    lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(name + ":"))
    return int(line.split()[1]) / 1_000


def backlog(start: int, windows: int, *, batches: int) -> Iterator[list[bytes]]:
    """So many batches of a thousand events for each of the windows."""
    for i in range(windows):
        for _ in range(batches):
            yield [event(start + i * STEP, i=n) for n in range(BATCH)]


@pytest.mark.timeout(180)
def test_a_worker_with_little_memory_catches_up_with_a_long_log_and_counts_every_event(deploy: Deploy) -> None:
    deployed = deploy(idle="10m")
    deployed.settings["kafka"] |= {"block": 50_000}
    start, windows = past(600), 25
    sent = produce_backlog(deployed.broker, deployed.source, backlog(start, windows, batches=2))
    produce_backlog(deployed.broker, deployed.source, [[event(start + windows * STEP)]])
    worker = deployed.start_worker()
    resource.prlimit(worker.process.pid, resource.RLIMIT_DATA, (LIMIT + RESERVED,) * 2)
    found = [json.loads(line) for line in deployed.wait_for_windows(windows, 90).values()]
    assert sum(w["events"] for w in found if w["revision"] == 0) == sent == 200_000
    assert {w["events"] for w in found} == {8_000}
    assert memory(worker, "VmHWM") < LIMIT / 1_000_000


@pytest.mark.timeout(180)
def test_memory_stays_flat_while_the_worker_that_merges_stands_still_and_nothing_is_missing_afterwards(
    deploy: Deploy,
) -> None:
    deployed = deploy(idle="10m")
    deployed.settings["kafka"] |= {"session_timeout": "2m"}
    running, stopped = deployed.start_worker(), deployed.start_worker()
    owned = f'driftline_partitions_owned{{topic="{deployed.source}"}}'
    wait_for(lambda: all(worker.metric(owned) == 2 for worker in deployed.workers), 60, "owners")
    if partition_of("credit", 4) not in merged_by(stopped):
        running, stopped = stopped, running
    start, windows = past(600), 30
    stopped.process.pause()
    try:
        peaks = []
        for part in range(3):
            produce_backlog(deployed.broker, deployed.source, backlog(start + part * 10 * STEP, 10, batches=2))
            half = (part + 1) * 10 * 2 * BATCH * 2
            wait_for(partial(_has_counted, running, deployed, half), 60, f"{half} events to be counted")
            peaks.append(memory(running, "VmHWM"))
    finally:
        stopped.process.resume()
    produce_backlog(deployed.broker, deployed.source, [[event(start + windows * STEP)]])
    found = [json.loads(line) for line in deployed.wait_for_windows(windows, 60).values()]
    assert [w["events"] for w in found] == [8 * BATCH] * windows
    assert peaks[2] < 1.1 * peaks[0]
