"""The reference cut into stretches as long as a window, and the seasons that they may be sorted by.

A season names the phase of a moment: the hour of the day, the day of the week, or both, by the clocks of a zone. Times
are UTC milliseconds.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.drift.calendars import clocks
from monitor.drift.profiles import Chunks
from monitor.drift.windows import DAY, Windows

Moments = npt.NDArray[np.int64]
Kind = Literal["day", "week", "working day", "hours of the week"]

LONGEST_ZONED = 7_200_000  # ms of a stretch with hours by a zone's clocks: twice what these change by
MONDAY = 3  # days from the first Monday before 1970 to 1970
KINDS: tuple[Kind, ...] = ("week", "day", "working day", "hours of the week")  # the one with the fewest phases first


class Stretches(NamedTuple):
    """Counts of the reference over time, shape (stretches, cells); each begins at its start and is `length` long."""

    starts: Moments
    counts: npt.NDArray[Any]  # whole numbers, as wide as they came
    length: int

    def cells(self, first: int, stop: int) -> Stretches:
        """The counts of some cells alone, wide enough to be multiplied."""
        return self._replace(counts=self.counts[:, first:stop].astype(np.int64))

    @property
    def middles(self) -> Moments:
        """The moments by whose phase they are sorted, as windows are: where they begin may be in the phase before."""
        return self.starts + self.length // 2


class Season(NamedTuple):
    """Moments that are alike: phases of a kind, each `length` milliseconds long by the clocks of a zone."""

    kind: Kind
    length: int
    zone: str = "UTC"

    @property
    def phases(self) -> int:
        """How many there are."""
        return {"day": 1, "week": 7, "working day": 2, "hours of the week": 7}[self.kind] * self._slots

    def phase(self, moments: Moments) -> Moments:
        """The phase of each moment, from 0; the week begins on Monday.

        >>> Season("week", DAY).phase(np.array([0, 4 * DAY])).tolist()  # 1 January 1970 was a Thursday
        [3, 0]
        """
        shown = clocks(self.zone, moments)
        slot = shown % DAY * self._slots // DAY
        weekday = (shown // DAY + MONDAY) % 7
        day = {"day": 0 * weekday, "working day": (weekday >= 5).astype(np.int64)}.get(self.kind, weekday)
        return day * self._slots + slot

    def days(self, moments: Moments) -> Moments:
        """The day that each moment is in, from the one of the first moment, which is 0."""
        shown = clocks(self.zone, moments) // DAY
        found: Moments = shown - shown[0]
        return found

    @property
    def least(self) -> int:
        """Days that each phase must have been seen on; of weekdays four, or two months of reference would be needed."""
        return 4 if self.kind == "week" else 7

    def known(self, moments: Moments) -> bool:
        """Whether stretches at these moments are enough to know every phase."""
        pairs = np.unique(np.column_stack((self.phase(moments), self.days(moments))), axis=0)
        return bool(np.bincount(pairs[:, 0], minlength=self.phases).min() >= self.least)

    @property
    def _slots(self) -> int:
        """Phases of a single day."""
        return 1 if self.kind == "week" else DAY // self.length


def stretches(chunks: Chunks, *, length: int | None = None, offset: int = 0) -> Stretches:
    """The chunks, put together to stretches of `length` that begin as windows do, where it is a multiple of theirs.

    Stretches of which more than half of the chunks are lacking, such as the first and the last, are left out.
    """
    starts, counts = np.array(chunks.starts, dtype=np.int64), chunks.counts
    if length is None or length <= chunks.size or length % chunks.size:
        return Stretches(starts, counts, chunks.size)
    which = (starts - offset) // length
    firsts = np.flatnonzero(np.concatenate(([True], which[1:] != which[:-1])))
    filled = np.diff(np.append(firsts, len(starts))) * 2 >= length // chunks.size
    made = np.add.reduceat(counts, firsts, axis=0, dtype=np.int64)
    return Stretches(which[firsts][filled] * length + offset, made[filled], length)


class Like(NamedTuple):
    """The stretches that windows are like: their length and offset (ms), and the zone of their seasons.

    length: None where windows are of no length of time. phases: whether the stretches can be told apart by the hours
    and days of the windows.
    """

    length: int | None = None
    offset: int = 0
    zone: str = "UTC"
    phases: bool = True


ANY = Like()


def judged_by(windows: Windows, chunks: Chunks) -> Like:
    """What the windows are like. Several days, and months, of a calendar are taken for as many chunks as they have on
    average, in UTC.
    """
    if windows.events is not None:
        return ANY
    if not windows.scale.name:
        zone = windows.scale.zone
        return Like(windows.size, windows.offset, zone, chunks.size != DAY or _day(zone, chunks).phases)
    if windows.size == DAY and DAY % chunks.size == 0:
        return _day(windows.scale.zone, chunks)
    return Like(max(round(windows.size / chunks.size) * chunks.size, min(windows.size, chunks.size)))


def _day(zone: str, chunks: Chunks) -> Like:
    """A day from midnight to midnight in a zone, as it was when the reference began: as many chunks as come closest.

    Where these are too long for that a weekday would be compared with parts of two.
    """
    first = np.array(chunks.starts[:1], dtype=np.int64)
    midnight = int((first - clocks(zone, first))[0]) % DAY
    nearest = round(midnight / chunks.size) * chunks.size
    return Like(DAY, nearest % DAY, zone, abs(midnight - nearest) <= LONGEST_ZONED)


def seasons(length: int, zone: str) -> tuple[Season, ...]:
    """The seasons in which stretches of this length can have a phase, by the clocks of a zone.

    Those of more than LONGEST_ZONED, but for days, have one by UTC, in which they lie: after a change of clocks most of
    one would be in a phase, and its middle in the next.
    """
    if length > DAY or DAY % length:
        return ()
    zone = zone if length <= LONGEST_ZONED or length == DAY else "UTC"
    return tuple(Season(kind, length, zone) for kind in KINDS if length < DAY or kind == "week")
