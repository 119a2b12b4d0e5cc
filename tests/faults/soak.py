"""Half an hour of load with one random fault after the other, on three brokers, and memory that is watched."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import numpy as np

from tests.faults.cluster import Cluster
from tests.faults.matrix import row
from tests.faults.network import poisoned
from tests.faults.trial import Trial
from tests.services.deployment import Worker
from tests.services.waiting import wait_for

MINUTES = 32
RATE = 1_000
FAULTS = ("kill", "stop", "stall", "join and leave", "broker killed", "latency", "cut off", "resets")


@row("F26", "half an hour of random faults", brokers="three", supervised=True, events=MINUTES * 60 * RATE, rate=RATE)
def soak(trial: Trial) -> None:
    """Two workers and three brokers; about every 25 seconds something happens to them."""
    steady, _ = trial.start(2)
    memory: list[tuple[float, float]] = []  # minutes, and MB resident of the worker that nobody kills
    began, end = time.monotonic(), trial.events - 60 * RATE
    while trial.load.running and trial.load.confirmed < end:
        fault = trial.rng.choice(FAULTS)
        trial.note(fault)
        _break(trial, fault, steady)
        trial.bit(fault, 1)
        until = trial.load.confirmed + trial.rng.randint(5, 20) * RATE
        _written(trial, until)
        trial.look_after()
        if steady.process.returncode is None:
            memory.append(((time.monotonic() - began) / 60, _resident(steady)))
    for part in (memory[: len(memory) // 2], memory[len(memory) // 2 :]):
        minutes, sizes = np.array(part).T
        slope = np.polyfit(minutes, sizes, 1)[0]
        trial.note(
            f"memory of a worker in minutes {minutes[0]:.0f} to {minutes[-1]:.0f}:"
            f" {min(sizes):.0f} to {max(sizes):.0f} MB, {slope:+.2f} MB a minute"
        )


def _written(trial: Trial, until: int) -> None:
    wait_for(lambda: trial.load.confirmed >= until or not trial.load.running, 120, "the next fault")


def _break(trial: Trial, fault: str, steady: Worker) -> None:
    cluster = cast(Cluster, trial.broker)
    worker = next((worker for worker in trial.deployed.workers if worker is not steady), steady)
    match fault:
        case "kill":
            trial.kill(worker)
            trial.worker()
        case "stop":
            trial.stop(worker)
            trial.worker()
        case "stall":
            worker.process.pause()
            _for(8)
            worker.process.resume()
        case "join and leave":
            joined = trial.worker()
            _for(5)
            trial.stop(joined)
        case "broker killed":
            node = trial.rng.choice(cluster.nodes)
            node.kill()
            node.start_again()
            wait_for(cluster.whole, 90, "all replicas to be in sync", tolerate=(OSError,))
        case "latency":
            with poisoned(trial, cluster.nodes, "latency", ("downstream",), latency=300):
                _for(8)
        case "cut off":
            with poisoned(trial, [trial.rng.choice(cluster.nodes)], "timeout", ("upstream", "downstream"), timeout=0):
                _for(8)
        case "resets":
            with poisoned(trial, cluster.nodes, "reset_peer", ("downstream",), timeout=0):
                _for(3)


def _for(seconds: float) -> None:
    """Let a fault last."""
    end = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() >= end, seconds + 5, "the end of a fault")


def _resident(worker: Worker) -> float:
    """Resident memory (MB)."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
