"""A segment in which a column swings by the hour as in all events is compared with what its hour lets expect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.drift import profiles, summaries
from monitor.drift.bins import SPECIAL, Counts, Floats, Ordered, Unordered
from monitor.drift.calibration import by_itself, following, swinging
from monitor.drift.courses import learned
from monitor.drift.decisions import Levels
from monitor.drift.phases import PartPhases, Phases, swung
from monitor.drift.profiles import Chunks, Column, Profile
from monitor.drift.segments import WITHIN, Segmentation
from monitor.drift.stretches import Like, Season, Stretches
from monitor.drift.updates import Window, fold
from monitor.pipeline import judging
from monitor.pipeline.compare import Comparison
from monitor.pipeline.results import ColumnResult
from tests.examples import HOUR

X = Ordered(np.linspace(-2.5, 2.5, 49), np.linspace(-2.55, 2.55, 50))
NAMES = ("DE", "FR")
COUNTRY = Unordered(NAMES)
HOURS = 240  # ten days from the first Monday of 1970
START = 4 * 24 * HOUR
DAYLIGHT = np.sin(2 * np.pi * np.arange(HOURS) / 24)
SHAPE = Profile(
    "m",
    "1",
    (
        Column("x", "feature", X, np.zeros(X.values + SPECIAL, dtype=np.int64)),
        Column("country", "feature", COUNTRY, np.zeros(COUNTRY.values + SPECIAL, dtype=np.int64)),
    ),
)


def hours(place: int, means: Floats, *, n: int = 2_000, seed: int = 1) -> Counts:
    """Counts of hours of one country whose x has these means; shape (hours, cells)."""
    rng = np.random.default_rng([seed, place])
    values = [np.bincount(X.edges.searchsorted(rng.normal(mean, size=n)), minlength=X.values) for mean in means]
    country = np.zeros((len(means), COUNTRY.values + SPECIAL), dtype=np.int64)
    country[:, place] = n
    return np.concatenate((np.pad(values, ((0, 0), (0, SPECIAL))), country), axis=1)


def reference(*parts: Counts, numbers: int | None = None) -> Profile:
    """The profile of the countries' hours; its course with so many numbers, or all."""
    over = [*parts, parts[0] * 0, parts[0] * 0]
    times = START + np.arange(len(parts[0]), dtype=np.int64) * HOUR
    total = np.add.reduce(over)
    made = summaries.as_reference(SHAPE, total.sum(axis=0))
    whole = swinging(made.columns, Stretches(times, total, HOUR))
    rows = [
        learned(summaries.as_reference(SHAPE, one.sum(axis=0)).columns, Stretches(times, one, HOUR), whole)
        for one in over
    ]
    course = np.array(rows)[..., :numbers]
    counts = np.array([one.sum(axis=0) for one in over])
    found = Segmentation.of(("country",), tuple((name,) for name in NAMES), counts, course)
    chunks = Chunks.of(HOUR, tuple(times.tolist()), total.astype(np.int32))
    return replace(made, start=START, end=int(times[-1]) + HOUR - 1, chunks=chunks, segmentations=(found,))


def comparison(profile: Profile, length: int = HOUR) -> Comparison:
    """Of windows of that length, segments included."""
    like, parts = Like(length), profile.segmentations
    return Comparison(profile, {}, pvalue=1 / 720, min_events=100, like=like, segmentations=parts)


def judged(profile: Profile, shift: float, *, hour: int = 6, place: int = 0, swing: float = 0.5) -> ColumnResult:
    """x in a window of one country, an hour of a day after the reference, where the mean is that much higher."""
    compare = comparison(profile)
    ((_, own),) = compare.of_segments({f"country={NAMES[place]}"})
    (counts,) = hours(place, np.array([swing * DAYLIGHT[hour] + shift]), seed=2)
    return own(counts, START + (HOURS + hour) * HOUR)[1]["x"]


