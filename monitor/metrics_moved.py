"""What moved in a window as gauges, so that an alert can say it: which columns have one cause, and what moved in them.

Few, because their labels change from window to window: the first three causes, and of each the three parts that moved
most in its worst column. A part is named by the reference's bins.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.drift.explanations import MOST
from monitor.metrics_names import CAUSED_COLUMN, MOVED_PART
from monitor.pipeline.results import ColumnResult, Result

CAUSES = 3  # that are shown of a window

Series = tuple[tuple[str, ...], tuple[str, ...], dict[str, float]]


def moved(result: Result) -> Iterator[Series]:
    """Label names, their values without those of the window, and the gauges under them; the worst cause first."""
    for first, *others in result.groups[:CAUSES]:
        for name in (first, *others):
            column = result.columns[name]
            yield CAUSED_COLUMN, (name, column.role, first), {"column_cause_ratio": column.ratio or 0.0}
        yield from _parts(first, result.columns[first])


def _parts(name: str, column: ColumnResult) -> Iterator[Series]:
    """The parts of a column that moved most, in its own units; one that looks like a larger one is left out."""
    shown: set[str] = set()  # long names of categories are shortened, and a series may be there only once
    for part in column.moved[:MOST]:
        said = f"{part.of} {part.where}"
        if said not in shown:
            shares = {"column_moved_ratio": part.current, "column_moved_reference_ratio": part.reference}
            yield MOVED_PART, (name, column.role, said), shares
        shown.add(said)
