"""What can be chosen at the top of a board, and what is marked in time on its panels."""

from __future__ import annotations

from typing import Any

from dashboards.modern import DATASOURCE
from dashboards.promql import MODEL, gauge, increase, series

Json = dict[str, Any]

ALL = "$__all"
_ALPHABETICAL, _NEWEST_FIRST = 1, 4  # Grafana's numbers for sorting: ascending text, descending numbers
_EVERY_TIME_RANGE = 2  # ask again whenever the time range changes


def _variable(name: str, label: str, description: str, query: str, **more: Any) -> Json:
    made: Json = {"type": "query", "name": name, "label": label, "description": description, "datasource": DATASOURCE}
    made |= {"definition": query, "query": {"query": query, "refId": f"variable-{name}"}}
    # Grafana takes the first value it finds while none is current.
    made |= {"current": {"selected": False, "text": "", "value": ""}, "options": [], "hide": 0, "skipUrlSync": False}
    made |= {"includeAll": False, "multi": False, "refresh": _EVERY_TIME_RANGE, "regex": "", "sort": _ALPHABETICAL}
    return made | more


def _all(value: str) -> Json:
    return {"includeAll": True, "allValue": value, "current": {"selected": True, "text": "All", "value": ALL}}


DATASOURCES: Json = {
    "type": "datasource",
    "name": "datasource",
    "label": "Data source",
    "description": "The Prometheus that scrapes the workers",
    "query": "prometheus",
    "current": {"selected": True, "text": "Prometheus", "value": "prometheus"},
    "options": [],
    "hide": 0,
    "includeAll": False,
    "multi": False,
    "refresh": 1,
    "regex": "",
    "skipUrlSync": False,
}
# Every worker shows what it is configured for, so a model without a window can be chosen too.
_KNOWN = "label_values(driftline_model_reference_events, model)"
MODELS = _variable("model", "Model", "Models in view", _KNOWN, multi=True, **_all(".+"))
MODELS["current"] = {"selected": True, "text": ["All"], "value": [ALL]}
ONE_MODEL = _variable("model", "Model", "The model or feature view", _KNOWN)
VERSION = _variable(
    "version",
    "Version",
    "The version of the model, newest first",
    'label_values(driftline_model_reference_events{model="$model"}, version)',
    sort=_NEWEST_FIRST,
)
# Series of all events carry no segment, which Grafana cannot list: "All" asks for exactly those.
SEGMENT = _variable(
    "segment",
    "Segment",
    "A part of the events; All stands for all of them together",
    'label_values(driftline_model_verdict{model="$model", version="$version"}, segment)',
    **_all("^$"),
)
COLUMN = _variable(
    "column",
    "Column",
    "A feature, a segment, the prediction or a derived score",
    'label_values(driftline_column_verdict{model="$model", version="$version"}, column)',
)


FIRING = 'alertstate="firing"'


def _annotation(name: str, colour: str, expr: str, *, title: str, text: str = "", tags: str = "") -> Json:
    """Marks the stretches in which `expr` has a value. Points are a minute apart: a window of time in it is fixed."""
    # Newer releases of Grafana read the target, older ones the fields beside it.
    target = {"datasource": DATASOURCE, "expr": expr, "interval": "60s", "range": True, "refId": "annotation"}
    made: Json = {"name": name, "iconColor": colour, "expr": expr, "step": "60s", "target": target}
    made |= {"titleFormat": title, "textFormat": text, "tagKeys": tags, "useValueForTime": False}
    return made | {"datasource": DATASOURCE, "enable": True, "hide": False}


def alerts(match: str) -> Json:
    """Marks while an alert of ours fires; without the labels of whoever evaluated it."""
    about = "{{model}} {{version}} {{column}} {{reason}}"
    firing = alert_series(f"{FIRING}, {match}")
    return _annotation("Alerts", "red", firing, title="{{alertname}}", text=about, tags="severity,alertname")


def alert_series(match: str) -> str:
    """One series for each alert and what it is about."""
    by = "alertname, severity, reason, model, version, segment, column, topic, partition"
    return f'max by ({by}) (ALERTS{{alertname=~"Driftline.*", {match}}})'


EPISODES = _annotation(
    "Episodes",
    "orange",
    gauge("model_episode_active", MODEL, by="model, version, segment") + " == 1",
    title="Drift episode",
    text="Open from the first drift verdict to the recovery, at the time at which the metrics showed it",
    tags="model,version",
)
RETRAINING = _annotation(
    "Retraining calls",
    "purple",
    increase("triggers_total", 'model="$model", outcome="sent"', by="model", over="2m") + " > 0",
    title="Retraining asked for",
    text="A retraining trigger of {{model}} was sent",
    tags="model",
)
REBALANCES = _annotation(
    "Rebalances", "blue", f"sum(increase({series('rebalances_total')}[2m])) > 0", title="Rebalance"
)
