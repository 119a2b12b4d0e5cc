"""What an earlier configuration left in merge's state: what another one has no use for is dropped.

Where windows are cut into other panes than before, counts by the old ones tell nothing of the new. The first of the new
windows is then one that begins after all events so far, so that none is published with a part of its events.

    events so far   x xx  x|
    old panes       |--|--|--|
    new windows     |------|-------|------|      the second holds events that were counted by the old panes
                                   |------|      the first that is published
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from monitor.logs.contract import PaneKey, Target
from monitor.pipeline import trails
from monitor.pipeline.state import Series, SeriesKey, State

Targets = Mapping[tuple[str, str, str], Target]


def forget(
    state: State, targets: Targets, known: Callable[[PaneKey | SeriesKey], object], topics: Collection[str]
) -> None:
    """Drop logs no longer read, references no longer compared with, and what other windows than these left.

    known: whether something is still monitored under a key.
    """
    state.sources = {where: source for where, source in state.sources.items() if where[0] in topics}
    state.series = {key: series for key, series in state.series.items() if known(key)}
    moved = {key[:3] for key, s in state.series.items() if s.grid not in {None, targets[key[:3]].windows.grid}}
    for key in [key for key in state.panes if not known(key) or key[:3] in moved]:
        del state.panes[key]
    for source in state.sources.values():
        source.open = {key: counts for key, counts in source.open.items() if known(key) and key[:3] not in moved}
        source.spent = {key: events for key, events in source.spent.items() if key[:3] not in moved}
    reached = max((source.latest for source in state.sources.values() if source.latest is not None), default=None)
    for name, series in state.series.items():
        _forget(series, targets[name[:3]], moved=name[:3] in moved, reached=reached)


def _forget(series: Series, target: Target, *, moved: bool, reached: int | None) -> None:
    trails.forget_others(series.trail, target.windows)
    if moved or target.windows.events is None:
        series.filling = None
    if moved or target.windows.events is not None:
        series.published = {}
    if moved and reached is not None:
        series.floor = reached + 1 if series.floor is None else max(series.floor, reached + 1)
    if series.grid is not None:
        series.grid = target.windows.grid
