"""Which metrics an expression of PromQL names: of alert rules here, and of anything else that asks Prometheus."""

from __future__ import annotations

import re
from typing import Any

import promql_parser


def metric_names(expression: str) -> set[str]:
    """The names of all metrics in an expression, wherever they stand. Raises ValueError where it does not parse.

    >>> sorted(metric_names('rate(a_total{b="c"}[5m]) > on (d) max_over_time(sum(e)[1h:1m]) # f'))
    ['a_total', 'e']
    """
    return {name for selector in _selectors(promql_parser.parse(expression)) for name in [selector.name] if name}


def queried(text: str) -> list[str]:
    """The expressions in the `query` calls of an annotation's template, with a word in place of each %q (or %[1]q)."""
    return [re.sub(r"%(\[\d\])?q", '"x"', found) for found in re.findall(r"query \(printf `([^`]*)`", text)]


def _selectors(node: Any) -> list[promql_parser.VectorSelector]:
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    if isinstance(node, promql_parser.MatrixSelector):
        return [node.vector_selector]
    children = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")]
    children += list(getattr(node, "args", None) or [])
    return [selector for child in children if child is not None for selector in _selectors(child)]
