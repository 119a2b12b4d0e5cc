"""The segments of a reference that is being built: which columns tell them apart, and which values have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.drift.bins import Unordered
from monitor.drift.profiles import Column
from monitor.drift.segments import CAP, MOST_COLUMNS, MOST_SEGMENTS, Segmentation, counted, frequent
from monitor.errors import DriftlineError
from monitor.gather import no_column
from monitor.observed import Cells


def segmentations(asked: Sequence[str], made: Mapping[str, tuple[Column, Cells]], cap: int) -> list[Segmentation]:
    """Segments by what was asked for: a column, or several with commas between them.

    made: the profile's columns with each event's cell. cap: most segments with a name, of each segmentation.
    """
    if not 1 <= cap <= MOST_SEGMENTS - 2:
        raise DriftlineError(f"--segment-values: expected 1 to {MOST_SEGMENTS - 2}, got {cap}; the default is {CAP}")
    columns, cells = zip(*made.values(), strict=True)
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
        found.append(Segmentation.of(names, values, counts))
    return found


def _bins(name: str, made: Mapping[str, tuple[Column, Cells]]) -> Unordered:
    if name not in made:
        raise no_column(name, "--segments", sorted(made))
    bins = made[name][0].bins
    if not isinstance(bins, Unordered):
        raise DriftlineError(f"column {name!r}: --segments needs categories, not numbers; name it in --categorical too")
    return bins
