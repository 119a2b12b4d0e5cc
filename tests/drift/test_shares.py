"""Missing, invalid and unseen shares: exact where they are rare, quiet where they are frequent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.drift.bins import Counts, count_unordered, unordered_bins
from monitor.drift.shares import Expected, unseen

counts = st.integers(0, 300)


def limit(expected: Expected, n: int, alpha: float, *, more: bool = True) -> float:
    """The number of events between the last that a clean window may have and the first that is significant."""
    away = math.sqrt(expected.reach(n, alpha, more=more))
    return n * (expected.share + away if more else expected.share - away)


@given(
    counts, st.sampled_from([300, 1_000, 50_000]), st.sampled_from([200, 5_000]), st.sampled_from([1e-6, 1e-3, 0.05])
)
def test_what_is_significant_is_what_a_binomial_test_says(count: int, size: int, n: int, alpha: float) -> None:
    if 2 * count > size:
        return  # judged by what is not missing
    found = limit(Expected(count, size), n, alpha)
    first, last = math.ceil(found), math.floor(found)
    chance = n / (n + size)
    if first <= n:
        assert stats.binom.sf(first - 1, first + count, chance) <= alpha / 2 * (1 + 1e-6)
        assert stats.binom.sf(last - 1, last + count, chance) > alpha / 2 * (1 - 1e-6)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.4, 0.95])
def test_clean_windows_are_beyond_it_no_more_often_than_allowed(share: float) -> None:
    rng = np.random.default_rng(7)
    size, n, alpha = 5_000, 1_000, 0.05
    beyond = 0
    for count, k in zip(rng.binomial(size, share, size=2_000), rng.binomial(n, share, size=2_000), strict=True):
        expected = Expected(int(count), size)
        away, more = int(k) / n - expected.share, int(k) / n > expected.share
        beyond += away * away > expected.reach(n, alpha, more=more)
    assert beyond <= stats.binom.ppf(1 - 1e-4, 2_000, alpha)


def test_nothing_can_be_less_than_nothing() -> None:
    assert limit(Expected(3, 10_000), 100, 0.05, more=False) < 0


@pytest.mark.parametrize(("share", "passed"), [(0.0, 0.0025), (0.1, 0.0319), (0.5, 0.05)])
def test_the_floor_is_a_small_effect(share: float, passed: float) -> None:
    assert math.sqrt(Expected(round(share * 1_000), 1_000).floor(more=True)) == pytest.approx(passed, abs=2e-4)


def clean(n: int, rng: np.random.Generator) -> list[str]:
    """Events of a thousand categories by Zipf's law."""
    chances = 1 / np.arange(1, 1_001)
    return [str(i) for i in rng.choice(1_000, size=n, p=chances / chances.sum())]


def counted(names: list[str], *, cap: int) -> tuple[int, int]:
    """The unseen events to expect of a reference, and those of a window as large as it."""
    rng = np.random.default_rng(8)
    tally = {name: names.count(name) for name in set(names)}
    bins = unordered_bins(tally, cap=cap)
    found: Counts = count_unordered(bins, names)
    window = count_unordered(bins, clean(len(names), rng))
    return unseen(bins, found, None)[0], int(window[bins.unseen])


def test_as_many_unseen_events_are_expected_as_the_reference_had_once() -> None:
    expected, came = counted(clean(3_000, np.random.default_rng(9)), cap=1_000)
    assert expected == pytest.approx(came, rel=0.25)


def test_of_categories_that_are_not_counted_apart_no_more_are_expected_than_there_can_be() -> None:
    names = clean(3_000, np.random.default_rng(9))
    assert counted(names, cap=1_000)[0] <= counted(names, cap=50)[0] <= len(set(names))


def test_what_a_single_stretch_of_the_reference_had_is_news_too() -> None:
    bins = unordered_bins({"a": 600, "b": 300, "sale": 100})
    chunks = np.array([[200, 100, 0, 0, 0], [200, 100, 100, 0, 0], [200, 100, 0, 0, 0]])
    count, news = unseen(bins, chunks.sum(axis=0), chunks)
    assert count == 100
    assert news is not None
    assert news.tolist() == [0, 100, 0]


def test_a_reference_of_one_stretch_had_no_news() -> None:
    bins = unordered_bins({"a": 600, "b": 399, "c": 1})
    row = np.array([600, 399, 1, 0, 0])
    assert unseen(bins, row, row[None]) == (1, None)


def test_what_a_reference_already_has_outside_of_its_categories_is_expected_again() -> None:
    bins = unordered_bins({"a": 600, "b": 300})
    chunks = np.array([[200, 100, 0, 0], [200, 100, 0, 30], [200, 100, 0, 20]])  # of categories that came later
    count, news = unseen(bins, chunks.sum(axis=0), chunks)
    assert count == 50
    assert news is not None
    assert news.tolist() == [0, 30, 20]


def test_no_more_unseen_events_are_expected_than_other_has_where_its_categories_are_elsewhere() -> None:
    bins = unordered_bins({f"c{i}": 30 - i // 10 for i in range(200)}, cap=50)
    segment = np.zeros(len(bins.categories) + 2, dtype=np.int64)
    segment[: len(bins.categories)], segment[-2] = 2, 15
    assert len(bins.others) > 15
    assert unseen(bins, segment, None)[0] <= 15


@given(counts, st.sampled_from([300, 50_000]), st.integers(0, 200))
def test_a_pvalue_is_small_exactly_where_the_distance_is_significant(count: int, size: int, k: int) -> None:
    expected, n = Expected(count, size), 200
    away, more = k / n - expected.share, k * size > count * n
    for alpha in (1e-6, 1e-3, 0.05):
        pvalue = expected.pvalue(k, n)
        if abs(pvalue - alpha) > 1e-9 * alpha:
            assert (pvalue < alpha) == (away * away > expected.reach(n, alpha, more=more))
