"""Dead letters sent back after a fix: as they were, each once, whatever happens meanwhile."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from kafka import KafkaProducer

from monitor.deadletters import LONGEST, closed, record
from monitor.redrive import HEADER
from tests import hostile
from tests.examples import profile, profile_file
from tests.services.deployment import Deployment, Worker, driftline
from tests.services.process import Process
from tests.services.small import Deploy, event, past
from tests.services.waiting import wait_for

DEFAULTS: dict[str, Any] = {"stage": "decode", "message": "m", "headers": (), "reading": "1/epoch"}
OPTIONS: dict[str, Any] = {"lateness": "10m", "source_config": {"max.message.bytes": "2000000"}}


def redrive(deployed: Deployment, *options: str, code: int = 0) -> str:
    return driftline("dead-letters", "redrive", "--config", deployed.config, *options, code=code)


def copies(deployed: Deployment) -> list[Any]:
    """The records of the log that were sent back."""
    return [
        found for found in deployed.broker.records(deployed.source) if found.headers and found.headers[-1][0] == HEADER
    ]


def ends(deployed: Deployment) -> list[int]:
    names = (deployed.source, deployed.topic("dead_letters"))
    return [sum(deployed.broker.end_offsets(name).values()) for name in names]


def counted(worker: Worker, deployed: Deployment) -> Callable[[], float]:
    """A function that tells how many records of the log a worker has counted, as anything."""

    def total() -> float:
        lines = [line for line in worker.page("/metrics").splitlines() if f'topic="{deployed.source}"' in line]
        names = ("driftline_events_total", "driftline_skipped_total", "driftline_dead_letters_total")
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(names))

    return total


def bury(deployed: Deployment, letters: list[dict[str, Any]]) -> None:
    """Put dead letters where a worker would."""
    producer = KafkaProducer(bootstrap_servers=deployed.broker.bootstrap, linger_ms=20, max_request_size=2**25)
    try:
        for fields in letters:
            made = record(**DEFAULTS | {"topic": deployed.source} | fields)
            producer.send(deployed.topic("dead_letters"), made.value, made.key, made.headers)
        for partition in range(10):
            note = closed(deployed.source, partition, 0, 10_000, DEFAULTS["reading"])
            producer.send(deployed.topic("dead_letters"), note.value, note.key)
        producer.flush(60)
    finally:
        producer.close()


def test_what_was_poison_before_a_fix_counts_exactly_once_after_it(deploy: Deploy) -> None:
    deployed, start = deploy(**OPTIONS), past()
    worker = deployed.start_worker()
    closed_block = [event(start, model="fraud", i=i) for i in range(40)] + [event(start, i=i) for i in range(960)]
    deployed.broker.send(deployed.source, closed_block, partition=0)
    deployed.broker.send(deployed.source, [event(start, model="fraud", i=i) for i in range(7)], partition=1)
    wait_for(lambda: counted(worker, deployed)() == 1_007, 30, "every record to be counted")
    assert worker.process.stop() == 0

    fraud = {"name": "fraud", "versions": {"3": "fraud-3.json"}, "window": {"size": "2s", "lateness": "10m"}}
    profile_file(deployed.folder, profile("fraud"))
    deployed.settings["models"].append(fraud)
    deployed.write()
    worker, before = deployed.start_worker(), deployed.broker.end_offsets(deployed.source)
    looked = redrive(deployed, "--reason", "unknown_model", "--dry-run")
    assert "would send 40; 0 had been sent before" in looked
    assert "refused 7: its block is still open" in looked
    assert deployed.broker.end_offsets(deployed.source) == before
    assert "sent 40; 0 had been sent before" in redrive(deployed, "--reason", "unknown_model")
    assert "sent 0; 40 had been sent before" in redrive(deployed, "--reason", "unknown_model")
    assert {found.value for found in copies(deployed)} == set(closed_block[:40])

    def in_windows(model: str) -> int:
        results = [json.loads(line) for line in deployed.windows().values()]
        results.sort(key=lambda result: result["revision"])
        newest = {result["start"]: result["events"] for result in results if result["model"] == model}
        return sum(newest.values()) + int(worker.metric(f'driftline_late_events_total{{model="{model}"}}') or 0)

    wait_for(lambda: (in_windows("fraud"), in_windows("credit")) == (47, 960), 60, "the events in windows")
    deployed.broker.send(deployed.source, [event(start, i=i) for i in range(1_000)], partition=1)  # closes the block
    wait_for(lambda: in_windows("credit") >= 1_960, 60, "more events in windows")
    said = redrive(deployed)
    assert "sent 0; 40 had been sent before" in said
    assert "refused 7: its block was read again since" in said
    assert (in_windows("fraud"), in_windows("credit")) == (47, 1_960)

    replayed = driftline("replay", "--config", deployed.config, "--out", deployed.folder / "windows.jsonl")
    assert "2,007 events counted" in replayed
    assert "skipped: 40 redriven" in replayed


def test_what_fails_again_is_a_new_letter_that_waits_for_the_next_fix(deploy: Deploy) -> None:
    deployed = deploy(**OPTIONS)
    worker = deployed.start_worker()
    total = counted(worker, deployed)
    deployed.broker.send(deployed.source, [b"still no JSON", *[event(past())] * 999], partition=2)
    for turn in range(3):
        wait_for(partial(lambda turn: total() == 1_000 * (turn + 1), turn), 30, "the block to be counted")
        wait_for(
            partial(lambda turn: f"sent 1; {turn} had" in redrive(deployed), turn), 30, "its letter to be sent back"
        )
        # A transaction's marker takes an offset too.
        deployed.broker.send(deployed.source, [event(past())] * 999, partition=2)
    assert [len([name for name, _ in found.headers if name == HEADER]) for found in copies(deployed)] == [1, 2, 3]
    shown = driftline("dead-letters", "show", "--config", deployed.config)
    assert "3 more were sent back to their topics" in shown


def test_hostile_records_come_back_byte_for_byte_into_their_partitions(deploy: Deploy) -> None:
    deployed, now = deploy(**OPTIONS), past()
    records = [one for one in hostile.records(3, 2_000, now=now) if one.value is not None]
    bury(
        deployed,
        [
            {"partition": i % 4, "offset": i, "timestamp": now + i, "reason": "not_json", **one._asdict()}
            for i, one in enumerate(records)
        ],
    )
    assert f"sent {len(records):,}; 0 had been" in redrive(deployed)
    back = {found.timestamp - now: found for found in copies(deployed)}
    assert len(back) == len(copies(deployed)) == len(records)
    for i, one in enumerate(records):
        found = back[i]
        assert (found.partition, found.key, found.value) == (i % 4, one.key, one.value)
        named = [(name.encode().decode(errors="backslashreplace"), value) for name, value in one.headers]
        assert found.headers == [*named, (HEADER, f"{deployed.source}-{i % 4}-{i}".encode())]


def test_a_killed_redrive_is_completed_by_the_next_and_nothing_comes_back_twice(deploy: Deploy) -> None:
    deployed, count = deploy(**OPTIONS), 6_000
    fields = {"partition": 1, "timestamp": past(), "reason": "not_json", "key": None}
    bury(deployed, [fields | {"offset": i, "value": b"%d" % i} for i in range(count)])
    bury(deployed, [fields | {"offset": 0, "value": b"0"}])  # a worker that was killed has sent it twice
    command = [sys.executable, "-m", "monitor.cli", "dead-letters", "redrive", "--config", str(deployed.config)]
    first = Process("redrive", command, deployed.folder / "redrive.log")
    wait_for(lambda: deployed.broker.end_offsets(deployed.source)[1] > 1_000, 30, "some of the letters to be sent")
    first.kill()
    sent = len(copies(deployed))
    assert 0 < sent < count
    redrive(deployed)
    assert Counter(found.value for found in copies(deployed)) == Counter(b"%d" % i for i in range(count))


def test_what_cannot_be_sent_back_is_refused_and_said(deploy: Deploy) -> None:
    deployed, stamp = deploy(**OPTIONS), int(time.time() * 1_000)
    fields = {"partition": 9, "offset": 1, "timestamp": stamp, "reason": "too_large", "key": None, "value": b"x"}
    bury(
        deployed,
        [
            fields | {"value": b"x" * (LONGEST + 1)},
            fields | {"topic": "somebody.elses"},
            fields | {"offset": 2, "value": b"x" * 3_000_000},
            fields | {"offset": 3, "value": b"fits"},
        ],
    )
    deployed.broker.send(deployed.topic("dead_letters"), [b"\x1b[31mforeign"])
    said = redrive(deployed)
    assert "sent 1; 0 had been sent before" in said
    for why in (
        "only a part of it was kept",
        "no dead letter of ours",
        "not among the logs",
        "larger than its topic takes",
    ):
        assert "refused 1: " in said
        assert why in said
    (back,) = copies(deployed)
    assert back.value == b"fits"  # its partition, 9, does not exist any more
    assert "known are not_json" in redrive(deployed, "--reason", "odd", code=2)
    assert "unknown topic" in redrive(deployed, "--topic", "somebody.elses", code=2)
