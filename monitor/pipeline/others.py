"""A window beside further references than the deciding one: last week, or another version's data.

They share the deciding one's bins, so events are counted once. What they say is shown, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.drift.bins import Counts
from monitor.pipeline.compare import Comparison
from monitor.pipeline.results import ComparedColumn, ComparedReference


def compared(others: Mapping[str, Comparison], counts: Counts, start: int) -> dict[str, ComparedReference]:
    """What each of the references says of a window that begins at `start` (UTC ms), by its name."""
    return {name: _compared(comparison, counts, start) for name, comparison in others.items()}


def _compared(comparison: Comparison, counts: Counts, start: int) -> ComparedReference:
    verdict, columns = comparison(counts, start)
    return ComparedReference(
        comparison.profile.version,
        comparison.profile.fingerprint,
        verdict,
        {name: ComparedColumn(column.verdict, column.ratio, column.scores) for name, column in columns.items()},
    )
