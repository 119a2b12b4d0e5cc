"""SIGHUP beside a real broker: a reference follows another under load; no event is lost, mixed or counted twice."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.drift import profiles
from monitor.drift.profiles import Profile
from tests.examples import profile
from tests.services.deployment import Deployment, Worker, driftline
from tests.services.kafka import Broker
from tests.services.small import SECOND, deployment, past, window
from tests.services.waiting import wait_for

STEP = 2 * SECOND
BEFORE, AFTER = 8, 6  # windows on the first reference, and on the second
Ledger = Counter[tuple[str, int]]


def second() -> Profile:
    """Another reference of the same model version: older customers."""
    first = profile()
    age = replace(first.columns[0], counts=np.array([100, 300, 500, 90, 10]))
    return replace(first, columns=(age, *first.columns[1:]))


class Load:
    """Sends events without a pause, window after window, and stays before `limit` until it is let go."""

    def __init__(self, deployed: Deployment, start: int) -> None:
        self._deployed, self._start, self.limit = deployed, start, start + BEFORE * STEP
        self.sent: list[bytes] = []
        self._go = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        when = self._start
        while not self._go.is_set() or when < self.limit + AFTER * STEP:
            events = window(when, n=400)
            self._deployed.produce(events)
            self.sent += events
            when = when + STEP if self._go.is_set() else min(when + STEP, self.limit - STEP)

    def finish(self) -> list[bytes]:
        """Go beyond the limit, to the end; returns everything that was sent, in order."""
        self._go.set()
        self._thread.join()
        return self.sent


@pytest.fixture
def deployed(broker: Broker, tmp_path: Path) -> Iterator[Deployment]:
    """A model whose event time moves by events alone, and a second reference beside the first."""
    made = deployment(broker, tmp_path, idle="10m")
    (tmp_path / "credit-3b.json").write_bytes(profiles.encode(second()))
    yield made
    made.stop()


def follow(deployed: Deployment, at: int) -> None:
    """Let the second reference follow the first at an event time."""
    since = datetime.fromtimestamp(at / 1000, UTC).isoformat()
    listed: list[Any] = ["credit-3.json", {"profile": "credit-3b.json", "from": since}]
    deployed.settings["models"][0]["versions"]["3"] = listed


def successful(worker: Worker) -> bool:
    return worker.metric("driftline_config_last_reload_successful") == 1


def epoch(worker: Worker) -> str:
    (line,) = [row for row in worker.page("/metrics").splitlines() if row.startswith("driftline_config_info{")]
    return line


def reads(worker: Worker, deployed: Deployment) -> bool:
    """Whether the group is settled: two of the four partitions are this worker's."""
    return worker.metric(f'driftline_partitions_owned{{topic="{deployed.source}"}}') == 2


def ledger(events: list[bytes], switch: int) -> Ledger:
    """How many events each window of each reference must have."""
    first, then = profile().fingerprint, second().fingerprint
    times = Counter(json.loads(event)["time"] for event in events)
    return Counter({(first if t < switch else then, t): n for t, n in times.items()})


def check(deployed: Deployment, events: list[bytes], switch: int) -> None:
    """The windows have the ledger's counts, and are byte for byte those of a replay: so every bin is right."""
    path, out = deployed.folder / "all.jsonl", deployed.folder / "replayed.jsonl"
    path.write_bytes(b"\n".join(events) + b"\n")
    deployed.write()
    driftline("replay", "--config", deployed.config, path, "--out", out)
    expected = {json.loads(line)["id"]: line for line in out.read_bytes().splitlines()}
    last = max(json.loads(line)["start"] for line in expected.values())
    expected = {name: line for name, line in expected.items() if json.loads(line)["start"] != last}
    found = deployed.wait_for_windows(len(expected), 60)
    assert found == expected
    counted: Ledger = Counter()
    for line in found.values():
        made = json.loads(line)
        counted[made["reference"], int(datetime.fromisoformat(made["start"]).timestamp() * 1000)] += made["events"]
    owed = ledger(events, switch)
    assert counted == {key: n for key, n in owed.items() if key[1] != max(time for _, time in owed)}
    assert {reference for reference, _ in counted} == {profile().fingerprint, second().fingerprint}


