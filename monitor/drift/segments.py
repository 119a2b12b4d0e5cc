"""A segment is a part of the events: those with one value of a categorical column, or of several together.

A segmentation names its columns; the reference decides its segments, so that an event can never make a new one. The
combinations that the reference had most often have a segment each, every other one is in `other`, and events in which
a column is missing or invalid are in `missing`. Each event is in exactly one segment of a segmentation.
"""

from __future__ import annotations

import base64
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import INVALID, MISSING, Bins, Counts, Floats, Unordered
from monitor.drift.fields import field_of, unpacked
from monitor.drift.variation import MOST_MEMORY
from monitor.errors import DriftlineError

OTHER, ABSENT = "other", "missing"  # what stands for a value in the two segments that every segmentation has
CAP = 20  # segments with a name of their own, unless another number is asked for
MOST_COLUMNS = 3
NUMBERS = 21  # that a segment's course has of each column: see `courses`
WITHIN = 17  # of them come before those within a season, which older profiles lack
MOST_SEGMENTS = 1_000  # of a profile: each has counts in every pane
LONGEST = 100  # characters of a value; events with a longer one are in `other`
_ESCAPED = str.maketrans({char: f"%{ord(char):02X}" for char in "%=,"})

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Segmentation:
    """How events are told apart: by `columns`, a segment for each of `values` (one per column), and two more.

    `packed` holds the reference's counts of every segment: compressed, because few of a worker's are in use at a time.
    `moves` holds how each of them moves by itself, likewise; empty where that is not known. It has so many `numbers` of
    each column.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    cells: int
    packed: bytes
    moves: bytes = b""
    numbers: int = NUMBERS

    @classmethod
    def of(
        cls,
        columns: tuple[str, ...],
        values: tuple[tuple[str, ...], ...],
        counts: Counts,
        course: Floats | None = None,
    ) -> Segmentation:
        """A segmentation with these counts, of shape (segments, profile.size), and this course."""
        packed = zlib.compress(counts.astype("<i8").tobytes(), 6)
        if course is None:
            return cls(columns, values, counts.shape[1], packed)
        moves = zlib.compress(course.astype("<f8").tobytes(), 6)
        return cls(columns, values, counts.shape[1], packed, moves, course.shape[-1])

    @property
    def name(self) -> str:
        """As it is asked for: the columns with commas between them."""
        return ",".join(self.columns)

    @cached_property
    def segments(self) -> Mapping[str, Mapping[str, str]]:
        """Every segment's values by column, under the segment's name; `other` and `missing` last.

        >>> list(Segmentation(("country",), (("DE",),), 0, b"").segments)
        ['country=DE', 'country=other', 'country=missing']
        """
        ends = [(word,) * len(self.columns) for word in (OTHER, ABSENT)]
        made = [dict(zip(self.columns, values, strict=True)) for values in (*self.values, *ends)]
        return {named(values): values for values in made}

    @property
    def counts(self) -> Counts:
        """The reference's counts of every segment; shape (segments, profile.size)."""
        flat = np.frombuffer(zlib.decompress(self.packed), dtype="<i8")
        return flat.reshape(len(self.values) + 2, self.cells).astype(np.int64)

    @property
    def course(self) -> Floats | None:
        """How every segment moves by itself (see `courses`), where known; shape (segments, columns, NUMBERS).

        Numbers that an older profile lacks are 0: no segment follows a season.
        """
        if not self.moves:
            return None
        flat = np.frombuffer(zlib.decompress(self.moves), dtype="<f8").astype(np.float64)
        found = flat.reshape(len(self.values) + 2, -1, self.numbers)
        return np.pad(found, ((0, 0), (0, 0), (0, max(NUMBERS - self.numbers, 0))))

    def lookup(self, bins: Sequence[Bins]) -> Lookup:
        """Tells the segments of events by the bins of its columns."""
        return Lookup(self, bins)


