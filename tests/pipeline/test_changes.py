"""Merge goes on with other windows than before: none of them is published with a part of its events."""

from __future__ import annotations

import pytest

from monitor.drift.windows import Windows
from monitor.pipeline.merge import Late
from monitor.pipeline.results import Result
from tests.pipeline.wire import MINUTE, NOON, TEN, Wire, World, windows_of

LATENESS = 30 * MINUTE
TWENTY, FIVE = Windows(20 * MINUTE, 20 * MINUTE, LATENESS), Windows(5 * MINUTE, 5 * MINUTE, LATENESS)


def changed(before: Windows, after: Windows, minutes: list[float], *, block: int = 100) -> Wire:
    """A wire on which these events came under windows that are then replaced; the open block is counted anew."""
    log = Wire(World({"m": before}, block=block))
    for i in range(0, len(minutes), 2):
        log.tell(*minutes[i : i + 2])
    log.world = World({"m": after}, block=block)
    log.merge = log.world.merge(state=log.merge.state)
    log.readers = [log.world.reader("log", 0, start=len(minutes) // block * block, epoch="second")]
    return log


@pytest.mark.parametrize("after", [TWENTY, FIVE, Windows(5 * MINUTE, 5 * MINUTE, events=1)])
def test_the_first_new_window_begins_after_all_events_that_were_counted_by_the_old_ones(after: Windows) -> None:
    # minutes   0         10        20  24                 40
    # before    |--1 2----|--12 13--|--x            closed blocks of two events
    # after                         |~~~~~~           begins before 24, and would have only a part of its events
    log = changed(Windows(10 * MINUTE, 10 * MINUTE, LATENESS), after, [1, 2, 12, 13, 23, 24], block=2)
    outputs = [*log.tell(24.5, 26), *log.tell(41, 42), *log.tell(100, 101)]
    told = [output for output in outputs if isinstance(output, Result)]
    assert told
    assert all(result.start > NOON + 24 * MINUTE and result.revision == 0 for result in told)
    held = sum(result.events for result in told) + sum(o.events for o in outputs if isinstance(o, Late))
    assert held == 4, "what is in no window is late, and nothing is counted twice"


def test_windows_of_the_same_panes_keep_what_was_counted() -> None:
    log = changed(TEN, Windows(20 * MINUTE, 10 * MINUTE), [11, 12, 13, 14], block=2)
    assert windows_of(log.tell(25, 35)) == [(0, 0, 4), (10, 0, 5)]


def test_a_published_window_is_not_revised_into_one_that_other_windows_cut_otherwise() -> None:
    log = changed(Windows(10 * MINUTE, 10 * MINUTE, LATENESS), TWENTY, [1, 2, 12, 23])
    assert windows_of(log.tell(1, 2, 12, 23)) == []
    assert windows_of(log.tell(41, 61)) == [(40, 0, 1)]