@pytest.fixture(scope="module")
def alike() -> Profile:
    """Both countries swing by half a deviation, one around another mean than the other."""
    return reference(hours(0, 0.5 * DAYLIGHT), hours(1, 0.5 * DAYLIGHT + 0.7))


def follows(profile: Profile) -> list[bool]:
    """Whether x follows the season of all events, of each country."""
    (found,) = profile.segmentations
    assert found.course is not None
    return (found.course[: len(NAMES), 0, -1] > 0).tolist()


@pytest.mark.parametrize("hour", [0, 6, 18, 23])
def test_a_shift_hidden_in_the_swing_of_a_segment_is_found_where_all_events_swing_so(alike: Profile, hour: int) -> None:
    assert follows(alike) == [True, True]
    for place, mean in enumerate((0.0, 0.7)):
        assert judged(alike, mean, hour=hour, place=place).verdict == "ok"
        assert judged(alike, mean + 0.3, hour=hour, place=place).verdict == "drift"
    found = judged(alike, 0.3, hour=hour)
    assert found.reason is not None
    assert "variation within the day" in found.reason


def test_a_profile_that_does_not_know_which_segments_swing_is_judged_as_before(alike: Profile) -> None:
    old = reference(hours(0, 0.5 * DAYLIGHT), hours(1, 0.5 * DAYLIGHT + 0.7), numbers=WITHIN)
    again = profiles.decode(profiles.encode(old))
    assert again.fingerprint == old.fingerprint
    assert profiles.encode(again) == profiles.encode(old)
    found = judged(again, 0.3)
    assert found.verdict == "ok"
    assert found.reason is not None
    assert "within the day" not in found.reason


def test_a_segment_that_swings_otherwise_is_judged_as_before() -> None:
    parts = hours(0, 0.5 * DAYLIGHT, n=8_000), hours(1, -0.5 * DAYLIGHT)
    profile, old = reference(*parts), reference(*parts, numbers=WITHIN)
    assert follows(profile) == [True, False]
    for shift in (0.0, 0.5, 1.5):
        assert judged(profile, shift, place=1, swing=-0.5) == judged(old, shift, place=1, swing=-0.5)


def test_segments_that_stand_still_while_all_events_swing_for_their_mixture_follow_nothing() -> None:
    by_day = np.where(DAYLIGHT > 0, 3_000, 300)
    parts = [
        np.concatenate([hours(place, np.array([mean]), n=int(n), seed=hour + 9) for hour, n in enumerate(sizes)])
        for place, (mean, sizes) in enumerate([(0.0, by_day), (1.0, 3_300 - by_day)])
    ]
    profile = reference(*parts)
    assert follows(profile) == [False, False]
    assert judged(profile, 0.3, swing=0.0).verdict == "drift"


def test_windows_of_another_length_or_season_are_judged_as_before(alike: Profile) -> None:
    found = comparison(alike, 4 * HOUR)
    ((_, own),) = found.of_segments({"country=DE"})
    assert found.calibrations[0].phases is not None
    assert own.calibrations[0].phases is None
    (segmentation,) = alike.segmentations
    course = np.array(segmentation.course)
    course[..., -1] = 168  # of a season that all events had before an update
    other = Segmentation.of(segmentation.columns, segmentation.values, segmentation.counts, course)
    assert judged(replace(alike, segmentations=(other,)), 0.3).verdict == "ok"


def windows(*parts: Counts, length: int = 1) -> list[Window]:
    """Hours after the reference, or as many of them together."""
    together = [part.reshape(-1, length, SHAPE.size).sum(axis=1) for part in parts]
    named = [
        dict(zip((f"country={name}" for name in NAMES), rows, strict=True)) for rows in zip(*together, strict=True)
    ]
    first, size = START + HOURS * HOUR, length * HOUR
    return [
        Window(first + i * size, first + (i + 1) * size, np.add.reduce(list(held.values())), held)
        for i, held in enumerate(named)
    ]


