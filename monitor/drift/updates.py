"""A reference with windows of live data folded in: their counts are on its bins, so no raw data are needed.

Bins never move. The windows' counts are added to the reference's, and become chunks of it. With a span to keep, what is
older is forgotten, so that the reference rolls on with the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.drift import summaries
from monitor.drift.bins import Counts, Floats
from monitor.drift.calibration import swinging
from monitor.drift.courses import learned, lengthened
from monitor.drift.profiles import Chunks, Profile, Update
from monitor.drift.segments import Segmentation
from monitor.drift.stretches import stretches
from monitor.errors import DriftlineError

MOST_UPDATES = 100  # of a profile's history that are kept, the newest
MOST_EVENTS = 2**31 - 1  # of a chunk
ALIKE = 8  # lengths that differ by less than an eighth are one: days of 23 to 25 hours, months of 28 to 31 days


@dataclass(frozen=True, slots=True)
class Window:
    """Counts of the events of a stretch of time (UTC ms); shape (profile.size,).

    segments: the same of the segments that have any of them, by name; whole numbers, as narrow as they came.
    """

    start: int
    end: int
    counts: Counts
    segments: Mapping[str, npt.NDArray[np.integer]] = field(default_factory=dict)


class Choice(NamedTuple):
    """The windows to fold in, in order of time, and how many are left out: `known` to the reference, or overlapping."""

    windows: list[Window]
    known: int
    overlapping: int


class Kept(NamedTuple):
    """Windows that are folded in, from when on anything is kept (None: all), and the chunks that come of it."""

    windows: list[Window]
    since: int | None
    chunks: Chunks | None


def choose(profile: Profile, windows: Sequence[Window]) -> Choice:
    """Those that begin after all that the reference holds and do not overlap, so that no event counts twice.

    reference   ########|             |  the end of its last event
    windows         x--x  a--a            x is known to it, c overlaps with b
                            b--b
                              c--c
    """
    chosen: list[Window] = []
    known = overlapping = 0
    for window in sorted(windows, key=lambda window: (window.start, window.end)):
        if profile.end is not None and window.start <= profile.end:
            known += 1
        elif chosen and window.start < chosen[-1].end:
            overlapping += 1
        else:
            chosen.append(window)
    return Choice(chosen, known, overlapping)


def fold(profile: Profile, windows: Sequence[Window], *, keep: int | None = None) -> Profile:
    """The reference with these windows, which must not overlap, each other or it.

    keep: milliseconds before the end of the last window; what began earlier is forgotten, and all of a reference
    without chunks. Raises DriftlineError where there is no window, where counts do not fit the profile, those of its
    segments included, or where only a part of what segments held would be forgotten.
    """
    if not windows:
        raise DriftlineError("expected at least one window to fold into the reference, got none")
    for window in windows:
        summaries.check(profile, window.counts)
        for counts in window.segments.values():
            summaries.check(profile, counts.astype(np.int64))
    since = None if keep is None else max(window.end for window in windows) - keep
    kept = [window for window in windows if since is None or window.start >= since]
    if not kept:
        raise DriftlineError(f"no window begins in the last {keep} ms before the end of the last; keep more")
    chunks = _chunks(profile.chunks, kept, since)
    segmentations = _segmentations(profile, Kept(kept, since, chunks))
    if since is None:
        counts = np.concatenate([column.counts for column in profile.columns])
        counts = counts + np.add.reduce([window.counts for window in kept])
        start = profile.start if profile.start is not None else kept[0].start
    else:
        assert chunks is not None
        counts, start = np.add.reduce(chunks.counts, axis=0, dtype=np.int64), chunks.starts[0]
    events = sum(summaries.events(profile, window.counts) for window in kept)
    update = Update(profile.fingerprint, kept[0].start, kept[-1].end, len(kept), events, since)
    columns = tuple(replace(c, counts=part.copy()) for c, part in summaries.slices(profile, counts))
    history = (*profile.history, update)[-MOST_UPDATES:]
    return replace(
        profile,
        columns=columns,
        start=start,
        end=kept[-1].end - 1,
        chunks=chunks,
        history=history,
        segmentations=segmentations,
    )


def unlike_segments(profile: Profile, window: Window) -> str | None:
    """The first segmentation of the profile whose segments do not hold a window's events once each; None for none."""
    for found in profile.segmentations:
        parts = [window.segments[name].astype(np.int64) for name in found.segments if name in window.segments]
        if not np.array_equal(np.add.reduce(parts) if parts else np.zeros_like(window.counts), window.counts):
            return found.name
    return None


