"""A short seed of the rows that matter most, in every run of the tests; `make faults` runs all of them for longer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.faults import events as made
from tests.faults import logs, one_broker
from tests.faults.matrix import ROWS, run
from tests.services.kafka import Broker

# Of each row: how often its fault comes (where it can be said), events, and events a second.
SHORT = {
    "F1": (2, 24_000, 2_000),
    "F3": (2, 16_000, 2_000),
    "F4": (1, 36_000, 2_000),
    "F5": (None, 30_000, 1_500),
    "F6": (1, 24_000, 2_000),
    "F15": (None, 16_000, 2_000),
    "F18": (None, 16_000, 2_000),
}
SEEDS = (7, 8, 9)
__all__ = ["logs", "one_broker"]  # they fill ROWS


def test_the_ledger_knows_the_bins_of_every_column() -> None:
    assert {name: len(cells) for name, cells in made.CELLS.items()} == made.widths()


@pytest.mark.parametrize("name", SHORT)
def test_windows_equal_the_ledger_under(name: str, broker: Broker, tmp_path: Path) -> None:
    times, events, rate = SHORT[name]
    row = ROWS[name]
    row = row if times is None else replace(row, apply=partial(row.apply, times=times))
    for seed in SEEDS:  # another one where the fault did not bite; a longer load, for the machine may be slow
        outcome = run(row, broker, tmp_path / f"{name}-{seed}", seed=seed, events=events, rate=rate)
        if outcome.verdict != "void":
            break
        events *= 2
    assert outcome.verdict == "exact", outcome
