"""A short seed of the rows that matter most, in every run of the tests; `make faults` runs all of them for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import events, logs, one_broker
from tests.faults.matrix import ROWS, run
from tests.services.kafka import Broker

SHORT = {
    "F1": {"events": 24_000, "rate": 2_000, "times": 2},
    "F3": {"events": 16_000, "rate": 2_000, "times": 2},
    "F4": {"events": 36_000, "rate": 2_000, "times": 1},
    "F5": {"events": 40_000, "rate": 2_000},
    "F6": {"events": 24_000, "rate": 2_000, "times": 1},
    "F15": {"events": 16_000, "rate": 2_000},
    "F18": {"events": 16_000, "rate": 2_000},
}
__all__ = ["logs", "one_broker"]  # they fill ROWS


def test_the_ledger_knows_the_bins_of_every_column() -> None:
    assert {name: len(cells) for name, cells in events.CELLS.items()} == events.widths()


@pytest.mark.parametrize("name", SHORT)
def test_windows_equal_the_ledger_under(name: str, broker: Broker, tmp_path: Path) -> None:
    outcome = run(ROWS[name], broker, tmp_path / name, seed=7, **SHORT[name])
    assert outcome.verdict == "exact", outcome