@pytest.mark.timeout(240)
def test_a_new_reference_told_to_two_workers_under_load_takes_over_at_its_time_through_a_broken_file_and_a_kill(
    deployed: Deployment,
) -> None:
    first, other = deployed.start_worker(), deployed.start_worker()
    load = Load(deployed, past(600))
    try:
        deployed.wait_for_windows(3, 60)
        before = epoch(first)
        good = (deployed.folder / "credit-3b.json").read_bytes()
        (deployed.folder / "credit-3b.json").write_bytes(good[: len(good) // 2])
        follow(deployed, load.limit)
        deployed.tell(first)
        wait_for(lambda: not successful(first), 20, "the broken file to be refused")
        assert first.metric("driftline_config_reload_failures_total") == 1
        assert epoch(first) == before
        log = first.process.tail()
        assert "the one before stays in force" in log
        assert "models[0].versions.3[1].profile: credit-3b.json" in log

        (deployed.folder / "credit-3b.json").write_bytes(good)
        deployed.tell(first)
        wait_for(lambda: successful(first), 20, "the file to be taken")
        assert epoch(first) != before == epoch(other)
        first.process.kill()
        deployed.start_worker(port=first.port)
        deployed.tell(other)
        wait_for(lambda: epoch(other) != before, 20, "the other worker to take the file")
    finally:
        events = load.finish()
    check(deployed, events, load.limit)
    assert [worker.metric("driftline_superseded_parts_total") for worker in deployed.workers[1:]] == [0, 0]


@pytest.mark.timeout(300)
def test_a_worker_that_merges_and_was_not_told_waits_until_it_is_and_loses_nothing(
    broker: Broker, deployed: Deployment
) -> None:
    deployed.settings["kafka"]["block"] = 50_000
    workers = [deployed.start_worker(), deployed.start_worker()]
    wait_for(lambda: all(reads(worker, deployed) for worker in workers), 30, "both workers to read the log")
    start = past(600)
    events = window(start) + window(start + STEP)
    deployed.produce(events)
    deployed.wait_for_windows(1, 60)
    shown = 'driftline_window_end_timestamp_seconds{model="credit",version="3",segment=""}'
    wait_for(lambda: any(worker.metric(shown) for worker in workers), 20, "the window to be shown")
    told, owner = sorted(workers, key=lambda worker: worker.metric(shown) is not None)
    follow(deployed, start + 2 * STEP)
    before = epoch(told)
    deployed.tell(told)
    wait_for(lambda: epoch(told) != before, 60, "the file to be taken")
    later = [event for i in range(2, 5) for event in window(start + i * STEP)]
    deployed.produce(later)
    what = "on a reference that this worker's configuration does not have"
    wait_for(lambda: what in owner.process.log.read_text(), 60, "the owner of the model to wait")
    deployed.tell(owner)
    wait_for(lambda: epoch(owner) != before, 60, "the owner to take the file")
    check(deployed, events + later, start + 2 * STEP)


def test_what_cannot_change_while_a_worker_runs_is_refused_with_its_place(deployed: Deployment) -> None:
    worker = deployed.start_worker()
    before = epoch(worker)
    deployed.settings["kafka"]["flush"] = "300ms"
    deployed.settings["models"][0]["window"]["size"] = "4s"
    deployed.settings["models"][0]["versions"]["3"] = "credit-3b.json"
    deployed.tell(worker)
    wait_for(lambda: not successful(worker), 20, "the change to be refused")
    log = worker.process.tail()
    for said in (
        "kafka: cannot change while a worker runs; restart needed",
        "models[0].window: cannot change while a worker runs; restart needed",
        "models[0].versions.3: a reference that is in force was exchanged or removed",
    ):
        assert said in log
    assert epoch(worker) == before
