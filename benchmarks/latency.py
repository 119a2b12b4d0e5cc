"""How soon a window is on `/metrics` once nothing more is expected for it.

Events are produced at a steady pace with the present as their time. A window's clock starts when events that lift
every partition's watermark past its end are handed to the producer; it stops when the page, asked again and again,
shows the window or a later one. So it includes the broker, fetching, counting, the flush interval, the summaries topic,
merging, scores and the page itself. The models' windows begin at different times, so that they end at any moment of the
flush interval.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from kafka import KafkaProducer

from benchmarks import workload
from benchmarks.harness import Row
from benchmarks.services import PARTITIONS, PATIENCE, deployed, start_worker
from monitor.config import Clock
from tests.services.deployment import Deployment, Worker
from tests.services.kafka import Broker
from tests.services.waiting import wait_for

MODELS = tuple(f"model-{i}" for i in range(5))
STEP, STAGGER = 1_000, 210  # milliseconds
WINDOWS = 100  # in a round
PAUSE = 0.05  # seconds between sends
EVENTS = 5  # of each model, to each partition, in one send
END = re.compile(r'^driftline_window_end_timestamp_seconds\{model="([^"]*)"[^}]*\} (\S+)$', re.MULTILINE)

Passed = list[tuple[int, float]]  # watermark (ms), and when the events that lift it there were sent; in order


def measure(broker: Broker, *, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """The row of the latency: the 99th percentile of each round."""
    references = [replace(workload.profile(), model=model) for model in MODELS]
    window = {"size": f"{STEP}ms"}
    delays: list[list[float]] = []
    with deployed(broker, references, window=window, stagger=STAGGER) as deployment:
        worker = start_worker(deployment)
        with _log(deployment) as passed:
            wait_for(lambda: len(_shown(worker)) == len(MODELS), PATIENCE, "a window of every model on the page")
            for number in range(rounds):
                say(f"latency: round {number + 1} of {rounds}")
                delays.append(_delays(worker, passed))
    return [
        Row(
            "window's watermark passed to visible on /metrics, 99th percentile",
            "s",
            1,
            "at most",
            [float(np.quantile(found, 0.99)) for found in delays],
            {"median, s": [float(np.median(found)) for found in delays], "longest, s": list(map(max, delays))},
        )
    ]


@contextmanager
def _log(deployment: Deployment) -> Iterator[Passed]:
    """Produce from another thread; the list grows."""
    passed: Passed = []
    stop = threading.Event()

    def produce() -> None:
        producer = KafkaProducer(bootstrap_servers=deployment.broker.bootstrap, acks="all", linger_ms=0)
        try:
            while not stop.wait(PAUSE):
                now = int(time.time() * 1000)
                events = [e for model in MODELS for e in workload.events(EVENTS, start=now, every=0, model=model)]
                passed.append((now - Clock().disorder, time.monotonic()))
                sent = [producer.send(deployment.source, e, partition=p) for p in range(PARTITIONS) for e in events]
                for future in sent:
                    future.get(timeout=PATIENCE)
        finally:
            producer.close()

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        yield passed
    finally:
        stop.set()
        thread.join(PATIENCE)


def _shown(worker: Worker) -> dict[str, int]:
    """End (ms) of the window that the page shows, by model."""
    return {model: round(float(end) * 1000) for model, end in END.findall(worker.page("/metrics"))}


def _delays(worker: Worker, passed: Passed) -> list[float]:
    """Seconds from passed to shown, of the next windows."""
    found: list[float] = []
    waiting = {model: end + STEP for model, end in _shown(worker).items()}

    def look() -> bool:
        shown, now = _shown(worker), time.monotonic()
        for model, end in shown.items():
            while waiting[model] <= end:
                found.append(now - next(at for watermark, at in passed if watermark >= waiting[model]))
                waiting[model] += STEP
        return len(found) >= WINDOWS

    wait_for(look, PATIENCE, f"{WINDOWS} windows on the page")
    return found
