"""A reference with windows of live data folded in: their counts are on its bins, so no raw data are needed.

Bins never move. The windows' counts are added to the reference's, and become chunks of it. With a span to keep, what is
older is forgotten, so that the reference rolls on with the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from monitor.drift import summaries
from monitor.drift.bins import Counts
from monitor.drift.profiles import Chunks, Profile, Update
from monitor.errors import DriftlineError

MOST_UPDATES = 100  # of a profile's history that are kept, the newest


@dataclass(frozen=True, slots=True)
class Window:
    """Counts of the events of a stretch of time (UTC ms); shape (profile.size,)."""

    start: int
    end: int
    counts: Counts


class Choice(NamedTuple):
    """The windows to fold in, in order of time, and how many are left out: `known` to the reference, or overlapping."""

    windows: list[Window]
    known: int
    overlapping: int


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
    without chunks. Raises DriftlineError where there is no window, or counts do not fit the profile.
    """
    if not windows:
        raise DriftlineError("expected at least one window to fold into the reference, got none")
    if profile.segmentations:
        names = "; ".join(found.name for found in profile.segmentations)
        raise DriftlineError(
            f"the reference has segments by {names}, and windows cannot be folded into those; "
            "build it again from data with `driftline reference build --segments`, or without them"
        )
    for window in windows:
        summaries.check(profile, window.counts)
    since = None if keep is None else max(window.end for window in windows) - keep
    kept = [window for window in windows if since is None or window.start >= since]
    if not kept:
        raise DriftlineError(f"no window begins in the last {keep} ms before the end of the last; keep more")
    chunks = _chunks(profile.chunks, kept, since)
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
    return replace(profile, columns=columns, start=start, end=kept[-1].end - 1, chunks=chunks, history=history)


def _chunks(chunks: Chunks | None, windows: Sequence[Window], since: int | None) -> Chunks | None:
    """The reference's chunks and the windows, of one length: the longer one, as shorter ones can be put together."""
    if chunks is None and since is None:
        return None  # what the reference itself held has no time
    length = Counter(window.end - window.start for window in windows).most_common(1)[0][0]
    rows = np.array([window.counts for window in windows], dtype=np.int64)
    starts = np.array([window.start for window in windows], dtype=np.int64)
    if chunks is None:
        return Chunks.of(length, tuple(starts.tolist()), rows.astype(np.int32))
    long, short = max(length, chunks.size), min(length, chunks.size)
    if long % short:
        raise DriftlineError(
            f"windows of {length} ms and chunks of {chunks.size} ms: neither is a multiple of the other; "
            "build the reference again with a --chunk that divides the window"
        )
    old = np.array(chunks.starts, dtype=np.int64)
    fresh = np.ones(len(old), dtype=bool) if since is None else old >= since
    starts = np.concatenate((old[fresh], starts))
    counts = np.concatenate((chunks.counts[fresh].astype(np.int64), rows))
    offset = windows[0].start if length == long else int(old[0])
    places = (starts - offset) // long
    distinct, firsts = np.unique(places, return_index=True)
    made = np.add.reduceat(counts, firsts, axis=0)
    return Chunks.of(long, tuple((distinct * long + offset).tolist()), made.astype(np.int32))
