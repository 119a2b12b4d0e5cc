"""A reference of other data on the bins of a profile that is there, so that one window can be compared with both.

The data are counted as a worker counts events, so columns that are derived are made as that profile makes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from monitor.config import LogFields
from monitor.drift import summaries
from monitor.drift.bins import MISSING, Counts
from monitor.drift.calibration import Swinging, swinging
from monitor.drift.courses import learned
from monitor.drift.profiles import Chunks, Column, Profile
from monitor.drift.segments import Segmentation
from monitor.drift.stretches import Stretches
from monitor.drift.windows import Windows
from monitor.durations import UNITS, format_duration
from monitor.errors import DriftlineError
from monitor.gather import Progress
from monitor.logs.contract import Counted, Target
from monitor.logs.files import BATCH, events
from monitor.logs.json import JsonDecoder
from monitor.reference import CHUNK_CELLS, Report


def recount(
    paths: Sequence[Path],
    bins_of: Profile,
    *,
    version: str,
    time: str | None = None,
    prediction: str | None = None,
    chunk: int | None = None,
    progress: Progress = lambda events: None,
) -> tuple[Profile, Report]:
    """The profile of the events of a version of the same model, on the bins of another one, and what was read.

    Tables have a row per event and their time in `time`; JSON lines are canonical events. chunk: milliseconds; None
    takes that of the other profile, or an hour. Segments are those of the other profile, whatever values these data
    have. Raises DriftlineError where no event can be used.
    """
    length = chunk if chunk is not None else bins_of.chunks.size if bins_of.chunks else UNITS["h"]
    if length < UNITS["s"]:
        raise DriftlineError(f"expected a chunk of at least 1s, got {format_duration(max(length, 0))}")
    shape = replace(bins_of, version=version, history=(), segmentations=())
    target = Target(shape, Windows(length, length), segmentations=bins_of.segmentations)
    most = BATCH * (1 + len(bins_of.segmentations))  # each event may open a pane, and one in each segmentation
    decoder = JsonDecoder({(bins_of.model, version): target}, max_panes=most)
    fields = LogFields(time=time or LogFields.time, prediction=prediction)
    found = _Found(most=CHUNK_CELLS // bins_of.size, length=length)
    for path in paths:
        for values in events(path, fields, model=bins_of.model, version=version, segments=bins_of.segment_fields):
            found.add(decoder.count(values, None), path)
            progress(found.events)
    if not found.events:
        raise DriftlineError(f"no event of model {bins_of.model!r} version {version!r} to count{found.why}")
    profile = _profile(shape, bins_of.segmentations, found)
    notes = tuple(
        f"column {column.name!r} has no usable value in these data"
        for column in profile.columns
        if not column.counts[:MISSING].any()
    )
    return profile, Report(len(paths), found.events, found.left_out, found.examples, length, notes)


class _Found:
    """Counts of what was read by segment and chunk, at most `most` of them, and what was left out by reason."""

    def __init__(self, *, most: int, length: int) -> None:
        self.counts: dict[tuple[str, int], Counts] = {}
        self.events = 0
        self.latest: int | None = None
        self.left_out: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self._most, self.length = most, length

    def add(self, counted: Counted, path: Path) -> None:
        """The counts of a batch of a file."""
        for key, counts in counted.counts.items():
            own, place = counts.astype(np.int64), (key.segment, key.pane)
            self.counts[place] = summaries.merge(self.counts[place], own) if place in self.counts else own
        if len(self.counts) > self._most:
            parts = " of segments" if any(segment for segment, _ in self.counts) else ""
            raise DriftlineError(
                f"chunks of {format_duration(self.length)}{parts} are too many; take longer ones by --chunk"
            )
        self.events += counted.events
        if counted.latest is not None:
            self.latest = max(counted.latest, self.latest or counted.latest)
        self.left_out.update(counted.skipped)
        for rejected in counted.rejected:
            self.left_out[rejected.reason] += 1
            self.examples.setdefault(rejected.reason, f"{path}: {rejected.message}")
        for reason in counted.skipped:
            self.examples.setdefault(reason, str(path))

    def stretches(self, segment: str) -> Stretches:
        """The counts of a segment in every chunk that has any event; "" is all events."""
        starts = sorted(start for part, start in self.counts if not part)
        none = np.zeros_like(self.counts["", starts[0]])
        rows = np.array([self.counts.get((segment, start), none) for start in starts])
        return Stretches(np.array(starts, dtype=np.int64), rows.astype(np.int32), self.length)

    @property
    def why(self) -> str:
        """What became of the events, where there are none left."""
        first = self.left_out.most_common(3)
        return "".join(f"; {count:,} left out as {reason}: {self.examples[reason]}" for reason, count in first)


def _profile(shape: Profile, segmentations: Sequence[Segmentation], found: _Found) -> Profile:
    whole = found.stretches("")
    starts = tuple(whole.starts.tolist())
    chunks = Chunks.of(found.length, starts, whole.counts)
    columns = _columns(shape, whole)
    parts = tuple(_segmentation(shape, part, found, swinging(columns, whole)) for part in segmentations)
    return replace(shape, columns=columns, start=starts[0], end=found.latest, chunks=chunks, segmentations=parts)


def _segmentation(shape: Profile, of: Segmentation, found: _Found, whole: Swinging) -> Segmentation:
    """The same segments with the counts of these data, and how each of them moves."""
    counts, course = [], []
    for name in of.segments:
        stretches = found.stretches(name)
        columns = _columns(shape, stretches)
        counts.append(np.concatenate([column.counts for column in columns]))
        course.append(learned(columns, stretches, whole))
    return Segmentation.of(of.columns, of.values, np.array(counts), np.array(course))


def _columns(shape: Profile, stretches: Stretches) -> tuple[Column, ...]:
    total = stretches.counts.sum(axis=0, dtype=np.int64)
    return tuple(replace(column, counts=part.copy()) for column, part in summaries.slices(shape, total))