class Lookup:
    """The place among a segmentation's segments for the cells of its columns, each counted from the column's first.

    It goes from column to column: one table of all combinations of three columns could have a billion entries.
    """

    def __init__(self, segmentation: Segmentation, bins: Sequence[Bins]) -> None:
        values = segmentation.values
        self._steps: list[tuple[Codes, Codes]] = []  # each cell's code, and what a code makes of one of the step before
        before: dict[tuple[str, ...], int] = {(): 0}
        for i, own in enumerate(bins):
            names = {name: code for code, name in enumerate(sorted({value[i] for value in values}), 2)}
            after = {start: place for place, start in enumerate(dict.fromkeys(value[: i + 1] for value in values))}
            table = np.full((len(before) + 2, len(names) + 2), len(after), dtype=np.int64)  # the last two as segments
            table[-1] = table[:, 0] = len(after) + 1
            for start, place in after.items():
                table[before[start[:-1]], names[start[-1]]] = place
            self._steps.append((_column_codes(own, list(names)), table))
            before = after

    def __call__(self, cells: Sequence[npt.NDArray[np.integer]]) -> Codes:
        """cells: a row per column, shape (n,). Returns the places of the events' segments, shape (n,)."""
        codes, table = self._steps[0]
        found: Codes = table[0, codes][cells[0]]
        for (codes, table), row in zip(self._steps[1:], cells[1:], strict=True):
            found = table[found, codes[row]]
        return found


def named(values: Mapping[str, str]) -> str:
    """The name of the segment of these values; no two have the same.

    >>> named({"country": "DE", "channel": "a=b"})
    'country=DE,channel=a%3Db'
    """
    return ",".join(f"{name.translate(_ESCAPED)}={value.translate(_ESCAPED)}" for name, value in values.items())


