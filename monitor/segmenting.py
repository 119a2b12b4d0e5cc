"""The segments of a reference that is being built: which columns tell them apart, and which values have one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import Floats, Unordered
from monitor.drift.calibration import Swinging, swinging
from monitor.drift.courses import learned
from monitor.drift.profiles import Chunks, Column
from monitor.drift.segments import CAP, MOST_COLUMNS, MOST_SEGMENTS, Segmentation, counted, frequent
from monitor.drift.stretches import Stretches
from monitor.errors import DriftlineError
from monitor.gather import PREDICTION, no_column
from monitor.observed import Cells


class Cut(NamedTuple):
    """Event time cut into stretches of a length (ms): their starts, and in which of them each event is."""

    length: int
    starts: npt.NDArray[np.int64]
    which: npt.NDArray[np.intp]

    def chunks(self, columns: Sequence[Column], cells: Sequence[Cells]) -> Chunks:
        """The counts of every stretch; cells: of each event, by column."""
        return Chunks.of(self.length, tuple(self.starts.tolist()), self._counts(columns, cells, self.which))

    def swinging(self, columns: Sequence[Column], cells: Sequence[Cells]) -> Swinging:
        """The seasons of all events."""
        return swinging(columns, Stretches(self.starts, self._counts(columns, cells, self.which), self.length))

    def course(
        self, columns: Sequence[Column], cells: Sequence[Cells], chosen: npt.NDArray[np.intp], whole: Swinging
    ) -> Floats:
        """How these events, by their places among all, move from stretch to stretch; shape (columns, NUMBERS)."""
        cells = [row[chosen] for row in cells]
        counts = self._counts(columns, cells, self.which[chosen])
        own = [
            replace(column, counts=np.bincount(row, minlength=column.size).astype(np.int64))
            for column, row in zip(columns, cells, strict=True)
        ]
        return learned(own, Stretches(self.starts, counts, self.length), whole)

    def _counts(
        self, columns: Sequence[Column], cells: Sequence[Cells], which: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.int32]:
        """Shape (stretches, cells of all columns)."""
        number, offset = len(self.starts), 0
        counts = np.zeros((number, sum(column.size for column in columns)), dtype=np.int32)
        for column, row in zip(columns, cells, strict=True):
            flat = np.bincount(which * column.size + row, minlength=number * column.size)
            counts[:, offset : offset + column.size] = flat.reshape(number, column.size)
            offset += column.size
        return counts


def columns_named(
    segments: Sequence[str],
    fields: Collection[str],
    *,
    ignore: Collection[str],
    time: str | None,
    prediction: str | None,
) -> tuple[str, ...]:
    """The columns by which events are told apart, each once.

    Raises DriftlineError for one of the `fields` by which nothing is told apart, or that is named as something else.
    """
    parted = tuple(dict.fromkeys(name.strip() for text in segments for name in text.split(",")))
    others = {"--ignore": ignore, "--time": [time], "--prediction": [prediction, prediction and PREDICTION]}
    for name in fields:
        for option in (option for option, names in others.items() if name in names):
            raise DriftlineError(f"column {name!r}: named by {option} and --segment-fields; leave out one")
        if name not in parted:
            raise DriftlineError(f"column {name!r}: named by --segment-fields, but by no --segments; add it there")
    return parted


def check_made(
    parted: Sequence[str], made: Collection[str], *, offered: Collection[str], brought: Collection[str]
) -> None:
    """Raise DriftlineError for a column of --segments that was not made.

    offered: names in the events' own segments. brought: what the data have, of use or not.
    """
    for name in (name for name in parted if name not in made):
        if name not in brought:
            raise no_column(name, "--segments", sorted({*made, *offered}))
        raise DriftlineError(
            f"column {name!r}: named by --segments, but it has no usable value in these data, or --derive reads it as "
            "text; name it in --categorical, or leave it out"
        )


def segmentations(
    asked: Sequence[str], made: Mapping[str, tuple[Column, Cells]], cap: int, cut: Cut | None
) -> list[Segmentation]:
    """Segments by what was asked for: a column, or several with commas between them.

    made: the profile's columns with each event's cell. cap: most segments with a name, of each segmentation. cut: event
    time, by which it is learned how each segment moves; None where events have none.
    """
    if not 1 <= cap <= MOST_SEGMENTS - 2:
        raise DriftlineError(f"--segment-values: expected 1 to {MOST_SEGMENTS - 2}, got {cap}; the default is {CAP}")
    columns, cells = zip(*made.values(), strict=True)
    whole = cut.swinging(columns, cells) if cut and asked else None
    found = []
    for text in dict.fromkeys(asked):
        names = tuple(name.strip() for name in text.split(","))
        bins = [_bins(name, made) for name in names]
        if len(names) > MOST_COLUMNS or len(set(names)) < len(names):
            raise DriftlineError(f"--segments {text}: expected 1 to {MOST_COLUMNS} columns, none of them twice")
        own = [made[name][1] for name in names]
        values = frequent(bins, own, cap=cap)
        places = Segmentation(names, values, 0, b"").lookup(bins)(own)
        counts = counted(places, cells, [column.size for column in columns], len(values) + 2)
        parts = [np.flatnonzero(places == place) for place in range(len(counts))]
        course = np.array([cut.course(columns, cells, part, whole) for part in parts]) if cut and whole else None
        found.append(Segmentation.of(names, values, counts, course))
    return found


def _bins(name: str, made: Mapping[str, tuple[Column, Cells]]) -> Unordered:
    bins = made[name][0].bins
    if not isinstance(bins, Unordered):
        raise DriftlineError(f"column {name!r}: --segments needs categories, not numbers; name it in --categorical too")
    return bins
