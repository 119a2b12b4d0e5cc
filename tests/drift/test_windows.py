"""Event time: every event is in the right panes and windows, also before 1970 and off the epoch's grid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.windows import MAX_PANES, Progress, Windows, watermark
from monitor.errors import DriftlineError
from tests import naive

HOUR = 3_600_000

times = st.integers(min_value=-(10**14), max_value=10**14)
hopping = st.builds(
    lambda step, more, lateness, offset: Windows(step + more, step, lateness, offset),
    step=st.integers(min_value=1, max_value=60),
    more=st.integers(min_value=0, max_value=120),
    lateness=st.integers(min_value=0, max_value=50),
    offset=st.integers(min_value=-500, max_value=500),
)


@given(hopping, times)
def test_an_event_is_in_the_windows_that_the_slow_twin_finds(windows: Windows, time: int) -> None:
    found = list(windows.starting_in(windows.pane_of(time)))
    assert found == naive.window_starts(time, size=windows.size, step=windows.step, offset=windows.offset)


@given(st.integers(1, 60), st.integers(1, 12), st.integers(-500, 500), times)
def test_a_pane_is_in_exactly_size_over_step_windows(step: int, times_step: int, offset: int, time: int) -> None:
    windows = Windows(step * times_step, step, offset=offset)
    assert len(windows.starting_in(windows.pane_of(time))) == times_step


@given(hopping, times)
def test_a_pane_holds_its_time_and_begins_on_the_grid(windows: Windows, time: int) -> None:
    pane = windows.pane_of(time)
    assert pane <= time < pane + windows.pane
    assert windows.pane_of(pane) == pane
    assert (pane - windows.offset) % windows.pane == 0


@given(hopping, times)
def test_windows_and_panes_agree_on_who_holds_whom(windows: Windows, time: int) -> None:
    pane = windows.pane_of(time)
    assert all(pane in windows.panes_in(start) for start in windows.starting_in(pane))
    assert all(
        start in windows.starting_in(other) for start in windows.starting_in(pane) for other in windows.panes_in(start)
    )


@given(hopping, times)
def test_panes_of_a_window_cover_it_without_gap_or_overlap(windows: Windows, time: int) -> None:
    start = windows.starting_in(windows.pane_of(time))[0]
    covered = [moment for pane in windows.panes_in(start) for moment in range(pane, pane + windows.pane)]
    assert covered == list(range(start, start + windows.size))


@given(hopping, times)
def test_a_pane_retires_with_the_last_window_that_holds_it(windows: Windows, time: int) -> None:
    pane = windows.pane_of(time)
    assert windows.pane_retires(pane) == max(windows.retires(start) for start in windows.starting_in(pane))


def test_tumbling_windows_hold_their_start_and_not_their_end() -> None:
    # time     0h      1h      2h
    # window   [-------)
    #                  [-------)
    windows = Windows(HOUR, HOUR)
    assert list(windows.starting_in(windows.pane_of(HOUR - 1))) == [0]
    assert list(windows.starting_in(windows.pane_of(HOUR))) == [HOUR]


def test_hopping_windows_overlap() -> None:
    # time      0h    1h    2h    3h
    # windows   [-----------)
    #                 [-----------)
    # event              x
    windows = Windows(2 * HOUR, HOUR)
    assert list(windows.starting_in(windows.pane_of(HOUR + 5))) == [0, HOUR]


def test_events_before_1970_are_in_the_windows_that_hold_them() -> None:
    # time    -2h    -1h     0h
    # window   [------)
    #                 [------)
    # event               x
    windows = Windows(HOUR, HOUR)
    assert windows.pane_of(-1) == -HOUR
    assert list(windows.starting_in(-HOUR)) == [-HOUR]


def test_an_offset_moves_days_to_local_midnight() -> None:
    # UTC       -10h              14h
    # window     [-----------------)      a day in Sydney (UTC+10)
    windows = Windows(24 * HOUR, 24 * HOUR, offset=-10 * HOUR)
    assert windows.pane_of(0) == -10 * HOUR
    assert windows.pane_of(14 * HOUR) == 14 * HOUR


def test_a_window_closes_at_its_end_and_retires_when_its_lateness_is_over() -> None:
    # time       0h      1h    1h10m
    # window     [-------)~~~~~|
    #                 closes  retires
    windows = Windows(HOUR, HOUR, lateness=HOUR // 6)
    assert windows.end(0) == HOUR
    assert windows.retires(0) == HOUR + HOUR // 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0, "step": 0}, "0 < step <= size"),
        ({"size": 10, "step": -1}, "0 < step <= size"),
        ({"size": 10, "step": 11}, "0 < step <= size"),
        ({"size": 10, "step": 5, "events": 3}, "slices of one length"),
        ({"size": 10, "step": 10, "events": 0}, "at least one event"),
        ({"size": 10, "step": 5, "lateness": -1}, "lateness of at least 0"),
        ({"size": 604_800_000, "step": 604_799_999}, f"more than {MAX_PANES}"),
    ],
)
def test_windows_that_cannot_be_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(DriftlineError, match=message):
        Windows(**arguments)  # type: ignore[arg-type]  # for mypy any of them might be the scale


def at(time: int | None, *, idle: int | None = None) -> Progress:
    return Progress(time, idle)


def mark(*partitions: Progress, disorder: int = 0) -> int | None:
    return watermark({("predictions", i): progress for i, progress in enumerate(partitions)}, disorder=disorder)


def test_the_slowest_busy_partition_holds_the_watermark() -> None:
    # partition 0   ------------x
    # partition 1   ------x
    # watermark           |
    assert mark(at(120), at(60)) == 60


def test_allowed_disorder_keeps_the_watermark_behind() -> None:
    # partition 0   ------------x
    # watermark          |<-----|  disorder 50
    assert mark(at(120), disorder=50) == 70


def test_a_busy_partition_without_events_holds_everything_back() -> None:
    # partition 0   ------------x
    # partition 1   ?
    assert mark(at(120), at(None)) is None


def test_an_idle_partition_holds_nothing_back() -> None:
    # partition 0   ------------x
    # partition 1   ---x . . . . .  idle
    # watermark                 |
    assert mark(at(120), at(30, idle=10_000)) == 120


def test_an_idle_partition_that_never_had_an_event_holds_nothing_back() -> None:
    # partition 0   ------------x
    # partition 1   . . . . . . . .  idle
    assert mark(at(120), at(None, idle=10_000)) == 120


def test_when_all_are_idle_event_time_goes_on_at_the_pace_of_the_clock() -> None:
    # partition 0   ------------x . . . . .     idle for 40
    # partition 1   ---x . . . . . . . . . .    idle for 70
    # watermark                 +---->|         from the furthest, by the time since the last of all
    assert mark(at(120, idle=40), at(30, idle=70)) == 160


def test_the_last_window_closes_without_a_new_event() -> None:
    windows = Windows(HOUR, HOUR)
    assert (mark(at(HOUR - 10, idle=5)) or 0) < windows.end(0)
    assert (mark(at(HOUR - 10, idle=10)) or 0) >= windows.end(0)


def test_without_events_there_is_no_watermark() -> None:
    assert mark() is None
    assert mark(at(None)) is None
    assert mark(at(None, idle=10_000)) is None


progresses = st.lists(
    st.builds(Progress, time=st.none() | times, idle=st.none() | st.integers(0, 10**9)), min_size=1, max_size=6
)


@given(progresses, st.integers(0, 10**6))
def test_the_watermark_is_never_ahead_of_a_busy_partition(partitions: list[Progress], disorder: int) -> None:
    reached = mark(*partitions, disorder=disorder)
    busy = [progress.time for progress in partitions if progress.idle is None]
    if reached is not None and busy:
        assert all(time is not None and reached <= time - disorder for time in busy)


@given(progresses, st.integers(0, 10**6), st.integers(1, 10**9))
def test_as_the_clock_goes_on_the_watermark_of_idle_partitions_never_falls(
    partitions: list[Progress], disorder: int, passed: int
) -> None:
    idle = [Progress(progress.time, progress.idle or 0) for progress in partitions]
    later = [Progress(progress.time, (progress.idle or 0) + passed) for progress in idle]
    before, after = mark(*idle, disorder=disorder), mark(*later, disorder=disorder)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert after == before + passed


def test_no_code_takes_the_size_of_windows_for_the_time_that_they_last() -> None:
    package = Path(__file__).parents[2] / "monitor"
    sums = re.compile(r"[+-] *[\w.]*windows\.(size|step|pane)\b")  # by the calendar it is the mean: take `end`
    assert [path.name for path in sorted(package.rglob("*.py")) if sums.search(path.read_text())] == []
