"""The kinds of panels that the boards use, each with the options and field defaults of today's Grafana."""

from __future__ import annotations

from typing import Any, NamedTuple

Json = dict[str, Any]

GREEN, YELLOW, ORANGE, RED, GREY, BLUE = "green", "yellow", "orange", "red", "#8e8e8e", "blue"

_TOOLTIP = {"mode": "multi", "sort": "desc"}
_LEGEND = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
_NO_LEGEND = _LEGEND | {"showLegend": False}
_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_PLAIN = {"mode": "absolute", "steps": [{"color": GREEN, "value": None}]}


class Kind(NamedTuple):
    """What a panel of this kind starts from. `points` bounds what is asked of Prometheus and drawn."""

    options: Json
    defaults: Json = {}  # noqa: RUF012  # never changed: panels merge theirs over a copy
    query: Json = {}  # noqa: RUF012  # the same
    points: int | None = None


_LINES = {
    "drawStyle": "line",
    "lineInterpolation": "stepAfter",  # a window's gauge holds its value until the next window
    "lineWidth": 1,
    "fillOpacity": 8,
    "gradientMode": "none",
    "showPoints": "never",
    "spanNulls": False,
    "stacking": {"mode": "none", "group": "A"},
    "thresholdsStyle": {"mode": "off"},
    "axisPlacement": "auto",
    "axisLabel": "",
    "scaleDistribution": {"type": "linear"},
    "hideFrom": {"legend": False, "tooltip": False, "viz": False},
}
_CELLS = {"fillOpacity": 80, "lineWidth": 1, "hideFrom": {"legend": False, "tooltip": False, "viz": False}}

KINDS: dict[str, Kind] = {
    "timeseries": Kind(
        {"legend": _LEGEND, "tooltip": _TOOLTIP},
        {"color": {"mode": "palette-classic"}, "custom": _LINES, "mappings": [], "thresholds": _PLAIN, "min": 0},
    ),
    "stat": Kind(
        {
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": _LAST,
            "showPercentChange": False,
            "textMode": "auto",
            "wideLayout": True,
        },
        {"color": {"mode": "thresholds"}, "mappings": [], "thresholds": _PLAIN},
        {"instant": True},
    ),
    "table": Kind(
        {
            "cellHeight": "sm",
            "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
            "frameIndex": 0,
            "showHeader": True,
        },
        {
            "color": {"mode": "thresholds"},
            "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": False},
            "mappings": [],
            "thresholds": _PLAIN,
        },
        {"instant": True, "format": "table"},
    ),
    "state-timeline": Kind(
        {
            "alignValue": "left",
            "legend": _NO_LEGEND,
            "mergeValues": True,
            "rowHeight": 0.85,
            "showValue": "never",
            "tooltip": _TOOLTIP | {"mode": "single"},
        },
        {"color": {"mode": "thresholds"}, "custom": _CELLS, "mappings": [], "thresholds": _PLAIN},
        points=240,
    ),
    "status-history": Kind(
        {
            "colWidth": 0.95,
            "legend": _NO_LEGEND,
            "perPage": 40,
            "rowHeight": 0.9,
            "showValue": "never",
            "tooltip": _TOOLTIP | {"mode": "single"},
        },
        {"color": {"mode": "thresholds"}, "custom": _CELLS, "mappings": [], "thresholds": _PLAIN},
        points=96,  # one cell each; above a few hundred Grafana refuses to draw
    ),
    "heatmap": Kind(
        {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "fill": "dark-orange",
                "scale": "exponential",
                "exponent": 0.5,
                "steps": 64,
                "reverse": False,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "s"},
        },
        {"custom": {"scaleDistribution": {"type": "linear"}, "hideFrom": _LINES["hideFrom"]}},
        {"format": "heatmap"},
        points=120,
    ),
    "alertlist": Kind(
        {
            "alertInstanceLabelFilter": "",
            "alertName": "",
            "dashboardAlerts": False,
            "groupBy": [],
            "groupMode": "default",
            "maxItems": 20,
            "sortOrder": 3,  # most important first
            "stateFilter": {"error": True, "firing": True, "noData": True, "normal": False, "pending": True},
            "viewMode": "list",
        }
    ),
    "text": Kind({"mode": "markdown", "content": "", "code": {"language": "plaintext", "showLineNumbers": False}}),
}
