"""What can be said about an expression without running it."""

from collections.abc import Iterator
from typing import Any

import promql_parser as promql

KEEPS_LABELS = {"topk", "bottomk"}


def parse(expr: str) -> Any:
    return promql.parse(expr)


def children(node: Any) -> list[Any]:
    if isinstance(node, promql.Call):
        return list(node.args)
    if isinstance(node, promql.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql.MatrixSelector):
        return [node.vector_selector]
    return [node.expr] if hasattr(node, "expr") else []


def walk(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Every node with those above it, the nearest last."""
    yield node, above
    for child in children(node):
        yield from walk(child, (*above, node))


def metrics(expr: str) -> set[str]:
    return {str(node.name) for node, _ in walk(parse(expr)) if isinstance(node, promql.VectorSelector)}


def keeps(node: Any, label: str) -> bool:
    """Whether a label of the series can come through to the result."""
    if isinstance(node, promql.VectorSelector | promql.MatrixSelector):
        return True
    if isinstance(node, promql.AggregateExpr):
        if str(node.op) in KEEPS_LABELS:
            return keeps(node.expr, label)
        if node.modifier is None:
            return False
        listed = label in node.modifier.labels
        return listed if node.modifier.type == promql.AggModifierType.By else not listed and keeps(node.expr, label)
    if isinstance(node, promql.BinaryExpr) and str(node.op) in {"and", "unless"}:
        return keeps(node.lhs, label)
    return any(keeps(child, label) for child in children(node))
