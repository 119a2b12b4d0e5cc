"""The worker on a real broker, from the log to closed windows with all scores, against `json.loads` and stock Faust.

The log is written in a transaction and committed when a fresh worker owns its partitions. Its CPU time from there to
the last published window, all threads counted, is what the events cost: fetching, decoding, counting, envelopes,
merging, scores, publishing, checkpoints.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import workload
from benchmarks.harness import Row, cpu_of, cpu_of_process, ratios
from benchmarks.services import PATIENCE, deployed, hidden, start_worker
from tests.services.kafka import Broker

WINDOW = 10_000  # events
WINDOWS = 30
CLOSING = 1_100  # events after the last window, until the watermark has passed it: 10 s of disorder and some
STOCK_SHARE = 10  # the stock agent is so slow that it reads a tenth
SAMPLE = 30_000  # events that json.loads reads before a worker's run, and again after it


def measure(broker: Broker, *, rounds: int, say: Callable[[str], None], windows: int = WINDOWS) -> list[Row]:
    """The rows of the worker: plain events, a string in one numeric column, a stock Faust agent."""
    events = windows * WINDOW + CLOSING
    logs = {"plain": workload.events(events), "text": workload.events(events, text_in=workload.NUMERIC[3])}
    topic = _stock_topic(broker, logs["plain"][: events // STOCK_SHARE])
    taken: dict[str, list[float]] = {name: [] for name in ("loads", "plain", "text", "stock")}
    for number in range(rounds):
        say(f"worker: round {number + 1} of {rounds}")
        before = json_loads(logs["plain"][:SAMPLE])
        taken["plain"].append(worker_cpu(broker, logs["plain"], windows=windows))
        taken["loads"].append((before + json_loads(logs["plain"][:SAMPLE])) / 2)
        taken["text"].append(worker_cpu(broker, logs["text"], windows=windows))
        taken["stock"].append(_stock_cpu(broker, topic, events // STOCK_SHARE))
    micro = {name: [1e6 * value for value in values] for name, values in taken.items()}
    plain, loads, text, stock = micro["plain"], micro["loads"], micro["text"], micro["stock"]
    of_loads = "× json.loads"
    return [
        Row(
            "worker, Kafka to closed window with all scores",
            of_loads,
            0.8,
            "at most",
            ratios(plain, loads),
            {"worker, µs of CPU per event": plain, "json.loads, µs of CPU per event": loads},
        ),
        Row(
            "the same, a string in one numeric column of every event",
            "× plain",
            1.5,
            "at most",
            ratios(text, plain),
            {"worker, µs of CPU per event": text},
        ),
        Row(
            "stock Faust agent that only counts messages, against the worker",
            "× worker",
            10,
            "at least",
            ratios(stock, plain),
            {"stock agent, µs of CPU per event": stock},
        ),
    ]


def json_loads(events: Sequence[bytes]) -> float:
    """Seconds of CPU that stdlib `json.loads` takes per event."""

    def work() -> None:
        for event in events:
            json.loads(event)

    return cpu_of(work) / len(events)


def worker_cpu(
    broker: Broker,
    events: Sequence[bytes],
    *,
    windows: int,
    watch: Callable[[int], Any] | None = None,
    runner: Sequence[str] = ("monitor.cli",),
) -> float:
    """Seconds of CPU per event of a fresh worker. watch: called with its process id before the log appears."""
    size = f"{WINDOW * workload.EVERY}ms"
    with deployed(broker, [workload.profile()], window={"size": size}) as deployment:
        published = deployment.topic("windows")
        with hidden(broker, deployment.source, events):
            worker = start_worker(deployment, runner=runner)
            if watch:
                watch(worker.process.pid)
            start = cpu_of_process(worker.process.pid)
        ends = {"last": 0, "at": 0.0}

        def closed() -> bool:
            ends["last"] = sum(broker.end_offsets(published).values())
            ends["at"] = cpu_of_process(worker.process.pid)
            return ends["last"] >= windows

        worker.process.wait_until(closed, PATIENCE, f"{windows} closed windows")
        spent = ends["at"] - start
        _check(worker.metric(f'driftline_events_total{{topic="{deployment.source}"}}'), len(events), "events")
        _check(float(len(deployment.windows())), windows, "windows")
    broker_forgets(broker, deployment.source)
    return spent / len(events)


def _check(got: float | None, expected: int, what: str) -> None:
    if got != expected:
        raise AssertionError(f"expected {expected} {what}, the worker counted {got}")


def broker_forgets(broker: Broker, topic: str) -> None:
    """Delete a log of hundreds of MB that nobody needs any more."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        admin.delete_topics([topic])
    finally:
        admin.close()


def _stock_topic(broker: Broker, events: Sequence[bytes]) -> str:
    topic = broker.create_topic(f"bench-stock-{uuid.uuid4().hex[:8]}", partitions=4)
    with hidden(broker, topic, events):
        pass
    return topic


def _stock_cpu(broker: Broker, topic: str, events: int) -> float:
    """Seconds of CPU per event of the agent of `benchmarks.transport`, from its first event to its last."""
    command = [sys.executable, "-m", "benchmarks.transport", "--only", "stock Faust agent"]
    command += ["--broker", broker.bootstrap, "--topic", topic, "--events", str(events)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return float(done.stdout)