def test_a_rolling_reference_learns_who_swings_from_its_windows(alike: Profile) -> None:
    fresh = windows(hours(0, 0.5 * DAYLIGHT, n=8_000, seed=3), hours(1, -0.5 * DAYLIGHT, seed=3))
    assert follows(fold(alike, fresh, keep=HOURS * HOUR)) == [True, False]


def test_an_update_keeps_who_swings_while_chunks_are_as_long_as_they_were(alike: Profile) -> None:
    parts = hours(0, 0.5 * DAYLIGHT, seed=3), hours(1, 0.5 * DAYLIGHT + 0.7, seed=3)
    assert follows(fold(alike, windows(*parts))) == [True, True]
    assert follows(fold(alike, windows(*parts, length=24))) == [False, False]


def phases_of(counts: npt.ArrayLike) -> Phases:
    """A row for each hour of the day."""
    return Phases.of(Season("day", HOUR), np.arange(24) * HOUR + 1, np.asarray(counts, dtype=np.int64))


def cumulative(counts: Counts) -> Floats:
    return counts.cumsum() / max(counts.sum(), 1e-300)


cells = arrays(np.int64, 8, elements=st.integers(0, 500))


@given(st.lists(cells, min_size=24, max_size=24), cells, st.integers(0, 23), st.booleans())
def test_expected_counts_are_whole_and_their_cumulative_sums_hardly_rounded(
    rows: list[Counts], own: Counts, hour: int, ordered: bool
) -> None:
    whole, phase = np.add.reduce(rows), rows[hour]
    own = np.minimum(own, whole)
    found = PartPhases(phases_of(rows), own, ordered).counts(hour * HOUR)
    size = found.sum()
    assert found.min() >= 0
    assert size <= min(phase.sum(), own.sum() * whole.sum() / max(whole.sum() - own.sum(), 1)) + 0.5
    exact = own * phase / np.maximum(whole, 1)
    shares = cumulative(exact if exact.any() else own)
    if ordered:
        shares = np.interp(cumulative(phase), [0, *cumulative(whole)], [0, *cumulative(own)])
    assert np.abs(found.cumsum() - size * shares).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("ordered", [True, False], ids=["numbers", "categories"])
def test_all_events_as_a_part_are_expected_to_be_what_they_are(ordered: bool) -> None:
    phases = phases_of(np.random.default_rng(1).integers(0, 1_000, size=(24, 10)))
    part = PartPhases(phases, phases.whole, ordered)
    for hour in range(24):
        assert part.counts(hour * HOUR).tolist() == phases.counts(hour * HOUR).tolist()


def test_numbers_move_as_those_of_the_same_rank_do_whatever_the_segment_has_most_of() -> None:
    """By day all events lie two bins further up than by night; so do those of a segment that has its own bins."""
    night, day = [10, 20, 40, 20, 10, 0, 0], [0, 0, 10, 20, 40, 20, 10]
    part = PartPhases(phases_of([night] * 24), np.array([0, 0, 0, 120, 120, 0, 0]), ordered=True)
    assert part.counts(0).tolist() == [0, 0, 0, 36, 37, 0, 0]
    shifted = swung(np.array([[0, 0, 0, 5, 5, 0, 0]]), np.array([day]), np.array(night), ordered=True)
    assert shifted[0].tolist() == [0, 0, 0, 0, 0, 0.5, 1]


def test_categories_that_the_phase_never_had_are_expected_as_at_any_time() -> None:
    night, day = [10, 10, 0, 0], [0, 0, 20, 20]
    part = PartPhases(phases_of([night] * 12 + [day] * 12), np.array([0, 0, 60, 180]), ordered=False)
    assert part.counts(0).tolist() == [0, 0, 5, 14]  # 1 / (1/240 - 1/720 + 1/20) = 19, a quarter of them as ever


