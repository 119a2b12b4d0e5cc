"""What panels on several boards share: how verdicts and ratios look, lines to compare with, and tables of parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from dashboards.kinds import BLUE, GREEN, GREY, ORANGE, RED, YELLOW
from dashboards.modern import Panel, panel
from dashboards.promql import increase

Json = dict[str, Any]

_VERDICTS = {"-1": ("undecided", GREY), "0": ("ok", GREEN), "1": ("warning", YELLOW), "2": ("drift", RED)}


def steps(*pairs: tuple[float | None, str]) -> Json:
    """Colours from each value upwards; the first value is None."""
    return {"thresholds": {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in pairs]}}


def mapping(texts: dict[str, tuple[str, str | None]]) -> Json:
    """A text, and if given a colour, instead of a number."""
    shown = {
        value: {"text": text, "index": index} | ({"color": colour} if colour else {})
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return {"mappings": [{"type": "value", "options": shown}]}


VERDICT: Json = (
    mapping(dict(_VERDICTS)) | steps((None, GREY), (0, GREEN), (1, YELLOW), (2, RED)) | {"noValue": "no window"}
)
# Above 1 is drift. Near it in yellow, so that a slow approach is seen; far beyond in a darker red.
RATIO: Json = steps((None, GREEN), (0.8, YELLOW), (1, RED), (3, "dark-red")) | {"decimals": 2}
BAD: Json = steps((None, GREEN), (1, RED))  # any is too many
SHARE: Json = steps((None, GREEN), (0.01, YELLOW), (0.05, RED)) | {"max": 1}
NEUTRAL: Json = steps((None, BLUE))
AGE: Json = steps((None, GREEN), (2, YELLOW), (3, RED)) | {"decimals": 1}  # in windows; the alert fires after 3


def line_at(value: float, *, colour: str = RED) -> Json:
    """A dashed line across a time series."""
    return steps((None, GREEN), (value, colour)) | {"custom": {"thresholdsStyle": {"mode": "dashed"}}}


def dashed(pattern: str) -> Json:
    """Series whose names match are for comparison: grey and dashed."""
    look = {"custom.lineStyle": {"fill": "dash", "dash": [10, 10]}, "color": {"mode": "fixed", "fixedColor": GREY}}
    look |= {"custom.fillOpacity": 0}
    return _override("byRegexp", pattern, look)


def coloured(colours: dict[str, str]) -> list[Json]:
    """Each named series in its own colour."""
    return [_override("byName", name, {"color": {"mode": "fixed", "fixedColor": c}}) for name, c in colours.items()]


BARS: Json = {"custom": {"drawStyle": "bars", "fillOpacity": 70, "stacking": {"mode": "normal", "group": "A"}}}
STACKED: Json = {"custom": {"fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}}}
LEGEND_TABLE: Json = {"legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"]}}


def number(
    title: str, description: str, expr: str, look: Json, *, unit: str = "none", link: Json | None = None
) -> Panel:
    """One large number (or word) on its colour, a sixth of the width."""
    defaults = look | ({"links": [link]} if link else {})
    return panel("stat", title, description, expr, unit=unit, size=(4, 4), defaults=defaults)


def triggers(description: str, match: str = "", *, size: tuple[int, int]) -> Panel:
    """Retraining triggers by outcome."""
    return panel(
        "timeseries",
        "Retraining triggers",
        f"{description} Sent, failed, suppressed by the cooldown, or a dry run.",
        (increase("triggers_total", match, by="outcome"), "{{outcome}}"),
        unit="short",
        size=size,
        defaults=BARS,
        overrides=coloured({"sent": "purple", "failed": RED, "suppressed": ORANGE, "dry_run": GREY}),
    )


class Part(NamedTuple):
    """A column of a table: a label of its queries (no `expr`), or the value of one of them."""

    title: str
    name: str = ""
    expr: str = ""
    unit: str = "none"
    look: Json = {}  # noqa: RUF012  # never changed
    coloured: bool = False
    link: Json | None = None
    width: int | None = None


def table(
    title: str, description: str, parts: Sequence[Part], *, size: tuple[int, int], sort: str, unit: str = "none"
) -> Panel:
    """A row for each set of labels that the queries share; sorted by the part titled `sort`, the highest first."""
    queries = [part for part in parts if part.expr]
    names = {part.title: part.name or _value(queries.index(part), len(queries)) for part in parts}
    order = {"Time": 99} | {names[part.title]: index for index, part in enumerate(parts)}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": {}}
    return panel(
        "table",
        title,
        description,
        *(part.expr for part in queries),
        unit=unit,
        size=size,
        defaults={"noValue": "–"},
        options={"sortBy": [{"displayName": sort, "desc": True}]},
        overrides=[_override("byName", names[part.title], _column(part)) for part in parts],
        transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": organize}],
    )


def _value(index: int, count: int) -> str:
    """Grafana's name for the value of a query in a table."""
    return f"Value #{chr(ord('A') + index)}" if count > 1 else "Value"


def _column(part: Part) -> Json:
    made = {"displayName": part.title} | ({"unit": part.unit} if part.expr else {}) | dict(part.look)
    if part.coloured:
        made["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
    if part.link:
        made["links"] = [part.link]
    if part.width:
        made["custom.width"] = part.width
    return made


def _override(matcher: str, options: str, properties: Json) -> Json:
    listed = [{"id": name, "value": value} for name, value in properties.items()]
    return {"matcher": {"id": matcher, "options": options}, "properties": listed}
