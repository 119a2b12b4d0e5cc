"""Rows of the fault matrix that hit what workers read, and when they think it is."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from monitor.pipeline.envelopes import decode
from tests.badinput import CASES, COUNTED
from tests.faults.matrix import Unavailable, row
from tests.faults.trial import Trial
from tests.services import small
from tests.services.deployment import Deployment
from tests.services.waiting import wait_for

HOUR = 3_600
TEN_YEARS = int(timedelta(days=3_652).total_seconds() * 1_000)


@row("F14", "the worker's clock jumps an hour ahead, then an hour back", events=60_000, rate=2_000)
def clock_jumps(trial: Trial) -> None:
    """What is counted does not depend on the clock."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        raise Unavailable("libfaketime is not installed (Debian: faketime)")
    clock = trial.folder / "clock"
    clock.write_text("+0")
    fake = {
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    (worker,) = trial.start(env=fake)
    progress = 'driftline_last_progress_timestamp_seconds{stage="merge"}'
    for offset, _ in zip((HOUR, -HOUR), trial.moments(2), strict=True):
        before = worker.metric(progress) or 0.0
        clock.write_text(f"{offset:+d}")
        trial.note(f"the worker's clock is {offset:+d} s off")
        wait_for(lambda b=before: abs((worker.metric(progress) or b) - b) > HOUR / 2, 30, "the worker to see it")  # type: ignore[misc]  # mypy knows no default of a lambda
        trial.bit("jumps seen", 1)


@row("F15", "events ten years ahead and at the epoch", events=60_000, rate=2_000)
def far_times(trial: Trial) -> None:
    """They are dead letters, and no window closes early."""
    trial.start()
    for _ in trial.moments(5):
        odd = [small.event(small.past(0) + TEN_YEARS), small.event(0)]
        for partition in range(4):
            trial.broker.send(trial.deployed.source, odd, partition=partition)
    reasons = Counter(future_time=20, bad_time=20)
    await_dead_letters(trial, reasons)
    trial.bit("dead letters", 40)


@row("F16", "bursts of nothing but poison", events=100_000, rate=2_000, models=("credit",))
def poison(trial: Trial) -> None:
    """Every bad record is a dead letter or skipped; good ones are counted before, between and after."""
    cases = [(value, fate) for value, fate in CASES.values() if len(value or b"") < 100_000 and fate != "event"]
    bad = [value for value, _ in cases]
    expected = Counter(fate for _, fate in cases if fate not in COUNTED)
    trial.start()
    rounds = 0
    for _ in trial.moments(3):
        for partition in range(4):
            trial.broker.send(trial.deployed.source, bad * 100, partition=partition)
            rounds += 100
    total = Counter({reason: count * rounds for reason, count in expected.items()})
    await_dead_letters(trial, total)
    trial.bit("dead letters", total.total())


@row("F17", "a partition without data, then none anywhere", events=40_000, rate=2_000, partitions=3, idle="3s")
def idle(trial: Trial) -> None:
    """Windows close without it, and without a new message; nothing is late."""
    (worker,) = trial.start()
    trial.load.join(120)
    windows = {(trial.templates[template].model, start) for start, template in trial.load.ledger}
    trial.counted(len(windows))
    quiet = f'driftline_partition_idle{{partition="%d",topic="{trial.deployed.source}"}}'
    trial.bit("idle partitions", sum(worker.metric(quiet % p) or 0 for p in range(4)))
    late = [worker.metric(f'driftline_late_events_total{{model="{model}"}}') or 0 for model in trial.models]
    assert sum(late) == 0, f"events were called late: {late}"
    trial.bit("windows closed without a message", len(windows))


@row("F18", "transactions of the producer, a third of them aborted", events=60_000, rate=2_000, transactions=True)
def transactions(trial: Trial) -> None:
    """Markers and aborted records are no events, and commits keep up."""
    trial.start()
    trial.load.join(240)
    trial.bit("aborted", trial.load.aborted)


@row("F25", "the same topic read twice, by others and in other batches", events=60_000, rate=2_000)
def read_twice(trial: Trial) -> None:
    """Closed envelopes are the same, byte for byte, and so are the windows."""
    trial.start(2)
    trial.load.join(180)
    folder = trial.folder / "again"
    folder.mkdir()
    settings = trial.settings(folder) | {"kafka": {"flush": "1s", "checkpoint": "3s"}}
    again = Deployment(trial.broker, folder, f"{trial.deployed.name}-again", settings, source=trial.deployed.source)
    again.start_worker(env={"TZ": "Asia/Kathmandu", "LC_ALL": "C"})
    try:
        blocks = sum(end // 1_000 for end in trial.broker.end_offsets(again.source).values())
        partitions = len(trial.broker.end_offsets(again.topic("summaries")))
        both = (trial.deployed, again)
        wait_for(lambda: all(len(_closed(d)) == blocks * partitions for d in both), 90, "all blocks to be closed twice")
    finally:
        again.stop()
    assert _closed(trial.deployed) == _closed(again), "the same topic gave other envelopes"
    trial.bit("envelopes compared", blocks * partitions)


def await_dead_letters(trial: Trial, reasons: Counter[str]) -> None:
    """Wait until there are as many dead letters as there should be; they must be those."""
    wait_for(lambda: dead_letters(trial).total() >= reasons.total(), 120, f"the dead letters {reasons}")
    found = dead_letters(trial)
    assert found == reasons, f"expected the dead letters {reasons}, got {found}"


def dead_letters(trial: Trial) -> Counter[str]:
    """What lies in the dead-letter topic, by reason; a record sent again counts once."""
    letters = {
        record.key: dict(record.headers) for record in trial.broker.records(trial.deployed.topic("dead_letters"))
    }
    reasons = [headers.get("driftline.error.reason") for headers in letters.values()]
    return Counter(reason.decode() for reason in reasons if reason is not None)  # others are notes on blocks


def _closed(deployed: Deployment) -> dict[tuple[Any, ...], bytes]:
    found = {}
    for record in deployed.broker.records(deployed.topic("summaries")):
        envelope = decode(record.value)
        if envelope.closed:
            found[record.partition, envelope.partition, envelope.block] = record.value
    return found