def test_a_segment_that_is_awake_while_all_others_sleep_is_compared_with_its_own_many_events() -> None:
    by_day, by_night = [5_000, 5_000], [60, 40]
    part = PartPhases(phases_of([by_night] * 12 + [by_day] * 12), np.array([600, 600]), ordered=True)
    assert part.counts(0).sum() == 92  # 1 / (1/1200 - 1/121200 + 1/100), where its part of all events would be 1


def test_a_segment_whose_numbers_all_lie_in_the_last_bin_is_judged_window_by_window() -> None:
    profile = reference(hours(0, 0 * DAYLIGHT), hours(1, 0 * DAYLIGHT + 9))
    compare = comparison(profile)
    ((_, own),) = compare.of_segments({"country=FR"})
    (counts,) = hours(1, np.array([0.0]))
    trail = [(START + hour * HOUR, own.sums(counts)) for hour in (2, 1, 0)]
    _, columns = own.decide(own.score(counts, START + 3 * HOUR, trail), Levels(0.3, 1 / 720))
    assert (columns["x"].verdict, columns["x"].lasting) == ("drift", None)


def test_what_follows_exactly_has_no_variation_made_of_rounding() -> None:
    """Of two values, in a part of all events as in the others; what is rounded is a share of 1 that is never less."""
    bins = Ordered(np.array([0.0]), np.array([0.0, 1.0]))
    times = START + np.arange(240, dtype=np.int64) * HOUR
    for seed in range(20):
        rng = np.random.default_rng(seed)
        small, large = (rng.binomial(n, 0.5 + 0.35 * DAYLIGHT) for n in (60, 300))
        own, whole = (np.column_stack((x, n - x, 0 * x, 0 * x)) for x, n in ((small, 60), (small + large, 360)))
        columns, every = (Column("x", "feature", bins, counts.sum(axis=0)) for counts in (own, whole))
        everything = swinging([every], Stretches(times, whole, HOUR))
        over = Stretches(times, own, HOUR)
        (left,) = following([columns], over, everything, by_itself([columns], over))
        assert left is None or not 0 < left.variance < 1e-12, seed


def test_what_moved_is_told_by_the_hour_that_the_window_is_compared_with(alike: Profile) -> None:
    compare, start = comparison(alike), START + (HOURS + 6) * HOUR
    (counts,) = hours(0, np.array([1.5]))
    found = judging.judge(compare, {judging.WHOLE: counts, "country=DE": counts}, start)["country=DE"].columns["x"]
    ((_, own),) = compare.of_segments({"country=DE"})
    first, at_six, ever = found.moved[0], own.expected("x", start), alike.segmentations[0].counts[0]
    shares = [values[first.first : first.stop].sum() / values.sum() for values in (at_six, ever[: X.values])]
    assert found.verdict == "drift"
    assert first.reference == pytest.approx(shares[0], abs=1e-9)
    assert abs(shares[0] - shares[1]) > 0.1
    assert at_six @ X.centers / at_six.sum() == pytest.approx(0.5, abs=0.05)


def test_what_tells_a_small_segment_from_all_events_is_as_uncertain_over_three_windows_as_in_one() -> None:
    profile = reference(hours(0, 0.5 * DAYLIGHT), hours(1, 0.5 * DAYLIGHT, n=20))
    compare, start = comparison(profile), START + HOURS * HOUR
    ((_, own),) = compare.of_segments({"country=FR"})
    windows = hours(1, 0.5 * DAYLIGHT[:4], n=100_000, seed=2)  # it has grown
    trail = [(start + hour * HOUR, own.sums(windows[hour])) for hour in (2, 1, 0)]
    found = own.score(windows[3], start + 3 * HOUR, trail)[0]
    assert found.test is not None
    alone = found.test.sampling(0.001)
    together = next(test for number, test in found.lasting if number == 3).sampling(0.001)
    assert follows(profile)[1]
    assert 0.8 < together / alone < 0.95  # 1/4800 of each, and 1/20200 of one, a third of that of three
