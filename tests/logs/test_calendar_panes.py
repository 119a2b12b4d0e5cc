"""Events are counted in the days of a zone: each in the one that clocks there showed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.drift.calendars import DAY, MONTH, Calendar
from monitor.drift.windows import Windows
from monitor.logs.contract import TOO_MANY_PANES
from monitor.logs.json import JsonDecoder
from tests import naive
from tests.logs.examples import TARGETS, TIME, logged

HOUR = 3_600_000
OWNER = ("credit", "3")
SPRING = 1_774_742_400_000  # 2026-03-29T00:00Z: in Berlin, one hour of this day is left out


def decoder(windows: Windows, *, max_panes: int = 1_000) -> JsonDecoder:
    return JsonDecoder(
        TARGETS | {OWNER: replace(TARGETS[OWNER], windows=windows, segmentations=())}, max_panes=max_panes
    )


@settings(max_examples=20)
@given(st.lists(st.integers(-3 * 24 * 60, 3 * 24 * 60), min_size=1, max_size=60))
def test_every_event_is_in_the_day_that_the_slow_twin_finds(minutes: list[int]) -> None:
    times = [SPRING + minute * 60_000 for minute in minutes]
    counted = decoder(Windows(DAY, DAY, scale=Calendar("Europe/Berlin"))).count([logged(time=t) for t in times], None)
    columns = len(TARGETS[OWNER].profile.columns)
    found = {key.pane: int(counts.sum()) // columns for key, counts in counted.counts.items()}
    days = [naive.windows_of_days(time, "Europe/Berlin", size=1, step=1, offset=0)[0][0] for time in times]
    assert found == {day: days.count(day) for day in days}


def test_months_are_panes_of_their_own() -> None:
    # January 2024   February      March
    # [--------------[-------------[-----
    months = decoder(Windows(MONTH, MONTH, scale=Calendar("UTC", MONTH)))
    january, leap_day = 1_704_067_200_000, 1_709_164_800_000
    counted = months.count([logged(time=time) for time in (january + 31 * DAY - 1, leap_day, leap_day + DAY)], None)
    assert sorted(key.pane for key in counted.counts) == [january, january + 31 * DAY, leap_day + DAY]


def test_days_without_end_cannot_fill_a_block() -> None:
    days = decoder(Windows(DAY, DAY, scale=Calendar("America/Sao_Paulo")), max_panes=50)
    counted = days.count([logged(time=TIME + number * 365 * DAY) for number in range(500)], None)
    assert len(counted.counts) == counted.events == 50
    assert [rejected.reason for rejected in counted.rejected] == [TOO_MANY_PANES] * 450
