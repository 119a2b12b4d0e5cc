"""In simulation the budget is kept and shifts are found, by every part of the rule."""

from __future__ import annotations

import numpy as np
import pytest

from tests.calibration.trials import Model
from tests.calibration.worlds import Change, World

SMALL = World("small", columns=12, numbers=8, chunks=120)
HOURS = 180


@pytest.mark.parametrize(
    "world",
    [
        SMALL,
        World("wandering", columns=12, numbers=8, chunks=120, sd=0.15, memory=0.5),
        World("clustered", columns=12, numbers=8, chunks=120, n=1_000, cluster=5, swing=20),
        World("daily", columns=12, numbers=8, chunks=240, daily=0.5, n=2_000),
        World("slow", columns=12, numbers=8, chunks=168, sd=0.15, memory=0.97),
        World("segments", columns=6, numbers=4, segments=3, chunks=120, n=2_000, sd=0.1, memory=0.5),
        World("long tail", columns=6, numbers=0, categories=200, n=500, chunks=120),
    ],
    ids=lambda world: world.name,
)
def test_clean_windows_are_hardly_ever_in_drift(world: World) -> None:
    # A quarter of a page is due in each.
    pages, drifting = Model(world, np.random.default_rng(1), hours=HOURS).clean_month()
    assert pages <= 2
    assert drifting <= 3


def test_small_changes_are_found_at_once_where_nothing_wanders() -> None:
    model = Model(SMALL, np.random.default_rng(3), hours=20)
    changes = {0: Change(shift=0.2), 9: Change(share=0.05), 10: Change(new=0.01)}
    assert [model.delays(hour, changes, most=1) for hour in range(10)] == [[1, 1, 1]] * 10


def test_a_shift_hidden_in_a_daily_swing_is_found_where_the_swing_is_known() -> None:
    world = World("daily", columns=4, numbers=4, chunks=240, daily=0.5)
    model = Model(world, np.random.default_rng(4), hours=24)
    assert [model.delays(hour, {0: Change(shift=0.25)}, most=1) for hour in range(0, 24, 3)] == [[1]] * 8


@pytest.mark.parametrize("memory", [0.0, 0.8], ids=["hours wander apart", "hours wander on"])
def test_a_shift_that_lasts_is_found_within_three_windows_where_one_alone_could_not_tell(memory: float) -> None:
    world = World("wandering", columns=12, numbers=8, chunks=336, sd=0.1, memory=memory)
    model = Model(world, np.random.default_rng(6), hours=120)
    delays = [model.delays(hour, {0: Change(shift=0.35)}, most=3)[0] for hour in range(4, 116, 7)]
    assert sum(delay is not None for delay in delays) >= 13  # of 16


def test_where_several_drift_smaller_shifts_are_found() -> None:
    world = World("many", columns=20, numbers=20, sd=0.1)
    found = {}
    for drifting in (1, 19):
        model = Model(world, np.random.default_rng(5), hours=40)
        shifts = {0: Change(shift=0.36), **dict.fromkeys(range(1, drifting), Change(shift=2.0))}
        found[drifting] = sum(model.finds(hour, shifts) for hour in range(40))
    assert found[19] >= found[1] + 8
