"""Verdicts by default: by what the reference does by itself, with a reason, and in step with what is published."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from monitor.config import ColumnRules
from monitor.drift.bins import Counts, Floats
from monitor.drift.calendars import DAY, Calendar
from monitor.drift.calibration import of_stretches
from monitor.drift.decisions import levels
from monitor.drift.profiles import Chunks, Profile
from monitor.drift.stretches import Like, Stretches, judged_by, seasons
from monitor.drift.thresholds import Fixed
from monitor.drift.windows import Even, Windows
from monitor.pipeline.compare import Comparison
from monitor.pipeline.results import ColumnResult
from tests.pipeline.columns import PVALUE, categorical, compared, counted, numeric

COMMON = {"a": 5_000, "b": 3_000, "c": 2_000}


def with_chunks(*, hours: int, spread: float) -> tuple[Profile, Counts]:
    """A reference of so many hours of a column whose mean wanders, and a window like it."""
    rng = np.random.default_rng(17)
    values = rng.normal(size=(hours, 2_000)) + spread * rng.normal(size=(hours, 1))
    column = numeric(values.ravel(), bins=100)
    counts = np.array([counted(column, row) for row in values], dtype=np.int32)
    starts = tuple(hour * 3_600_000 for hour in range(hours))
    profile = Profile("m", "1", (column,), 0, hours * 3_600_000, Chunks.of(3_600_000, starts, counts))
    return profile, counted(column, rng.normal(0.5, size=2_000))


def judged(profile: Profile, window: Counts) -> ColumnResult:
    compare = Comparison(profile, {}, pvalue=PVALUE, min_events=50, like=Like(3_600_000))
    return compare(window)[1]["age"]


def test_what_would_be_drift_is_the_references_own_variation_where_it_wanders_as_far() -> None:
    still, wandering = (judged(*with_chunks(hours=100, spread=spread)) for spread in (0.0, 0.3))
    assert (still.verdict, wandering.verdict) == ("drift", "ok")
    assert still.ratio is not None
    assert wandering.ratio is not None
    assert still.ratio > 1 > wandering.ratio


def test_a_short_reference_that_wanders_warns_at_most_and_says_what_is_needed() -> None:
    profile, window = with_chunks(hours=40, spread=0.3)
    found = judged(profile, window * 0 + np.where(np.arange(len(window)) == 0, 2_000, 0))
    assert found.verdict == "warning"
    assert found.ratio is None, "there is no threshold for drift to be above"
    assert found.reason is not None
    assert found.reason.endswith("its 40 stretches of time are too few to say how far; 48 are needed")


def test_where_most_columns_move_a_short_reference_may_hide_that_another_does_but_not_that_it_never_did() -> None:
    rng = np.random.default_rng(3)
    means = {"a": 0.5 * rng.normal(size=(20, 1)), "b": 0.5 * rng.normal(size=(20, 1)), "still": np.zeros((20, 1))}
    values = {name: rng.normal(size=(20, 1_000)) + mean for name, mean in means.items()}
    values["constant"] = np.zeros((20, 1_000))
    values["even"] = np.tile(np.linspace(-2, 2, 1_000), (20, 1))
    columns = [numeric(rows.ravel(), name=name, bins=100) for name, rows in values.items()]
    pairs = list(zip(columns, values.values(), strict=True))
    counts = np.concatenate([[counted(column, row) for row in rows] for column, rows in pairs], axis=1)
    starts = tuple(hour * 3_600_000 for hour in range(20))
    chunks = Chunks.of(3_600_000, starts, counts.astype(np.int32))
    profile = Profile("m", "1", tuple(columns), 0, 20 * 3_600_000, chunks)
    window = np.concatenate([counted(column, np.full(1_000, 3.0)) for column in columns])
    compare = Comparison(profile, {}, pvalue=PVALUE, min_events=50, like=Like(3_600_000))
    before = [(hour * 3_600_000, compare.sums(window)) for hour in (42, 41, 40)]
    for trail in ([], before):  # alone, and as a shift that lasts
        scored = compare.score(window, 43 * 3_600_000, trail)
        found = compare.decide(scored, levels([column.tests for column in scored], PVALUE))[1]
        assert {name: column.verdict for name, column in found.items()} == {
            "a": "warning", "b": "warning", "still": "warning", "constant": "drift", "even": "drift"
        }  # fmt: skip


def test_hours_are_those_of_the_zone_also_after_its_clocks_were_put_back() -> None:
    rng, zone = np.random.default_rng(5), ZoneInfo("Europe/Berlin")
    first, hour = datetime(2026, 9, 27, tzinfo=UTC), timedelta(hours=1)  # clocks are put back on 25 October

    def drawn(begin: datetime) -> Floats:
        """An hour of a column that swings with the day there."""
        return rng.normal(size=2_000) + 1.5 * math.sin(2 * math.pi * begin.astimezone(zone).hour / 24)

    begins = [first + i * hour for i in range(24 * 28)]
    values = [drawn(begin) for begin in begins]
    column = numeric(np.concatenate(values), bins=100)
    starts = [int(begin.timestamp()) * 1000 for begin in begins]
    counts = np.array([counted(column, row) for row in values], dtype=np.int32)
    profile = Profile("m", "1", (column,), starts[0], starts[-1], Chunks.of(3_600_000, tuple(starts), counts))
    after = [datetime(2026, 10, 26, tzinfo=UTC) + i * hour for i in range(24)]
    windows = [(int(begin.timestamp()) * 1000, counted(column, drawn(begin))) for begin in after]

    def drifting(zone: str) -> int:
        compare = Comparison(profile, {}, pvalue=PVALUE, min_events=50, like=Like(3_600_000, zone=zone))
        return sum(compare(window, start)[0] == "drift" for start, window in windows)

    assert drifting("Europe/Berlin") == 0
    assert drifting("UTC") > 12


@pytest.mark.parametrize("name", ["Australia/Sydney", "America/Los_Angeles", "Asia/Kolkata", "UTC"])
@pytest.mark.parametrize("hours", [1, 24])
def test_days_of_a_zone_are_compared_with_its_weekdays_or_with_any_day_where_chunks_are_those_of_utc(
    name: str, hours: int
) -> None:
    rng, zone, scale = np.random.default_rng(6), ZoneInfo(name), Calendar(name)
    begin = datetime(2025, 3, 3, tzinfo=UTC)  # clocks change within the reference, and before the days that are judged

    def drawn(hour: int) -> Floats:
        """An hour of a column that is another one on weekends there."""
        return rng.normal(size=40) + ((begin + timedelta(hours=hour)).astimezone(zone).weekday() >= 5)

    values = [drawn(hour) for hour in range(24 * 7 * 20)]
    column = numeric(np.concatenate(values), bins=100)
    rows = np.array([counted(column, row) for row in values]).reshape(-1, hours, column.size).sum(axis=1)
    size, first = hours * 3_600_000, int(begin.timestamp()) * 1000
    starts = tuple(first + i * size for i in range(len(rows)))
    profile = Profile("m", "1", (column,), first, starts[-1], Chunks.of(size, starts, rows.astype(np.int32)))
    like = judged_by(Windows(DAY, DAY, scale=scale), Chunks.of(size, starts, rows.astype(np.int32)))
    assert like.phases == (hours == 1 or name == "UTC")
    compare = Comparison(profile, {}, pvalue=PVALUE, min_events=50, like=like)
    last = scale.place(starts[-1]) // DAY
    drifted = 0
    for day in range(last + 2, last + 23):
        start, end = (scale.time((day + i) * DAY) for i in (0, 1))
        own = [drawn(hour) for hour in range((start - first) // 3_600_000, (end - first) // 3_600_000)]
        drifted += compare(counted(column, np.concatenate(own)), start)[0] == "drift"
    assert drifted <= int(like.phases), "one of 21 by chance, six by the weekdays of UTC"
    weekend = counted(column, rng.normal(size=1_000) + 1)
    tuesday = next(d for d in range(last + 2, last + 9) if datetime.fromtimestamp(d * 86_400, UTC).weekday() == 1)
    assert (compare(weekend, scale.time(tuesday * DAY))[0] == "drift") == like.phases


def test_long_windows_and_chunks_lie_in_utc_and_so_do_their_phases_whatever_the_clocks_do() -> None:
    zone = "America/Denver"  # at noon UTC it is 5 or 6 o'clock, at 18 o'clock 11 or 12
    shown = {hours: {season.zone for season in seasons(hours * 3_600_000, zone)} for hours in (1, 2, 3, 12, 24)}
    assert shown == {1: {zone}, 2: {zone}, 3: {"UTC"}, 12: {"UTC"}, 24: {zone}}


@pytest.mark.parametrize(("name", "apart"), [("Australia/Sydney", False), ("Europe/Berlin", True), ("UTC", True)])
def test_hours_of_a_zone_are_told_no_weekday_by_days_that_are_parts_of_two_there(name: str, apart: bool) -> None:
    chunks = Chunks.of(DAY, tuple(day * DAY for day in range(60)), np.ones((60, 4), dtype=np.int32))
    assert judged_by(Windows(3_600_000, 3_600_000, scale=Even(name)), chunks).phases == apart


def test_a_column_that_follows_the_hour_alone_is_not_compared_with_fewer_events_by_the_weekday_too() -> None:
    starts = np.arange(24 * 28, dtype=np.int64) * 3_600_000
    for seed in range(8):
        rng = np.random.default_rng(seed)
        means = 0.5 * np.sin(2 * np.pi * np.arange(len(starts)) / 24)
        values = rng.normal(size=(len(starts), 500)) + means[:, None]
        column = numeric(values.ravel(), bins=50)
        counts = np.array([counted(column, row) for row in values])
        (found,) = of_stretches([column], Stretches(starts, counts, 3_600_000), seasons(3_600_000, "UTC"))
        assert found.phases is not None
        assert found.phases.season.kind == "day", seed


def test_categories_that_an_hour_has_more_of_than_the_day_are_in_no_shift_that_lasts_more_often_than_asked() -> None:
    rng, names = np.random.default_rng(8), "abcdefgh"
    swing = np.exp(np.outer(np.sin(2 * np.pi * np.arange(24) / 24), np.linspace(-1.5, 1.5, 8)))
    chances = np.tile(swing / swing.sum(axis=1, keepdims=True), (10, 1))
    rows = np.pad(rng.multinomial(5_000, chances), ((0, 0), (0, 4)))
    column = replace(categorical(dict.fromkeys(names, 1)), counts=rows.sum(axis=0))
    starts = tuple(i * 3_600_000 for i in range(240))
    profile = Profile("m", "1", (column,), 0, 240 * 3_600_000, Chunks.of(3_600_000, starts, rows.astype(np.int32)))
    compare = Comparison(profile, {}, pvalue=PVALUE, min_events=50, like=Like(3_600_000))
    times = [(240 + hour) * 3_600_000 for hour in (6, 5, 4, 3)]
    drawn = np.pad(rng.multinomial(1_000, chances[[6, 5, 4, 3]], size=(6_000, 4)), ((0, 0), (0, 0), (0, 4)))
    beyond = 0
    for newest, *before in drawn:
        trail = [(start, compare.sums(counts)) for start, counts in zip(times[1:], before, strict=True)]
        found = dict(compare.score(newest, times[0], trail)[0].lasting)[3]
        beyond += found.squared > found.sampling(0.001)
    assert compare.calibrations[0].phases is not None
    assert beyond <= 6  # as many by chance; eleven where squares are scaled by the whole day


def test_the_reason_has_the_statistic_the_threshold_and_its_parts() -> None:
    found = judged(*with_chunks(hours=100, spread=0.3))
    assert found.reason is not None
    pattern = (
        r"KS (\S+) against a threshold of (\S+) \(sampling (\S+), the reference's own variation (\S+), floor 0\.05\); "
        r"n = 2,000"
    )
    match = re.fullmatch(pattern, found.reason)
    assert match, found.reason
    statistic, threshold, sampling, variation = map(float, match.groups())
    assert statistic == pytest.approx(found.scores["ks"].statistic, abs=1e-3)
    assert threshold == pytest.approx(found.scores["ks"].threshold, abs=1e-3)
    assert threshold == pytest.approx(math.hypot(sampling, variation), abs=2e-3)


@pytest.mark.parametrize("more", [0, 5, 40, 400])
def test_a_ratio_above_one_is_drift_and_nothing_else_is(more: int) -> None:
    column = numeric(np.arange(1000.0), bins=50)
    found = compared(column, counted(column, np.arange(1000.0), missing=more))
    assert found.ratio is not None
    assert (found.ratio > 1) == (found.verdict == "drift") == (more >= 40)
    assert set(found.shares) == ({"missing"} if more else set())


def test_a_new_category_of_one_percent_is_drift_by_its_share() -> None:
    found = compared(
        categorical(COMMON), counted(categorical(COMMON), ["a"] * 4_950 + ["b"] * 2_970 + ["c"] * 1_980 + ["new"] * 100)
    )
    assert found.verdict == "drift"
    assert found.shares["unseen"].ratio is not None
    assert found.shares["unseen"].ratio > 1
    assert found.reason is not None
    assert found.reason.startswith("unseen 1.00% against 0.00% in the reference")


def test_a_threshold_that_somebody_chose_stays_as_it_is() -> None:
    profile, window = with_chunks(hours=100, spread=0.3)
    rules = {"age": ColumnRules(thresholds={"ks": Fixed(0.1)})}
    found = Comparison(profile, rules, pvalue=PVALUE, min_events=50, like=Like(3_600_000))(window)[1]["age"]
    assert found.scores["ks"].threshold == 0.1
    assert found.verdict == "drift"
    assert found.reason is not None
    assert re.fullmatch(r"ks 0\.\d+ against a threshold of 0\.1; n = 2,000", found.reason)


def test_an_outage_like_those_that_the_reference_had_is_no_drift_of_the_missing_share() -> None:
    rng = np.random.default_rng(18)
    column = numeric(rng.normal(size=5_000), bins=50)
    out = rng.random(200) < 0.3
    gone = counted(column, [], missing=500)
    counts = np.array([gone if hour else counted(column, rng.normal(size=500)) for hour in out])
    whole = replace(column, counts=counts.sum(axis=0))
    starts = tuple(hour * 3_600_000 for hour in range(len(out)))
    profile = Profile("m", "1", (whole,), 0, starts[-1], Chunks.of(3_600_000, starts, counts.astype(np.int32)))
    assert judged(profile, gone).verdict == "undecided"
    assert judged(replace(profile, chunks=None), gone).verdict == "drift"
