"""Rows of the fault matrix that hit workers beside one broker: deaths, stalls, and changes of who owns what."""

from __future__ import annotations

from tests.faults.failpoints import KILLED, POINTS
from tests.faults.matrix import row
from tests.faults.trial import Trial
from tests.services.deployment import Worker
from tests.services.waiting import wait_for


@row("F1", "worker killed (SIGKILL) at random moments", events=300_000, rate=3_000)
def killed(trial: Trial, times: int = 20) -> None:
    """A worker dies, and another one starts."""
    (worker,) = trial.start()
    for _ in trial.moments(times):
        trial.kill(worker)
        worker = trial.worker()
        trial.bit("kills", 1)


@row("F2", "worker killed at each step of both loops", events=300_000, rate=3_000)
def killed_at_each_step(trial: Trial) -> None:
    """A worker ends by itself at a failpoint, and the next one goes on; the last one is whole."""
    trial.start(0)
    for point in POINTS:
        trial.reach(0.0)
        worker = trial.worker(runner=("tests.faults.failpoints", point, str(trial.rng.randint(2, 8))))
        _ends(trial, worker, point)
        trial.bit("failpoints", 1)
    trial.worker()


@row("F3", "worker told to stop (SIGTERM) and started again", events=100_000, rate=3_000)
def stopped(trial: Trial, times: int = 5) -> None:
    """A clean stop commits what it confirmed."""
    (worker,) = trial.start()
    for _ in trial.moments(times):
        trial.stop(worker)
        worker = trial.worker()
        trial.bit("stops", 1)


@row("F4", "worker stopped (SIGSTOP) past the session timeout, then continued", events=200_000, rate=3_000)
def zombie(trial: Trial, times: int = 4) -> None:
    """A zombie's successor counts its open block again, and the zombie wakes up in the middle of that."""
    workers = trial.start(2)
    for number, _ in enumerate(trial.moments(times)):
        worker = workers[number % 2]
        before = trial.rebalances()
        trial.note(f"worker {worker.process.pid} is paused")
        worker.process.pause()
        trial.until_rebalanced(before)
        trial.note(f"worker {worker.process.pid} is continued")
        worker.process.resume()
        trial.bit("rebalances", trial.rebalances() - before)
    trial.bit("counted again", 0)


@row("F5", "scale from 1 to 4 to 2 to 1, then a rolling restart", events=200_000, rate=3_000)
def scaled(trial: Trial) -> None:
    """Members come and go; each takes over where the last one confirmed."""
    workers = trial.start()
    before = trial.rebalances()
    moments = trial.moments(8)
    for _ in range(3):
        next(moments)
        workers.append(trial.worker())
    for _ in range(3):
        next(moments)
        trial.stop(workers.pop(0))
    workers.append(trial.worker())
    for _ in range(2):
        next(moments)
        trial.stop(workers.pop(0))
        workers.append(trial.worker())
    trial.bit("rebalances", trial.rebalances() - before)


@row("F6", "merge killed in the middle of a checkpoint", events=100_000, rate=2_000)
def killed_in_a_checkpoint(trial: Trial, times: int = 5) -> None:
    """The items of a checkpoint are written, its marker is not."""
    trial.start(0)
    for _ in range(times):
        worker = trial.worker(runner=("tests.faults.failpoints", "merge-items", str(trial.rng.randint(1, 5))))
        _ends(trial, worker, "merge-items")
        trial.bit("checkpoints cut", 1)
    trial.worker()


def _ends(trial: Trial, worker: Worker, point: str) -> None:
    """Wait until a worker has ended at its failpoint."""
    wait_for(lambda: worker.process.returncode is not None, 90, f"the worker to end at {point}")
    assert worker.process.returncode == KILLED, worker.process.tail()
    trial.still_loaded(point)
    trial.note(f"worker {worker.process.pid} ended at {point}")
    trial.deployed.workers.remove(worker)
