"""What a worker with 100 models of 50 columns holds under load, and whether it stays that way.

Forty numeric columns of 200 bins and ten categorical ones of up to 300 categories make 11,000 counts per model and
pane. Events of all models arrive mixed, faster than event time really goes, so windows close and are published all the
time. The load comes in stretches of equal length; after two for warming up, each gives a figure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
from kafka import KafkaProducer

from benchmarks import workload
from benchmarks.harness import Row, memory_of_process
from benchmarks.services import PARTITIONS, PATIENCE, deployed, start_worker
from monitor.drift.profiles import Profile
from tests.services.deployment import Deployment, Worker
from tests.services.kafka import Broker
from tests.services.waiting import wait_for

MODELS, NUMERIC, CATEGORICAL, CATEGORIES = 100, 39, 10, 300  # and the prediction
WINDOW = 60_000  # milliseconds
PER_WINDOW = 2_500  # events of each model
STRETCH = 1  # windows
WARMING = 2  # stretches
SHAPES = 500  # different events; models take turns with them


def measure(broker: Broker, *, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """The rows of the memory: its peak so far after each stretch of load, and what the resident part has grown by."""
    references = [_profile(f"model-{i:03}") for i in range(MODELS)]
    with deployed(broker, references, window={"size": f"{WINDOW}ms"}) as deployment:
        worker = start_worker(deployment)
        start = memory_of_process(worker.process.pid, "VmRSS")
        peaks, sizes = [], []
        for number in range(WARMING + rounds):
            say(f"memory: stretch {number + 1} of {WARMING + rounds}")
            _send(broker, deployment.source, _events(number))
            _wait(worker, deployment, stretches=number + 1)
            peaks.append(memory_of_process(worker.process.pid, "VmHWM"))
            sizes.append(memory_of_process(worker.process.pid, "VmRSS"))
    title = f"worker with {MODELS} models × {NUMERIC + CATEGORICAL + 1} columns under load"
    return [
        Row(f"peak memory of a {title}", "MB", 300, "at most", peaks[WARMING:], {"before any event, MB": [start]}),
        Row(
            "its resident memory after each stretch of load, against warmed up",
            "×",
            1.05,
            "at most",
            [size / sizes[WARMING - 1] for size in sizes[WARMING:]],
            {"resident, MB": sizes[WARMING:]},
        ),
    ]


@cache
def _columns() -> Profile:
    """The reference that all models share but for its name."""
    rng = np.random.default_rng(1)
    columns = [
        workload.numeric(f"amount_{i:02}", "feature", np.round(rng.standard_normal(20_000), 6)) for i in range(NUMERIC)
    ]
    names = [[f"name-{int(code)}" for code in CATEGORIES * rng.random(20_000) ** 3] for _ in range(CATEGORICAL)]
    columns += [workload.categorical(f"kind_{i}", values) for i, values in enumerate(names)]
    columns.append(workload.numeric("prediction", "prediction", np.round(rng.beta(2, 5, 20_000), 6)))
    return Profile("model", workload.VERSION, tuple(columns))


def _profile(model: str) -> Profile:
    return replace(_columns(), model=model)


@cache
def _shapes() -> list[str]:
    """Events without their model and time."""
    rng = np.random.default_rng(2)
    made = []
    for _ in range(SHAPES):
        features: dict[str, object] = {
            f"amount_{i:02}": round(x, 6) for i, x in enumerate(rng.standard_normal(NUMERIC))
        }
        features |= {f"kind_{i}": f"name-{int(CATEGORIES * x**3)}" for i, x in enumerate(rng.random(CATEGORICAL))}
        fields = {"version": workload.VERSION, "features": features, "prediction": round(rng.beta(2, 5), 6)}
        made.append(json.dumps(fields, separators=(",", ":"))[1:])
    return made


def _events(stretch: int) -> Iterator[bytes]:
    """A stretch of the log, in order of time."""
    shapes, number = _shapes(), 0
    for i in range(STRETCH * PER_WINDOW):
        time = workload.START + (stretch * STRETCH * PER_WINDOW + i) * WINDOW // PER_WINDOW
        for model in range(MODELS):
            number += 1
            yield f'{{"model":"model-{model:03}","time":{time},{shapes[number % SHAPES]}'.encode()


def _send(broker: Broker, topic: str, events: Iterator[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", linger_ms=20, batch_size=1 << 18)
    try:
        for i, event in enumerate(events):
            # Blocks of neighbours per partition, so that every partition has every model.
            producer.send(topic, event, partition=i // MODELS % PARTITIONS)
        producer.flush(PATIENCE)
    finally:
        producer.close()


def _wait(worker: Worker, deployment: Deployment, *, stretches: int) -> None:
    """Until the worker has counted everything that was sent, and published every window but the last."""
    counted = f'driftline_events_total{{topic="{deployment.source}"}}'
    events, windows = stretches * STRETCH * PER_WINDOW * MODELS, (stretches * STRETCH - 1) * MODELS
    published = deployment.topic("windows")

    def closed() -> bool:
        return sum(deployment.broker.end_offsets(published).values()) >= windows

    wait_for(closed, PATIENCE, f"{windows} windows")
    wait_for(lambda: worker.metric(counted) == events, PATIENCE, f"{events} events to be counted")
