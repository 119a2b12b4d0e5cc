"""What exactness costs: a worker against the same one with envelopes, confirmations and checkpoints switched off."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import workload
from benchmarks.chain import CLOSING, WINDOW, WINDOWS, worker_cpu
from benchmarks.harness import Row, ratios
from tests.services.kafka import Broker

CARELESS = ("benchmarks.careless",)


def measure(broker: Broker, *, rounds: int, say: Callable[[str], None], windows: int = WINDOWS) -> list[Row]:
    """The row of exactness; the two workers take turns at going first."""
    log = workload.events(windows * WINDOW + CLOSING)
    exact, careless = [], []
    for number in range(rounds):
        say(f"exactness: round {number + 1} of {rounds}")
        for first in (True, False) if number % 2 else (False, True):
            if first:
                exact.append(1e6 * worker_cpu(broker, log, windows=windows))
            else:
                careless.append(1e6 * worker_cpu(broker, log, windows=windows, runner=CARELESS))
    return [
        Row(
            "exactness: the worker against itself without envelopes, confirmations and checkpoints",
            "× careless",
            1.1,
            "at most",
            ratios(exact, careless),
            {"worker, µs of CPU per event": exact, "careless worker, µs of CPU per event": careless},
        )
    ]
