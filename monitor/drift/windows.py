"""Event time: which panes and windows an event belongs to, and how far event time has come.

Times are integers of UTC milliseconds; ranges are ``[start, end)``. A pane is the smallest slice of event time, the
greatest common divisor of a window's size and step, and every window is a sum of panes.

    time      0    1h    2h    3h
    panes     |-----|-----|-----|          size 2h, step 1h: panes of 1h
    windows   |-----------|
                    |-----------|
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.errors import DriftlineError

MAX_PANES = 10_000  # per window: more panes cost memory and show nothing

SourcePartition = tuple[str, int]  # topic, partition


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of `size` every `step`, aligned to the epoch plus `offset`; revised until `lateness` after their end.

    All in milliseconds. `step` equal to `size` gives tumbling windows, a smaller one hopping windows.
    """

    size: int
    step: int
    lateness: int = 0
    offset: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.size:
            raise DriftlineError(f"expected 0 < step <= size, got step {self.step} ms and size {self.size} ms")
        if self.lateness < 0:
            raise DriftlineError(f"expected a lateness of at least 0 ms, got {self.lateness} ms")
        if self.size // self.pane > MAX_PANES:
            raise DriftlineError(
                f"size {self.size} ms and step {self.step} ms make {self.size // self.pane} panes a window, "
                f"more than {MAX_PANES}; take a step that divides the size"
            )

    @property
    def pane(self) -> int:
        """Length of a pane."""
        return math.gcd(self.size, self.step)

    def pane_of(self, time: int) -> int:
        """Start of the pane that holds `time`.

        >>> Windows(size=7, step=7, offset=4).pane_of(3), Windows(size=7, step=7, offset=4).pane_of(4)
        (-3, 4)
        """
        return time - (time - self.offset) % self.pane

    def starting_in(self, pane: int) -> range:
        """Starts of the windows that hold the pane beginning at `pane`, earliest first.

        >>> list(Windows(size=4, step=2).starting_in(4))
        [2, 4]
        """
        last = pane - (pane - self.offset) % self.step
        first = last - ((self.size - 1 - (pane - last)) // self.step) * self.step
        return range(first, last + 1, self.step)

    def panes_in(self, start: int) -> range:
        """Starts of the panes of the window beginning at `start`."""
        return range(start, start + self.size, self.pane)

    def closes(self, start: int) -> int:
        """The watermark at which the window beginning at `start` is complete, but for late events."""
        return start + self.size

    def retires(self, start: int) -> int:
        """The watermark from which late events no longer revise the window beginning at `start`."""
        return start + self.size + self.lateness

    def pane_retires(self, pane: int) -> int:
        """The watermark from which no window needs the pane: its last window has retired."""
        return self.retires(self.starting_in(pane)[-1])


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one source partition has come: its largest event time, and for how long it has been idle since (ms).

    `time` is None before its first event; `idle` is None while data come or the consumer lags.
    """

    time: int | None = None
    idle: int | None = None


def watermark(partitions: Mapping[SourcePartition, Progress], *, disorder: int) -> int | None:
    """The event time before which nothing more is expected: the least over the partitions that are not idle.

    A partition without events that is not idle holds everything back (None). When all are idle, event time goes on
    from the furthest of them at the pace of the clock, so the last window closes without a new event, and a replay of
    old data is not thrown into the present.
    """
    busy = [progress.time for progress in partitions.values() if progress.idle is None]
    if busy:
        known = [time for time in busy if time is not None]
        return min(known) - disorder if len(known) == len(busy) else None
    reached = [(p.time, p.idle) for p in partitions.values() if p.time is not None and p.idle is not None]
    if not reached:
        return None
    last = max(time for time, _ in reached)
    return last + min(idle for _, idle in reached) - disorder
