"""Every expression of every board with its variables filled in, to be parsed, or run against a real Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dashboards.build import boards
from monitor.metrics_names import METHODS

Json = dict[str, Any]

_STATISTIC = re.compile(rf"driftline_column_({'|'.join(METHODS)})\{{")
_MATCHER = re.compile(r'(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"')
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


class Query(NamedTuple):
    """One expression. `only_while` says what must hold for it to return anything; empty if it always must."""

    dashboard: str
    panel: str
    expr: str
    only_while: str = ""


def all_queries(
    *, model: str, version: str, segment: str = "", column: str, interval: str = "1m", span: str = "1h"
) -> Iterator[Query]:
    """Every query of panels, variables and annotations as Grafana would send it with this choice.

    `segment` empty means all events; `interval` stands for `$__rate_interval` and `span` for the time range.
    """
    chosen = {"model": model, "version": version, "segment": segment, "column": column}
    chosen |= {"__rate_interval": interval, "__interval": interval, "__range": span}
    for name, board in boards().items():
        for query in queries(name, board):
            yield query._replace(expr=fill(query.expr, chosen))


def queries(name: str, board: Json) -> Iterator[Query]:
    """The expressions of a board as they stand in it."""
    for panel in panels(board):
        for target in panel.get("targets", ()):
            yield Query(name, panel["title"], target["expr"], _only_while(target["expr"]))
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield Query(name, f"variable {variable['name']}", _values(variable["query"]["query"]))
    for annotation in board["annotations"]["list"]:
        yield Query(name, f"annotation {annotation['name']}", annotation["expr"], "it happens")


def panels(board: Json) -> Iterator[Json]:
    """Every panel that shows something, also those inside collapsed rows."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def fill(expr: str, values: Mapping[str, str]) -> str:
    r"""Replace variables, quoted for where they stand: within a regular expression, a string, or bare.

    >>> fill('x{a=~"$a|", b="$b"}[$i]', {"a": "1.2", "b": 'say "so"', "i": "5m"})
    'x{a=~"1\\\\.2|", b="say \\"so\\""}[5m]'
    """

    def matcher(found: re.Match[str]) -> str:
        quote = _pattern if found[1].endswith("~") else _text
        return f'{found[1]}"{_VARIABLE.sub(lambda v: quote(values[v[1]]), found[2])}"'

    return _VARIABLE.sub(lambda v: values.get(v[1], v[0]), _MATCHER.sub(matcher, expr))


def _pattern(value: str) -> str:
    """A value as Grafana writes it where several may be chosen; of the segments, none means all events."""
    return _text(re.escape(value)) if value else "^$"


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _values(query: str) -> str:
    """What `label_values(series, label)` asks for, in PromQL."""
    found = _LABEL_VALUES.fullmatch(query)
    if found is None:
        raise ValueError(f"expected label_values(series, label), got {query!r}")
    return f"group by ({found[2]}) ({found[1]})"


def _only_while(expr: str) -> str:
    if "driftline_compared_" in expr:
        return "windows are compared with further references"
    if "driftline_column_moved_" in expr or "driftline_column_cause_" in expr:
        return "columns are in drift"
    if _STATISTIC.search(expr):
        return "the method is computed for the column"
    if 'role="prediction"' in expr:
        return "the reference has a prediction"
    if expr.startswith("time()") and "unless" in expr:
        return "a partition is not idle"
    return ""
