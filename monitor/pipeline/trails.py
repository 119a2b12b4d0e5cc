"""What is kept of earlier windows for those after them: by it a shift is found that lasts for several.

    windows    [t-3) [t-2) [t-1) [t)       each begins where the one before ends
    trail        o     o     o    |        the sums of the three before; none beyond a gap

A trail holds the windows that can still be revised and three before the earliest of them. Windows that overlap have
none: of a day that begins every hour it would be the counts of half a week.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from monitor.drift.bins import Counts
from monitor.drift.onsets import BEFORE
from monitor.drift.windows import Windows
from monitor.pipeline.envelopes import unpack


class Trace(NamedTuple):
    """A window's end, and its packed counts by few cells of every column (`Comparison.sums`)."""

    end: int
    packed: bytes


Trail = dict[int, Trace]  # by the windows' starts


def followed(windows: Windows) -> bool:
    """Whether trails are kept of such windows."""
    return windows.step == windows.size


def before(trail: Mapping[int, Trace], start: int) -> list[tuple[int, Counts]]:
    """Starts and sums of the windows that came right before the one that begins at `start`, the latest first."""
    return [(earlier, unpack(trail[earlier].packed)) for earlier in _chain(trail, start)]


def after(trail: Mapping[int, Trace], end: int) -> Iterator[int]:
    """Starts of the windows that have the one that ends at `end` before them, the earliest first."""
    for _ in range(BEFORE):
        if end not in trail:
            return
        yield end
        end = trail[end].end


def forget(trail: Trail, floor: int) -> None:
    """Drop what no window that begins at or after `floor` has before it."""
    needed = {start for start, trace in trail.items() if trace.end > floor}
    for _ in range(BEFORE):
        begins = {floor, *needed}
        needed |= {start for start, trace in trail.items() if trace.end in begins}
    for start in trail.keys() - needed:
        del trail[start]


def forget_others(trail: Trail, windows: Windows) -> None:
    """Drop the windows that an earlier configuration cut otherwise."""
    for start, trace in list(trail.items()):
        if not followed(windows) or (windows.events is None and windows.end(start) != trace.end):
            del trail[start]


def _chain(trail: Mapping[int, Trace], start: int) -> Iterator[int]:
    ends = {trace.end: earlier for earlier, trace in trail.items()}
    for _ in range(BEFORE):
        if start not in ends:
            return
        start = ends[start]
        yield start
