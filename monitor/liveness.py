"""What keeps a worker from standing still in silence: what waits and does not move, and a watchdog over the loop.

A worker that is stuck ends with an exit code of its own, so that the orchestrator starts it again. The watchdog is a
thread, because a loop that hangs cannot tell that it does.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from monitor.config import Kafka
from monitor.errors import DriftlineError
from monitor.metrics_pipeline import Pipeline, Stage

STUCK = 4  # exit code
NOTICE = 60.0  # seconds after which what stands still is told of, where the patience is not shorter
LOOKS = 60  # how often the watchdog looks within its patience


class Stuck(DriftlineError):
    """Something waits and nothing moves: a new process may do better."""


class Standstill(NamedTuple):
    """Something that waits in a partition, for so many seconds; `text` says what and why."""

    stage: Stage
    topic: str
    partition: int
    seconds: float
    text: str


class Vigil:
    """Knows what stands still in a worker, and since when. Times are monotonic seconds.

    What stands still for a minute (half the patience, where that is shorter) is told of; after `patience` it is a
    reason to start the process again.
    """

    def __init__(self, kafka: Kafka, metrics: Pipeline) -> None:
        self.patience = kafka.patience / 1000
        self.notice = min(NOTICE, self.patience / 2)
        self._metrics = metrics
        self._places: dict[Stage, tuple[str, ...]] = {"summarise": kafka.sources, "merge": (kafka.topics.summaries,)}
        self._joining: float | None = time.monotonic()
        self._found: list[Standstill] = []

    def assigned(self) -> None:
        """The consumer group has answered."""
        self._joining = None

    def look(self, standstills: Iterable[Standstill]) -> None:
        """Take note of what stands still now. Raises Stuck if something has for too long."""
        self._found = sorted(standstills, key=lambda each: -each.seconds)
        for stage, topics in self._places.items():
            for topic in topics:
                lasting = [each for each in self._found if each.seconds >= self.notice]
                stuck = {each.partition for each in lasting if (each.stage, each.topic) == (stage, topic)}
                self._metrics.stuck(topic, stage, len(stuck))
        if problems := self.problems():
            raise Stuck("; ".join(problems))

    def problems(self) -> list[str]:
        """What has stood still for too long, in words, the longest first."""
        return self._lasting(self.patience)

    def remarks(self) -> list[str]:
        """What stands still and may go on by itself, or has done so for too long already."""
        return self._lasting(self.notice)

    def _lasting(self, after: float) -> list[str]:
        texts = [each.text for each in self._found if each.seconds >= after]
        if self._joining is not None and (waited := time.monotonic() - self._joining) >= after:
            texts.insert(0, f"the consumer group has not answered for {waited:.0f} s")
        return texts


class Watchdog:
    """Ends the process when nobody calls `beat` for `patience` seconds.

    It counts its own looks instead of reading a clock: a process that was stopped and goes on has missed none.
    """

    def __init__(self, patience: float, *, end: Callable[[int], None] = os._exit) -> None:
        self._pause, self._end = patience / LOOKS, end
        self._missed, self._allowed, self._code = 0, LOOKS, STUCK
        self._condemned = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="driftline-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def beat(self) -> None:
        """Say that the loop goes on; in vain once the process is condemned."""
        if not self._condemned:
            self._missed = 0

    def condemn(self, code: int, *, within: float) -> None:
        """Let the process end with `code` in any case, if it has not ended by itself `within` so many seconds."""
        self._code, self._condemned = code, True
        self._missed, self._allowed = 0, int(within / self._pause)

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(self._pause):
            self._missed += 1
            if self._missed > self._allowed:
                why = "did not end in time" if self._condemned else "hangs: nothing runs in its loop"
                print(f"driftline worker: the process {why}; it ends with {self._code}", file=sys.stderr, flush=True)
                faulthandler.dump_traceback(all_threads=True)
                self._end(self._code)
                return