def frequent(
    bins: Sequence[Unordered], cells: Sequence[npt.NDArray[np.integer]], *, cap: int = CAP
) -> tuple[tuple[str, ...], ...]:
    """The values that have a segment each: the `cap` combinations that most events have, ties by name.

    cells: every event's cell in each of the columns; shapes (n,).
    """
    code, usable = np.zeros(len(cells[0]), dtype=np.int64), np.ones(len(cells[0]), dtype=bool)
    for own, row in zip(bins, cells, strict=True):
        named = np.array([*map(nameable, own.categories), False, False, False, False])
        usable &= named[row]
        code = code * len(named) + row
    found, events = np.unique(code[usable], return_counts=True)
    values = [_values(bins, int(one)) for one in found]
    ranked = sorted(zip(values, events.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return tuple(value for value, _ in ranked[:cap])


def counted(places: Codes, cells: Sequence[npt.NDArray[np.integer]], sizes: Sequence[int], segments: int) -> Counts:
    """Counts of every segment, of events whose places among the segments and cells in each column these are.

    sizes: cells of each column. Returns shape (segments, sum of the sizes).
    """
    found = [
        np.bincount(places * size + row, minlength=segments * size).reshape(segments, size)
        for row, size in zip(cells, sizes, strict=True)
    ]
    return np.concatenate(found, axis=1).astype(np.int64, copy=False)


def check(
    segmentations: Sequence[Segmentation], bins: Mapping[str, Bins], whole: Counts, offsets: Sequence[int]
) -> None:
    """Raise DriftlineError unless the columns can tell the segments apart and each event is counted in one of them.

    bins: of the profile's columns. whole: the reference's flat vector of counts; offsets: where its columns begin.
    """
    names = [found.name for found in segmentations]
    number = sum(len(found.values) + 2 for found in segmentations)
    if len(set(names)) < len(names) or number > MOST_SEGMENTS:
        raise DriftlineError(
            f"expected at most {MOST_SEGMENTS:,} segments, by columns that differ, got {number:,} by {', '.join(names)}"
        )
    for found in segmentations:
        _check_values(found, bins)
        counts = found.counts if found.cells == len(whole) else whole[None] - 1
        totals = np.add.reduceat(counts, offsets[:-1], axis=1)
        if np.any(counts < 0) or np.any(counts.sum(axis=0) != whole) or np.any(totals != totals[:, :1]):
            raise DriftlineError(f"segments by {found.name}: their counts do not add up to those of the reference")
        _check_course(found, len(offsets) - 1)


def encode(found: Segmentation) -> dict[str, Any]:
    """The segmentation, ready for JSON."""
    made = {"columns": found.columns, "values": found.values, "counts": base64.b64encode(found.packed).decode()}
    return made | ({"course": base64.b64encode(found.moves).decode()} if found.moves else {})


def decode(document: Any, size: int, width: int) -> Segmentation:
    """The segmentation that `encode` made, of a profile of so many cells in a `width` of columns.

    Raises DriftlineError for anything else.
    """
    columns, values = (field_of(document, key, list) for key in ("columns", "values"))
    if not all(isinstance(value, list) for value in values):
        raise DriftlineError("'values' of segments must be lists of strings")
    named = tuple(tuple(sys.intern(str(part)) for part in value) for value in values)
    raw = unpacked(field_of(document, "counts", str), (len(named) + 2) * size * 8)
    counts = np.frombuffer(raw, dtype="<i8").reshape(len(named) + 2, size)
    course = None
    if "course" in document:
        size = (len(named) + 2) * width * 8
        raw = unpacked(field_of(document, "course", str), size * WITHIN, size * NUMBERS)
        course = np.frombuffer(raw, dtype="<f8").reshape(len(named) + 2, width, -1)
    return Segmentation.of(tuple(map(str, columns)), named, counts, course)


def _check_course(found: Segmentation, width: int) -> None:
    course = found.course
    if course is None:
        return
    if course.shape != (len(found.values) + 2, width, NUMBERS) or found.numbers < WITHIN:
        raise DriftlineError(f"segments by {found.name}: expected {NUMBERS} numbers of each column of each segment")
    least = np.zeros(NUMBERS)
    least[2::4] = -np.inf  # z: after a design effect, variance, z, memory and a number, five times
    most = np.full(NUMBERS, np.inf)
    most[3::4] = MOST_MEMORY
    if not np.all(np.isfinite(course) & (course >= least) & (course <= most)):
        raise DriftlineError(f"segments by {found.name}: their course has numbers that cannot be")


def _check_values(found: Segmentation, bins: Mapping[str, Bins]) -> None:
    if not 1 <= len(found.columns) <= MOST_COLUMNS or len(set(found.columns)) < len(found.columns):
        raise DriftlineError(f"segments by {found.name}: expected 1 to {MOST_COLUMNS} columns, none of them twice")
    for i, name in enumerate(found.columns):
        own = bins.get(name)
        if not isinstance(own, Unordered):
            raise DriftlineError(f"segments by {found.name}: expected a categorical column {name!r}, there is none")
        known = {category for category in own.categories if nameable(category)}
        for value in found.values:
            if len(value) != len(found.columns) or value[i] not in known:
                raise DriftlineError(f"segments by {found.name}: {value!r} are no categories of the columns")
    if len(set(found.values)) < len(found.values):
        raise DriftlineError(f"segments by {found.name}: a segment stands twice")


def _values(bins: Sequence[Unordered], code: int) -> tuple[str, ...]:
    """The categories of a combination."""
    found: list[str] = []
    for own in reversed(bins):
        code, place = divmod(code, own.values + 2)
        found.append(own.categories[place])
    return tuple(reversed(found))


def nameable(value: str) -> bool:
    """Whether a value may name a segment: printable, not long, and not what means something else."""
    return value.isprintable() and len(value) <= LONGEST and value not in (OTHER, ABSENT)


def _column_codes(bins: Bins, names: Sequence[str]) -> Codes:
    """For every cell of a column: 0 where it is missing or invalid, 2 on for the names, 1 for whatever else."""
    if not isinstance(bins, Unordered):
        raise DriftlineError("segments need categorical columns")
    codes = np.ones(bins.values + 2, dtype=np.int64)
    codes[[MISSING, INVALID]] = 0
    places = bins.codes()
    for code, name in enumerate(names, 2):
        codes[places[name]] = code
    return codes
