"""How one board leads to the next: the time range and the variables go along."""

from __future__ import annotations

from typing import Any

from grafanalib import core as G

Json = dict[str, Any]

FLEET, MODEL, COLUMN, PIPELINE = (f"driftline-{board}" for board in ("fleet", "model", "column", "pipeline"))
TAG = "driftline"

# Shown at the top of every board: the others, with what is chosen here.
NAVIGATION = G.DashboardLink(
    title="Driftline", type="dashboards", tags=[TAG], asDropdown=False, includeVars=True, keepTime=True
)


def field(name: str) -> str:
    """The value of a field in the row that is clicked, fit for a URL."""
    return f"${{__data.fields.{name}:percentencode}}"


def label(name: str) -> str:
    """A label of the series that is clicked, fit for a URL."""
    return f"${{__field.labels.{name}:percentencode}}"


def to(uid: str, title: str, *kept: str, **chosen: str) -> Json:
    """A data link to a board, which keeps the variables `kept` and sets those `chosen`."""
    variables = [f"${{{name}:queryparam}}" for name in ("datasource", *kept)]
    variables += [f"var-{name}={value}" for name, value in chosen.items()]
    return {"title": title, "url": f"/d/{uid}?{'&'.join(['${__url_time_range}', *variables])}", "targetBlank": False}
