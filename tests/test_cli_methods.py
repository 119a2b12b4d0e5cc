"""`driftline methods` lists every method, and fits the terminal."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.drift.methods import METHODS


@pytest.mark.parametrize("width", [80, 120])
def test_every_method_is_listed_with_all_that_is_said_of_it(width: int) -> None:
    shown = CliRunner().invoke(app, ["methods"], env={"COLUMNS": str(width)}).output
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown, "nothing is cut off"
    words = " ".join(shown.split())
    for method in METHODS.values():
        assert f"\n{method.name} " in shown
        assert method.use.split()[-1] in words


def test_those_that_are_computed_by_default_come_first() -> None:
    shown = CliRunner().invoke(app, ["methods"], env={"COLUMNS": "120"}).output
    first, _, rest = shown.partition("On request")
    for method in METHODS.values():
        assert (f"\n{method.name} " in first) == method.default != (f"\n{method.name} " in rest)
