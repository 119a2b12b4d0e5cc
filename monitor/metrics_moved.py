"""What moved in a window as gauges, so that an alert can say it: which columns have one cause, and what moved in them.

Few, because their labels change from window to window: the first three causes, and of each the three parts that moved
most in its worst column; then the same of the first three columns in drift in segments alone, under the label of the
segment that the window's result names. A part is named by the reference's bins.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.drift.explanations import MOST, Movement
from monitor.drift.segments import named
from monitor.metrics_names import CAUSED_COLUMN, MOVED_PART
from monitor.pipeline.results import Result

CAUSES = 3  # that are shown of a window
ALONE = 3  # columns that are shown of segments

Series = tuple[tuple[str, ...], tuple[str, ...], dict[str, float]]


def moved(result: Result) -> Iterator[Series]:
    """Label names, their values behind model and version, and the gauges under them; the worst cause first."""
    segment = named(result.segment or {})
    for first, *others in result.groups[:CAUSES]:
        for name in (first, *others):
            column = result.columns[name]
            yield CAUSED_COLUMN, (segment, name, column.role, first), {"column_cause_ratio": column.ratio or 0.0}
        yield from _parts((segment, first, result.columns[first].role), result.columns[first].moved)
    for found in result.segments.columns[:ALONE] if result.segments else ():
        yield from _parts((named(found.segment), found.column, result.columns[found.column].role), found.moved)


def _parts(column: tuple[str, ...], moved: tuple[Movement, ...]) -> Iterator[Series]:
    """The parts of a column that moved most, in its own units; one that looks like a larger one is left out."""
    shown: set[str] = set()  # long names of categories are shortened, and a series may be there only once
    for part in moved[:MOST]:
        said = f"{part.of} {part.where}"
        if said not in shown:
            shares = {"column_moved_ratio": part.current, "column_moved_reference_ratio": part.reference}
            yield MOVED_PART, (*column, said), shares
        shown.add(said)
