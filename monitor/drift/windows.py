"""Event time: which panes and windows an event belongs to, and how far event time has come.

Times are integers of UTC milliseconds; ranges are ``[start, end)``. A pane is the smallest slice of event time, the
greatest common divisor of a window's size and step, and every window is a sum of panes.

    time      0    1h    2h    3h
    panes     |-----|-----|-----|          size 2h, step 1h: panes of 1h
    windows   |-----------|
                    |-----------|

Windows are laid out on a scale, where all of them are equally long. Mostly that is time itself; the scales of
`monitor.drift.calendars` have days or months of equal length, however long they are in time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from monitor.errors import DriftlineError

DAY = 86_400_000
MAX_PANES = 10_000  # per window: more panes cost memory and show nothing

SourcePartition = tuple[str, int]  # topic, partition
Times = npt.NDArray[np.int64]


class Scale(Protocol):
    """A map from time to places in milliseconds, on which windows of one size are equally long; it never falls.

    A place is where something on the scale begins, a multiple of `unit`; several may have the same time.
    """

    @property
    def zone(self) -> str:
        """The time zone whose clocks it goes by."""
        ...

    @property
    def unit(self) -> int:
        """Sizes, steps and offsets are multiples of it; where its length varies in time, this is the mean."""
        ...

    @property
    def name(self) -> str:
        """What tells this scale from all others, with the rules that it goes by; empty for time itself."""
        ...

    def place(self, time: int) -> int:
        """The last place that is not after a time."""
        ...

    def places(self, times: Times) -> Times:
        """The same of many."""
        ...

    def time(self, place: int) -> int:
        """When a place is reached."""
        ...

    def times(self, places: Times) -> Times:
        """The same of many."""
        ...

    def distinct(self, places: range) -> Sequence[int]:
        """The times of evenly spaced places, earliest first, but for those whose time is that of the next one."""
        ...


@dataclass(frozen=True, slots=True)
class Even:
    """Time itself, of which all parts are equally long."""

    zone: str = "UTC"
    unit: int = 1
    name: str = ""

    def place(self, time: int) -> int:
        """The time."""
        return time

    def places(self, times: Times) -> Times:
        """The times."""
        return times

    time, times = place, places

    def distinct(self, places: range) -> Sequence[int]:
        """The places."""
        return places


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of `size` every `step`, aligned to the scale's beginning plus `offset`; revised until `lateness` is over.

    All in milliseconds, on the `scale` but for the lateness, which is time after a window's end. `step` equal to `size`
    gives tumbling windows, a smaller one hopping windows. With `events` these are no windows but slices, each final
    when its lateness is over: a window is filled with one after the other until it has that many events.
    """

    size: int
    step: int
    lateness: int = 0
    offset: int = 0
    scale: Scale = Even()
    events: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.size:
            raise DriftlineError(f"expected 0 < step <= size, got step {self.step} ms and size {self.size} ms")
        if self.lateness < 0:
            raise DriftlineError(f"expected a lateness of at least 0 ms, got {self.lateness} ms")
        if self.events is not None and (self.events < 1 or self.step != self.size):
            raise DriftlineError(
                f"expected at least one event and slices of one length, got {self.events} events, step {self.step} ms "
                f"and size {self.size} ms"
            )
        if any(length % self.scale.unit for length in (self.size, self.step, self.offset)):
            raise DriftlineError(
                f"expected size, step and offset to be multiples of {self.scale.unit} ms on this calendar, got "
                f"{self.size}, {self.step} and {self.offset} ms"
            )
        if self.size // self.pane > MAX_PANES:
            raise DriftlineError(
                f"size {self.size} ms and step {self.step} ms make {self.size // self.pane} panes a window, "
                f"more than {MAX_PANES}; take a step that divides the size"
            )

    @property
    def pane(self) -> int:
        """Length of a pane on the scale."""
        return math.gcd(self.size, self.step)

    @property
    def grid(self) -> str:
        """Names the panes: where it is the same, every event is in the same pane."""
        return " ".join([f"{self.pane} {self.offset % self.pane}", *filter(None, [self.scale.name])])

    def pane_of(self, time: int) -> int:
        """Start of the pane that holds `time`.

        >>> Windows(size=7, step=7, offset=4).pane_of(3), Windows(size=7, step=7, offset=4).pane_of(4)
        (-3, 4)
        """
        return self.scale.time(self._floor(self.scale.place(time), self.pane))

    def panes_of(self, times: Times) -> Times:
        """Starts of the panes that hold the times, one for each."""
        places = self.scale.places(times)
        return self.scale.times(places - (places - self.offset) % self.pane)

    def panes_from(self, first: int, last: int) -> int:
        """How many panes there are from the one beginning at `first` to the one beginning at `last`, or a few more."""
        return (self.scale.place(last) - self.scale.place(first)) // self.pane + 1

    def starting_in(self, pane: int) -> Sequence[int]:
        """Starts of the windows that hold the pane beginning at `pane`, earliest first.

        >>> list(Windows(size=4, step=2).starting_in(4))
        [2, 4]
        """
        place = self.scale.place(pane)
        last = self._floor(place, self.step)
        first = last - ((self.size - 1 - (place - last)) // self.step) * self.step
        return self.scale.distinct(range(first, last + 1, self.step))

    def panes_in(self, start: int) -> Sequence[int]:
        """Starts of the panes of the window beginning at `start`."""
        place = self._begin(start)
        return self.scale.distinct(range(place, place + self.size, self.pane))

    def around(self, time: int) -> tuple[int, int]:
        """Starts of the last window that begins at or before a time, and of the one after it.

        >>> Windows(size=4, step=2).around(5)
        (4, 6)
        """
        place = self._floor(self.scale.place(time), self.step)
        return self.scale.time(place), self.scale.time(place + self.step)

    def end(self, start: int) -> int:
        """End of the window beginning at `start`: when it is complete, but for late events."""
        return self.scale.time(self._begin(start) + self.size)

    def retires(self, start: int) -> int:
        """The watermark from which late events no longer revise the window beginning at `start`."""
        return self.end(start) + self.lateness

    def pane_retires(self, pane: int) -> int:
        """The watermark from which no window needs the pane: its last window has retired."""
        return self.retires(self.starting_in(pane)[-1])

    def _floor(self, place: int, length: int) -> int:
        return place - (place - self.offset) % length

    def _begin(self, start: int) -> int:
        """The place of a window's start: on a calendar that left out a day, another place has the same time."""
        place = self.scale.place(start)
        first = self._floor(place, self.step)
        return first if self.scale.time(first) == start else place


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
