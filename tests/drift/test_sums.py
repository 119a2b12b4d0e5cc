"""Sums that do not depend on the processor: right, and used wherever a result is made."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.sums import dot, exp, log, rounded

ROOT = Path(__file__).parents[2]
CORE = sorted([*(ROOT / "monitor/drift").rglob("*.py"), *(ROOT / "monitor/pipeline").rglob("*.py")])
UNEQUAL = {"dot", "vdot", "inner", "matmul", "tensordot", "einsum", "linalg", "exp", "exp2", "expm1", "log", "log2"} | {
    "log10", "log1p", "logaddexp", "sin", "cos", "tan", "tanh", "power", "float_power", "cbrt", "arctan", "arctanh"
}  # fmt: skip
numbers = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(numbers, numbers)))
def test_dot_is_the_sum_of_the_products(pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    exact = math.fsum(x * y for x, y in pairs)
    assert dot(a, b) == pytest.approx(exact, rel=1e-12, abs=1e-12 * sum(abs(x * y) for x, y in pairs))


@given(st.floats(-700, 700))
def test_exp_is_right_to_ten_digits(x: float) -> None:
    assert exp(np.array([x]))[0] == pytest.approx(math.exp(x), rel=1e-10)


@given(st.floats(1e-300, 1e300))
def test_log_is_right_to_the_last_digits(x: float) -> None:
    assert log(np.array([x]))[0] == pytest.approx(math.log(x), rel=1e-15, abs=1e-15)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_keeps_ten_digits_and_the_last_bit_does_not_matter(x: float) -> None:
    assert rounded(x) == pytest.approx(x, rel=5e-10, abs=0)
    assert rounded(rounded(x)) == rounded(x)


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_has_no_sum_or_function_that_depends_on_the_processor(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    found = [f"{node.lineno}: @" for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)]
    found += [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr in UNEQUAL and ast.unparse(node.value) in {"np", "numpy"}
    ]
    assert not found, "take monitor.drift.sums or scipy.special"
