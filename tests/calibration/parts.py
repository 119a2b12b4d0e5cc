"""A model whose events are in several segments, each simulated by itself: one reference with the counts of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monitor.drift import summaries
from monitor.drift.bins import SPECIAL, Counts, Unordered
from monitor.drift.calibration import swinging
from monitor.drift.courses import learned
from monitor.drift.profiles import Chunks, Column, Profile
from monitor.drift.segments import Segmentation
from monitor.drift.stretches import Stretches
from tests.calibration.worlds import HOUR, Simulated

COLUMN = "part"  # that tells segments apart


def name(place: int) -> str:
    """Of a segment, by its place."""
    return f"{COLUMN}={_value(place)}"


def with_part(counts: Counts, place: int, parts: int, events: Counts | int) -> Counts:
    """Counts of events of the segment at a place, with the column that tells segments apart; shape (..., cells)."""
    own = np.zeros((*counts.shape[:-1], parts + 2 + SPECIAL), dtype=np.int64)
    own[..., place] = events
    return np.concatenate((counts, own), axis=-1)


def together(series: Sequence[Simulated]) -> Profile:
    """The reference of all segments."""
    first, parts = series[0].profile, len(series)
    over = []
    for place, one in enumerate(series):
        assert one.profile.chunks is not None  # simulated
        counts = one.profile.chunks.counts.astype(np.int64)
        over.append(with_part(counts, place, parts, counts[:, : first.columns[0].size].sum(axis=1)))
    nothing = np.zeros_like(over[0])
    over += [nothing, nothing]  # `other` and `missing`
    assert first.chunks is not None
    starts = first.chunks.starts
    values = tuple(_value(place) for place in range(parts))
    bins = Unordered(values)
    columns = (*first.columns, Column(COLUMN, "feature", bins, np.zeros(bins.values + SPECIAL, dtype=np.int64)))
    empty = Profile("m", "1", tuple(replace(column, counts=column.counts * 0) for column in columns))
    whole: Counts = np.add.reduce(over)
    made = summaries.as_reference(empty, whole.sum(axis=0))
    times = np.array(starts, dtype=np.int64)
    every = swinging(made.columns, Stretches(times, whole, HOUR))
    course = [
        learned(summaries.as_reference(empty, counts.sum(axis=0)).columns, Stretches(times, counts, HOUR), every)
        for counts in over
    ]
    found = Segmentation.of(
        (COLUMN,), tuple((value,) for value in values), np.array([c.sum(axis=0) for c in over]), np.array(course)
    )
    chunks = Chunks.of(HOUR, starts, whole.astype(np.int32))
    return replace(made, start=first.start, end=first.end, chunks=chunks, segmentations=(found,))


def _value(place: int) -> str:
    return f"p{place:02}"