def _segmentations(profile: Profile, kept: Kept) -> tuple[Segmentation, ...]:
    """The reference's segments with those of the windows; all or nothing of what they held is forgotten."""
    since = kept.since
    if profile.segmentations and since is not None and profile.chunks and profile.chunks.starts[-1] >= since:
        names = "; ".join(found.name for found in profile.segmentations)
        raise DriftlineError(
            f"the reference has segments by {names}, of which no counts over time are known, so that a part of what it "
            "holds cannot be forgotten; fold the windows of that time into the profile that was built, or keep less"
        )
    made = []
    for found in profile.segmentations:
        counts = found.counts if since is None else np.zeros_like(found.counts)
        for window in kept.windows:
            for row, name in zip(counts, found.segments, strict=True):
                if name in window.segments:
                    row += window.segments[name]
        made.append(Segmentation.of(found.columns, found.values, counts, _course(profile, found, counts, kept)))
    return tuple(made)


def _course(profile: Profile, found: Segmentation, counts: Counts, kept: Kept) -> Floats | None:
    """How the segments moved in these windows alone, or before them where nothing is forgotten; counts: of segments."""
    if kept.since is None:
        return _kept_course(profile, found, kept.chunks)
    assert kept.chunks is not None  # what is kept has times
    over = stretches(kept.chunks)
    total = np.add.reduce(over.counts, axis=0, dtype=np.int64)
    whole = swinging(summaries.as_reference(profile, total).columns, over)
    nothing = np.zeros(profile.size, dtype=np.int64)
    made = []
    for name, own in zip(found.segments, counts, strict=True):
        windows = [replace(one, counts=one.segments.get(name, nothing).astype(np.int64)) for one in kept.windows]
        chunks = _chunks(profile.chunks, windows, kept.since)
        assert chunks is not None  # as above
        made.append(learned(summaries.as_reference(profile, own).columns, stretches(chunks), whole))
    return np.array(made)


def _kept_course(profile: Profile, found: Segmentation, chunks: Chunks | None) -> Floats | None:
    """That of the reference as it was, for chunks that may have become longer."""
    if found.course is None or profile.chunks is None or chunks is None or chunks.size == profile.chunks.size:
        return found.course
    return lengthened(found.course, chunks.size // profile.chunks.size)


def _length(windows: Sequence[Window]) -> int:
    """The most frequent one."""
    return Counter(window.end - window.start for window in windows).most_common(1)[0][0]


def _chunks(chunks: Chunks | None, windows: Sequence[Window], since: int | None) -> Chunks | None:
    """The reference's chunks and the windows, of one length: the longer one, as shorter ones can be put together."""
    if chunks is None and since is None:
        return None  # what the reference itself held has no time
    length = _length(windows)
    rows = np.array([window.counts for window in windows], dtype=np.int64)
    starts = np.array([window.start for window in windows], dtype=np.int64)
    if chunks is None:
        return _chunks_of(length, starts, rows)
    if ALIKE * abs(length - chunks.size) <= chunks.size:
        length = chunks.size
    long, short = max(length, chunks.size), min(length, chunks.size)
    if long % short:
        raise DriftlineError(
            f"windows of {length} ms and chunks of {chunks.size} ms: neither is a multiple of the other; "
            "build the reference again with a --chunk that divides the window"
        )
    old = np.array(chunks.starts, dtype=np.int64)
    fresh = np.ones(len(old), dtype=bool) if since is None else old >= since
    # What is of that length stays where it is: days of a zone are not evenly spaced where clocks change.
    places = np.concatenate(
        (
            old[fresh] if chunks.size == long else _floor(old[fresh], long, windows[0].start),
            starts if length == long else _floor(starts, long, chunks.starts[-1]),
        )
    )
    counts = np.concatenate((chunks.counts[fresh].astype(np.int64), rows))
    distinct, firsts = np.unique(places, return_index=True)
    return _chunks_of(long, distinct, np.add.reduceat(counts, firsts, axis=0))


def _chunks_of(length: int, starts: npt.NDArray[np.int64], counts: Counts) -> Chunks:
    if counts.max() > MOST_EVENTS:
        raise DriftlineError(f"a chunk of {length} ms has more than {MOST_EVENTS:,} events; fold in shorter windows")
    return Chunks.of(length, tuple(starts.tolist()), counts.astype(np.int32))


def _floor(times: npt.NDArray[np.int64], length: int, offset: int) -> npt.NDArray[np.int64]:
    """The last moments not after the times that are whole lengths away from `offset`."""
    return times - (times - offset) % length
