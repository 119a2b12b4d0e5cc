"""Today's Grafana from grafanalib: its classes, without the JSON of 2018 that its last release still writes.

grafanalib stays the front end (ids, encoding, the shape of a board); what is here replaces what Grafana would have to
migrate: panel defaults, targets, variables and the dashboard's own fields. Nothing in the result depends on migration.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
from grafanalib import core as G
from grafanalib._gen import DashboardEncoder

from dashboards.kinds import KINDS

Json = dict[str, Any]

# Any, because mypy's plugin for attrs would refuse every argument of the base classes, which it cannot see.
_subclass: Any = attrs.define(slots=False, kw_only=True)
_evolved: Any = attrs.evolve

SCHEMA_VERSION = 39  # already modern for Grafana 10.3 and later
WIDTH = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# What grafanalib writes and Grafana has dropped, or what only repeats the default.
_OLD_PANEL = {
    *("cacheTimeout", "editable", "error", "height", "hideTimeOverride", "maxPerRow", "minSpan", "repeatDirection"),
    *("span", "timeShift"),
}
_OLD_BOARD = {"__inputs", "gnetId", "hideControls", "id", "rows", "sharedCrosshair", "style"}


def _pruned(made: Json, dropped: Iterable[str] = ()) -> Json:
    """Without the dropped keys and without those that say nothing."""
    return {key: value for key, value in made.items() if key not in dropped and value is not None}


@_subclass
class Query(G.Target):
    """A PromQL expression. A table and a stat ask for one moment (`instant`), everything else for a range."""

    instant: bool = False

    def to_json_data(self) -> Json:
        made = {"datasource": DATASOURCE, "editorMode": "code", "expr": self.expr, "refId": self.refId}
        made |= {"format": self.format, "instant": self.instant, "range": not self.instant}
        return made | ({"legendFormat": self.legendFormat} if self.legendFormat else {})


@_subclass
class Panel(G.Panel):
    """A panel of any kind in `kinds.KINDS`; `defaults` and `overrides` are Grafana's field configuration."""

    kind: str
    width: int = 8
    tall: int = 8
    options: Json = attrs.field(factory=dict)
    defaults: Json = attrs.field(factory=dict)
    overrides: Sequence[Json] = ()

    def to_json_data(self) -> Json:
        kind = KINDS[self.kind]
        made = _pruned(self.panel_json({"type": self.kind, "options": _merged(kind.options, self.options)}), _OLD_PANEL)
        made["fieldConfig"] = {"defaults": _merged(kind.defaults, self.defaults), "overrides": list(self.overrides)}
        if not self.targets:
            for key in ("datasource", "fieldConfig", "maxDataPoints", "targets", "transformations"):
                made.pop(key, None)
        return made


@_subclass
class Row(G.RowPanel):
    """A heading over the panels that follow; a collapsed one holds them."""

    def to_json_data(self) -> Json:
        keys = ("type", "title", "id", "gridPos", "collapsed", "panels")
        made = self.panel_json({"collapsed": self.collapsed, "panels": self.panels, "type": "row"})
        return {key: made[key] for key in keys}


@_subclass
class Board(G.Dashboard):
    """A dashboard without the fields that Grafana has dropped."""

    def to_json_data(self) -> Json:
        return _pruned(super().to_json_data(), _OLD_BOARD)


def panel(
    kind: str,
    title: str,
    description: str,
    *queries: str | tuple[str, str],
    unit: str | None = None,
    size: tuple[int, int] = (8, 8),
    options: Json | None = None,
    defaults: Json | None = None,
    overrides: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
    query: Mapping[str, Any] | None = None,
    points: int | None = None,
) -> Panel:
    """A panel of `size` (width of 24, height) on expressions, or on (expression, legend) pairs."""
    pairs = [(q, "") if isinstance(q, str) else q for q in queries]
    settings = {"format": "time_series"} | KINDS[kind].query | dict(query or {})
    targets = [
        Query(expr=expr, legendFormat=legend, refId=chr(ord("A") + i), **settings)
        for i, (expr, legend) in enumerate(pairs)
    ]
    return Panel(
        kind=kind,
        title=title,
        description=description,
        dataSource=DATASOURCE,
        targets=targets,
        width=size[0],
        tall=size[1],
        options=options or {},
        defaults=({"unit": unit} if unit else {}) | (defaults or {}),
        overrides=overrides,
        transformations=list(transformations),
        maxDataPoints=points or KINDS[kind].points,
    )


def board(
    uid: str,
    title: str,
    description: str,
    panels: Sequence[Panel | Row],
    *,
    variables: Sequence[Json],
    annotations: Sequence[Json] = (),
    links: Sequence[Any] = (),
    tags: Sequence[str] = (),
    start: str = "now-24h",
) -> Json:
    """The dashboard as JSON: panels placed from left to right and numbered, not editable, with a shared crosshair."""
    made = Board(
        uid=uid,
        title=title,
        description=description,
        panels=list(flow(panels)),
        templating=G.Templating(list=list(variables)),
        annotations=G.Annotations(list=list(annotations)),
        links=list(links),
        tags=list(tags),
        time=G.Time(start, "now"),
        timePicker=G.TimePicker(refreshIntervals=["10s", "30s", "1m", "5m", "15m"], timeOptions=[]),
        timezone="browser",
        refresh="30s",
        editable=False,
        graphTooltip=G.GRAPH_TOOLTIP_MODE_SHARED_CROSSHAIR,
        schemaVersion=SCHEMA_VERSION,
    ).auto_panel_ids()
    plain: Json = json.loads(json.dumps(made.to_json_data(), cls=DashboardEncoder))
    plain["timepicker"] = {"refresh_intervals": plain["timepicker"]["refresh_intervals"]}
    return plain


def flow(panels: Iterable[Panel | Row]) -> Iterator[Panel | Row]:
    """The panels with their places: side by side until the line is full, under each other then; a row spans a line."""
    x = y = tallest = 0
    for each in panels:
        width, tall = (WIDTH, 1) if isinstance(each, Row) else (each.width, each.tall)
        if x + width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        placed = _evolved(each, gridPos=G.GridPos(h=tall, w=width, x=x, y=y))
        if isinstance(each, Row):
            inside = [_evolved(p, gridPos=_below(p, y + 1)) for p in flow(each.panels)]
            placed = _evolved(placed, panels=inside)
        yield placed
        x, tallest = x + width, max(tallest, tall)


def _below(placed: Panel | Row, y: int) -> Any:
    return _evolved(placed.gridPos, y=placed.gridPos.y + y)


def _merged(base: Json, more: Json) -> Json:
    """`more` over `base`, object by object; None takes a key away. Neither is changed."""
    both = {key: _merged(base[key], more[key]) for key in base.keys() & more.keys() if isinstance(base[key], dict)}
    return _pruned({**base, **more, **both})
