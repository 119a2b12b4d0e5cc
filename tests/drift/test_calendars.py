"""Days, weeks and months in a zone, across changes of the clock, against twins that ask stdlib's clock every minute."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.drift.calendars import DAY, MONTH, Calendar, fingerprint, zones
from monitor.drift.windows import Windows
from monitor.errors import DriftlineError
from tests import naive

HOUR = 3_600_000
WEEK = 7 * DAY
MONDAY = 4 * DAY  # 1 January 1970 was a Thursday

ODD = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",  # clocks were put on at midnight, which then did not exist
    "America/St_Johns",  # and here back at one minute past midnight, to the day before
    "Africa/Casablanca",  # summer time pauses for Ramadan
    "Pacific/Apia",  # left out 30 December 2011
    "Pacific/Kiritimati",  # and here the last day of 1994
    "Australia/Lord_Howe",  # half an hour of summer time
    "Asia/Kathmandu",  # 15 minutes off since 1986
    "Asia/Beirut",
    "Antarctica/Troll",  # two hours
]


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def local(text: str, zone: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=naive.clock(zone)).timestamp()) * 1000


times = st.integers(utc("1973-01-01"), utc("2089-01-01")) | st.sampled_from(
    [  # around changes of the clock, where the twins are likely to differ
        utc(text) + minutes * 60_000 + more
        for text in (
            "2026-03-29T01:00",
            "2026-10-25T01:00",
            "2018-11-04T03:00",
            "2018-02-18T02:00",
            "2006-10-29T02:31",
            "2011-12-30T10:00",
            "1994-12-31T10:00",
            "1986-01-01T18:15",
            "2026-04-04T15:00",
            "2030-01-06T02:00",
        )
        for minutes in (-1_440, -61, -1, 0, 1, 61, 1_440)
        for more in (-1, 0)
    ]
)
spans = st.builds(
    lambda size, step, offset: Windows(max(size, step) * DAY, min(size, step) * DAY, 0, offset * DAY),
    st.integers(1, 10),
    st.integers(1, 3),
    st.integers(0, 6),
)


def on(windows: Windows, zone: str) -> Windows:
    return Windows(windows.size, windows.step, windows.lateness, windows.offset, Calendar(zone))


@settings(max_examples=50)
@given(spans, st.sampled_from(ODD), times)
def test_an_event_is_in_the_windows_of_days_that_the_slow_twin_finds(windows: Windows, zone: str, time: int) -> None:
    windows = on(windows, zone)
    found = [(start, windows.end(start)) for start in windows.starting_in(windows.pane_of(time))]
    assert found == naive.windows_of_days(
        time, zone, size=windows.size // DAY, step=windows.step // DAY, offset=windows.offset // DAY
    )


@settings(max_examples=40)
@given(st.integers(1, 4), st.sampled_from(ODD), times)
def test_an_event_is_in_the_months_that_the_slow_twin_finds(months: int, zone: str, time: int) -> None:
    windows = Windows(months * MONTH, MONTH, scale=Calendar(zone, MONTH))
    found = [(start, windows.end(start)) for start in windows.starting_in(windows.pane_of(time))]
    assert found == naive.windows_of_months(time, zone, months=months)


anywhere = times | st.integers(-(10**15), 10**15)
scales = st.builds(Calendar, st.sampled_from(ODD) | st.sampled_from(sorted(zones())), st.sampled_from([DAY, MONTH]))
calendars = st.builds(
    lambda scale, size, step, offset: Windows(
        max(size, step) * scale.unit, min(size, step) * scale.unit, 0, offset * scale.unit, scale
    ),
    scales,
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(0, 6),
)


@given(calendars, anywhere)
@example(Windows(DAY, DAY, scale=Calendar("Pacific/Apia")), utc("2011-12-30T10:00"))
@example(Windows(WEEK, DAY, scale=Calendar("Pacific/Apia")), utc("2011-12-30T09:59"))
@example(Windows(2 * DAY, 2 * DAY, 0, DAY, Calendar("Pacific/Apia")), utc("2011-12-30T10:00"))
@example(Windows(2 * DAY, 2 * DAY, 0, 0, Calendar("Pacific/Apia")), utc("2011-12-30T10:00"))
def test_windows_and_panes_hold_their_time_and_tile_it(windows: Windows, time: int) -> None:
    pane = windows.pane_of(time)
    assert pane <= time
    assert windows.pane_of(pane) == pane
    assert windows.pane_of(pane - 1) < pane
    for start in windows.starting_in(pane):
        panes = list(windows.panes_in(start))
        assert pane in panes
        assert panes[0] == start <= time < windows.end(start)
        assert panes == sorted(set(panes))
        assert [windows.pane_of(after - 1) for after in [*panes[1:], windows.end(start)]] == panes
        assert all(start in windows.starting_in(other) for other in panes)
    before, after = windows.around(time)
    assert before <= time < after
    assert before == windows.starting_in(pane)[-1]


@given(calendars, st.lists(anywhere, min_size=1, max_size=20))
def test_many_times_are_in_the_panes_that_each_is_in(windows: Windows, many: list[int]) -> None:
    panes = windows.panes_of(np.array(many, dtype=np.int64)).tolist()
    assert panes == [windows.pane_of(time) for time in many]
    between = len({windows.pane_of(time) for time in many})
    assert between <= windows.panes_from(min(panes), max(panes))


@given(scales, anywhere)
def test_in_a_zone_without_changes_days_are_those_of_a_shifted_utc(scale: Calendar, time: int) -> None:
    days = Windows(DAY, DAY, scale=Calendar("Etc/GMT-3"))
    assert days.pane_of(time) == Windows(DAY, DAY, offset=-3 * HOUR).pane_of(time)
    assert Windows(DAY, DAY, scale=Calendar("UTC")).pane_of(time) == Windows(DAY, DAY).pane_of(time)


def test_days_are_23_and_25_hours_long_where_clocks_change() -> None:
    # Berlin     28 March   29 March   30 March          24 October  25 October  26 October
    # window     [---24h----[---23h----[---              [---24h-----[---25h-----[---
    days = Windows(DAY, DAY, scale=Calendar("Europe/Berlin"))
    spring, autumn = utc("2026-03-28T23:00"), utc("2026-10-24T22:00")
    assert (days.around(spring)[0], days.end(spring)) == (spring, spring + 23 * HOUR)
    assert (days.around(autumn)[0], days.end(autumn)) == (autumn, autumn + 25 * HOUR)


def test_a_day_without_midnight_begins_when_clocks_are_put_on() -> None:
    # Sao Paulo  3 November 23:59:59   4 November 01:00
    # window     ---------------------)[----------------
    days = Windows(DAY, DAY, scale=Calendar("America/Sao_Paulo"))
    start = utc("2018-11-04T03:00")
    assert days.pane_of(start) == start
    assert days.pane_of(start - 1) == local("2018-11-03T00:00", "America/Sao_Paulo")


def test_a_day_that_was_left_out_has_no_window() -> None:
    # Samoa       29 December 23:59:59   31 December 00:00
    # days        ----------------------)[---------------
    # four days   [--------28, 29, 31, 1 January--------)     28 to 31 December, one of which there was not
    start = utc("2011-12-30T10:00")
    days = Windows(DAY, DAY, scale=Calendar("Pacific/Apia"))
    assert (days.around(start - 1)[1], days.end(start)) == (start, start + DAY)
    hopping = Windows(4 * DAY, DAY, scale=Calendar("Pacific/Apia"))
    assert hopping.starting_in(start) == [start - 2 * DAY, start - DAY, start]
    assert hopping.panes_in(start - 2 * DAY) == [start - 2 * DAY, start - DAY, start]


def test_a_day_that_clocks_begin_twice_begins_with_the_first() -> None:
    # St. John's  29 October 00:00  00:01 = 28 October 23:01  29 October 00:00
    # window      [-----------------------------------------------------------
    days = Windows(DAY, DAY, scale=Calendar("America/St_Johns"))
    start = utc("2006-10-29T02:30")
    assert days.pane_of(start) == start
    assert {days.pane_of(start + minute * 60_000) for minute in range(120)} == {start}
    assert days.end(start) == start + 25 * HOUR


def test_weeks_begin_on_their_day_and_last_an_hour_less_in_spring() -> None:
    # Berlin     Mon 23 March                Mon 30 March
    # window     [-----------167h-----------)[-----------
    weeks = Windows(WEEK, WEEK, 0, MONDAY, Calendar("Europe/Berlin"))
    start = local("2026-03-23T00:00", "Europe/Berlin")
    assert weeks.around(utc("2026-03-29T12:00")) == (start, start + 167 * HOUR)


def test_months_and_quarters_begin_with_their_first_day() -> None:
    # UTC       1 January   1 February   1 March   1 April
    # months    [---31d----)[---28d----)[---31d---)
    # quarter   [---------------------------------)
    months, quarters = (Windows(n * MONTH, n * MONTH, scale=Calendar("UTC", MONTH)) for n in (1, 3))
    assert months.around(utc("2026-02-14")) == (utc("2026-02-01"), utc("2026-03-01"))
    assert quarters.around(utc("2026-02-14")) == (utc("2026-01-01"), utc("2026-04-01"))
    assert quarters.panes_in(utc("2026-01-01")) == [utc("2026-01-01")]


def test_lateness_is_time_after_the_end() -> None:
    days = Windows(DAY, DAY, 2 * HOUR, scale=Calendar("Europe/Berlin"))
    start = utc("2026-03-28T23:00")
    assert days.retires(start) == days.pane_retires(start) == start + 25 * HOUR


def test_rules_go_on_for_ever() -> None:
    days = Windows(DAY, DAY, scale=Calendar("Europe/Berlin"))
    lengths = {days.end(start) - start for start in days.panes_in(days.pane_of(utc("4000-01-01")))}
    assert lengths == {DAY}
    year = [days.pane_of(utc("4026-01-01") + day * DAY + DAY // 2) for day in range(365)]
    assert {(days.end(start) - start) // HOUR for start in year} == {23, 24, 25}
    assert days.pane_of(-(10**17)) <= -(10**17) < days.end(days.pane_of(-(10**17)))


def test_a_grid_names_the_zone_and_its_rules() -> None:
    assert Windows(2 * DAY, DAY).grid == f"{DAY} 0"
    day, month = Windows(DAY, DAY, scale=Calendar("Europe/Berlin")), Windows(MONTH, MONTH, scale=Calendar("UTC", MONTH))
    assert day.grid == f"{DAY} 0 days Europe/Berlin {fingerprint('Europe/Berlin')}"
    assert month.grid == f"{MONTH} 0 months UTC {fingerprint('UTC')}"
    assert len({fingerprint(zone) for zone in ODD}) == len(ODD)


@pytest.mark.parametrize(
    ("zone", "message"),
    [
        ("Europe/Berlni", "did you mean Europe/Berlin"),
        ("../../../etc/passwd", "expected a time zone of the IANA database"),
        ("", "such as Europe/Berlin or UTC"),
    ],
)
def test_a_zone_that_is_not_known_is_refused(zone: str, message: str) -> None:
    with pytest.raises(DriftlineError, match=message):
        Calendar(zone)


def test_windows_that_are_no_whole_days_are_refused() -> None:
    with pytest.raises(DriftlineError, match="multiples of 86400000 ms"):
        Windows(DAY + HOUR, DAY + HOUR, scale=Calendar("UTC"))
    with pytest.raises(DriftlineError, match=r"a day .* or a month"):
        Calendar("UTC", HOUR)


def test_every_zone_has_days_in_every_year() -> None:
    for zone in zones():
        days = Windows(DAY, DAY, scale=Calendar(zone))
        for year in range(1973, 2040, 13):
            start = days.pane_of(utc(f"{year}-06-01"))
            assert 20 * HOUR < days.end(start) - start < 28 * HOUR
