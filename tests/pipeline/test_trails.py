"""Windows remember those before them, by which a shift is found that lasts; as timelines, in minutes after noon.

The reference moves by itself, from one minute to the next.
"""

from __future__ import annotations

import numpy as np
import pytest

from monitor.config import ColumnRules
from monitor.drift.bins import unordered_bins
from monitor.drift.decisions import Levels
from monitor.drift.profiles import Chunks, Column, Profile
from monitor.drift.thresholds import Fixed
from monitor.drift.windows import Windows
from monitor.errors import DriftlineError
from monitor.pipeline.compare import Comparison
from monitor.pipeline.merge import Output
from monitor.pipeline.results import Result
from monitor.pipeline.state import dump, load
from monitor.pipeline.trails import Trail
from tests.pipeline.wire import MINUTE, NOON, Wire, World, windows_of

MINUTES = Windows(MINUTE, MINUTE)
LATE = Windows(MINUTE, MINUTE, 10 * MINUTE)


def wire(windows: Windows = MINUTES, *, value: ColumnRules | None = None) -> Wire:
    rules = {"value": value} if value else {}
    return Wire(World({"m": windows}, rules=rules, min_events=1, over_time=True))


def lasting(outputs: list[Output]) -> list[int | None]:
    """Of how many windows what is said of the value is, for each result."""
    found = [output.columns["value"].lasting for output in outputs if isinstance(output, Result)]
    return [None if one is None else one.windows for one in found]


def trail(log: Wire) -> Trail:
    (series,) = (series for key, series in log.merge.state.series.items() if not key.segment)
    return series.trail


def test_the_more_windows_came_before_the_more_of_them_are_judged_together() -> None:
    log = wire()
    assert lasting(log.tell(0, 1, 2, 3, 4, 5)) == [None, 2, 3, 3, 3]


def test_beyond_a_window_without_events_nothing_is_judged_together() -> None:
    log = wire()
    assert lasting(log.tell(0, 1, 3, 4, 5)) == [None, 2, None, 2]


def test_windows_that_overlap_are_judged_one_by_one() -> None:
    log = wire(Windows(2 * MINUTE, MINUTE))
    outputs = log.tell(0, 1, 2, 3, 4, 5)
    assert len(outputs) > 3
    assert set(lasting(outputs)) == {None}
    assert not trail(log)


def test_windows_by_count_are_judged_with_those_before_them() -> None:
    log = wire(Windows(MINUTE, MINUTE, events=2))
    assert lasting(log.tell(*(i / 2 for i in range(12)))) == [None, 2, 3, 3, 3]


def test_a_column_with_a_threshold_of_its_own_is_judged_window_by_window() -> None:
    log = wire(value=ColumnRules(thresholds={"ks": Fixed(0.5)}))
    assert set(lasting(log.tell(0, 1, 2, 3, 4, 5))) == {None}


@pytest.mark.parametrize("categories", [1, 2])
def test_a_column_of_one_category_is_never_judged_over_windows(categories: int) -> None:
    bins = unordered_bins(dict.fromkeys("ab"[:categories], 10))
    row = np.array([*[1_000] * categories, 0, 0, 0, 0])
    chunks = Chunks.of(MINUTE, tuple(range(0, 60 * MINUTE, MINUTE)), np.array([row] * 60, dtype=np.int32))
    reference = Profile("m", "1", (Column("c", "feature", bins, 60 * row),), chunks=chunks)
    found = Comparison(reference, {}, pvalue=0.01, min_events=10)
    trail = [(start * MINUTE, found.sums(row)) for start in (62, 61, 60)]
    _, columns = found.decide(found.score(row, 63 * MINUTE, trail), Levels(0.3, 0.01))
    assert (columns["c"].lasting is None) == (categories == 1)


def test_a_late_event_makes_its_window_and_three_after_it_be_told_again() -> None:
    # minutes   0   1   2   3   4   5   6
    # late          x
    log = wire(LATE)
    log.tell(0, 1, 2, 3, 4, 5, 6)
    assert windows_of(log.tell(1.5)) == [(1, 1, 2), (2, 1, 1), (3, 1, 1), (4, 1, 1)]


def test_a_late_event_in_an_empty_window_joins_those_beside_it() -> None:
    # minutes   0   1       3   4   5   6
    # late              x
    log = wire(LATE)
    assert lasting(log.tell(0, 1, 3, 4, 5, 6)) == [None, 2, None, 2, 3]
    outputs = log.tell(2)
    assert windows_of(outputs) == [(2, 0, 1), (3, 1, 1), (4, 1, 1), (5, 1, 1)]
    assert lasting(outputs) == [3, 3, 3, 3]


def test_after_a_restart_windows_are_judged_with_those_before_it() -> None:
    log = wire()
    log.tell(0, 1, 2, 3)
    log.merge = log.world.merge(state=log.merge.state)
    assert lasting(log.tell(4)) == [3]


def test_of_windows_that_nothing_can_change_three_are_remembered() -> None:
    log = wire()
    log.tell(*range(20))
    assert sorted(trail(log)) == [NOON + i * MINUTE for i in (16, 17, 18)]
    log.tell(1_000, 1_001)
    assert sorted(trail(log)) == [NOON + 1_000 * MINUTE]


def test_windows_of_another_length_than_before_are_forgotten() -> None:
    log = wire()
    log.tell(0, 1, 2, 3)
    longer = World({"m": Windows(2 * MINUTE, 2 * MINUTE)}, min_events=1, over_time=True)
    log.merge = longer.merge(state=log.merge.state)
    assert not trail(log)


def test_a_damaged_trail_is_refused() -> None:
    log = wire()
    log.tell(0, 1, 2)
    items = dump(log.merge.state)
    damaged = {key: data[:-3] if key.startswith("trail") else data for key, data in items.items()}
    with pytest.raises(DriftlineError, match="the checkpoint's item 'trail "):
        load(damaged)
