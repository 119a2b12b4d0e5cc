"""Explanations: the range or category whose share changed most, in words, and silence about noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.drift.bins import Counts, Ordered, Unordered, count_ordered, ordered_bins
from monitor.drift.explanations import LEVEL, MOST, movements
from monitor.drift.profiles import Column
from tests.strategies import Pair, count_pairs


def numeric(reference: Counts, edges: list[float] | None = None, *, special: tuple[int, int] = (0, 0)) -> Column:
    """A column with edges at 0, 1, 2, …, or these."""
    cuts = np.arange(float(len(reference) - 1)) if edges is None else np.array(edges)
    bins = Ordered(cuts, np.arange(float(len(reference))))
    return Column("x", "feature", bins, np.append(reference, special))


def told(column: Column, counts: list[int]) -> list[str]:
    return [str(movement) for movement in movements(column, np.array(counts))]


def after(value: float) -> float:
    return float(np.nextafter(value, math.inf))


@pytest.mark.parametrize(
    ("edges", "window", "expected"),
    [
        ([0, 1], [50, 200, 50, 0, 0], "33.3 % → 66.7 % of values between 0 and 1"),
        ([0, 1], [200, 50, 50, 0, 0], "33.3 % → 66.7 % of values below 0"),
        ([0, 1], [50, 50, 200, 0, 0], "33.3 % → 66.7 % of values from 1 up"),
        ([0, after(0)], [50, 200, 50, 0, 0], "33.3 % → 66.7 % of values exactly 0"),
        ([0, after(0)], [50, 50, 200, 0, 0], "33.3 % → 66.7 % of values above 0"),
        ([1e-9, after(1e-9)], [50, 50, 200, 0, 0], "33.3 % → 66.7 % of values above 1e-09"),
        ([-2.5, 1.7e9 + 0.5], [50, 200, 50, 0, 0], "33.3 % → 66.7 % of values between -2.5 and 1.7e+09"),
        ([12345.6, 12345.7], [50, 200, 50, 0, 0], "33.3 % → 66.7 % of values between 12345.6 and 12345.7"),
    ],
)
def test_a_range_is_told_in_the_columns_own_units(edges: list[float], window: list[int], expected: str) -> None:
    assert expected in told(numeric(np.array([100, 100, 100]), edges), window)


def test_neighbouring_bins_that_moved_the_same_way_are_one_range() -> None:
    # bins        <0   0-1  1-2  2-3  3-4  4 up
    # reference  100   100  100  100  100   100
    # window     100    50   50  150  150   100
    found = told(numeric(np.full(6, 100)), [100, 50, 50, 150, 150, 100, 0, 0])
    assert found == ["33.3 % → 16.7 % of values between 0 and 2", "33.3 % → 50 % of values between 2 and 4"]


def test_values_that_have_bins_of_their_own_are_told_from_ranges() -> None:
    bins = ordered_bins(np.repeat([1.0, 2.0, 3.0], 100))
    column = Column("x", "feature", bins, np.append(count_ordered(bins, np.repeat([1.0, 2.0, 3.0], 100)), [0, 0]))
    window = np.append(count_ordered(bins, np.repeat([1.0, 2.0, 3.0, 2.5], [20, 140, 20, 120])), [0, 0])
    assert [str(movement) for movement in movements(column, window)][:2] == [
        "33.3 % → 86.7 % of values between 2 and 3",
        "33.3 % → 6.67 % of values exactly 1",
    ]


def test_categories_are_told_by_name_and_what_was_never_seen_without_one() -> None:
    column = Column("country", "feature", Unordered(("DE", "FR"), ("IT",)), np.array([400, 500, 100, 0, 0, 0]))
    assert told(column, [220, 500, 100, 180, 0, 0]) == [
        "40 % → 22 % of values 'DE'",
        "0 % → 18 % of values of categories that the reference never had",
    ]
    assert told(column, [400, 300, 300, 0, 0, 0])[1:] == ["10 % → 30 % of values of rarer categories"]


def test_missing_and_invalid_values_are_shares_of_all_events_and_do_not_move_the_others() -> None:
    column = numeric(np.array([500, 500]), special=(0, 0))
    assert told(column, [400, 400, 150, 50]) == ["0 % → 15 % of events missing", "0 % → 5 % of events invalid"]


def test_a_name_cannot_write_to_a_terminal_or_fill_it() -> None:
    column = Column("x", "feature", Unordered(("\x1b[31m" + "a" * 500, "b")), np.array([500, 500, 0, 0, 0, 0]))
    assert told(column, [100, 900, 0, 0, 0, 0])[0] == "50 % → 10 % of values '\\x1b[31m" + "a" * 35 + "…'"


@pytest.mark.parametrize("counts", [[0, 0, 0, 0], [0, 0, 9, 0], [50, 50, 0, 0], [5, 5, 0, 0]])
def test_nothing_is_told_where_nothing_moved_or_nothing_came(counts: list[int]) -> None:
    assert [text for text in told(numeric(np.array([500, 500]), special=(900, 0)), counts) if "values" in text] == []


def test_one_event_of_a_new_category_is_not_news_however_large_the_reference() -> None:
    column = Column("x", "feature", Unordered(("a", "b")), np.array([500_000, 500_000, 0, 0, 0, 0]))
    assert told(column, [500, 499, 0, 1, 0, 0]) == []
    assert told(column, [495, 495, 0, 10, 0, 0]) == ["0 % → 1 % of values of categories that the reference never had"]


@pytest.mark.parametrize(("n", "size"), [(300, 5_000), (3_000, 5_000), (20_000, 2_000)])
def test_of_a_column_that_did_not_move_nothing_is_told(n: int, size: int) -> None:
    rng, trials, wrong = np.random.default_rng(20), 200, 0
    for _ in range(trials):
        reference = rng.multinomial(size, np.full(200, 0.005))
        wrong += bool(movements(numeric(reference), np.append(rng.multinomial(n, np.full(200, 0.005)), [0, 0])))
    assert wrong <= LEVEL * trials + 3 * math.sqrt(LEVEL * trials)


def test_what_was_put_into_a_window_is_found() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(size=20_000)
    bins = ordered_bins(values)
    column = Column("x", "feature", bins, np.append(count_ordered(bins, values), [0, 0]))
    more = np.append(rng.normal(size=5_000), rng.uniform(0.82, 0.91, 500))
    first = movements(column, np.append(count_ordered(bins, more), [0, 0]))[0]
    low, high = bins.edges[first.first - 1], bins.edges[first.stop - 1]
    assert (low, high) == (pytest.approx(0.82, abs=0.08), pytest.approx(0.91, abs=0.08))
    assert first.current - first.reference == pytest.approx(500 / 5_500, abs=0.01)


@given(count_pairs(bins=2, largest=20))
@example((np.array([0, 0, 0, 1, 5]), np.array([0, 0, 0, 1, 6])))
def test_the_first_range_is_the_one_whose_share_changed_most_of_all_ranges(pair: Pair) -> None:
    reference, current = (side * 10**8 for side in pair)  # so that no change is noise
    found = movements(numeric(reference), np.append(current, [0, 0]))
    then, now = reference / reference.sum(), current / current.sum()
    edges = range(len(then) + 1)
    most = max(abs(now[i:j].sum() - then[i:j].sum()) for i in edges for j in edges if i < j)
    assert [abs(one.current - one.reference) for one in found[:1]] == ([pytest.approx(most)] if most else [])


@given(count_pairs(bins=4, largest=2_000), st.booleans())
def test_movements_are_few_apart_ranked_and_have_the_shares_that_their_counts_have(pair: Pair, ordered: bool) -> None:
    reference, current = (side.astype(np.int64) for side in pair)
    column = numeric(reference[:-2], special=(int(reference[-2]), int(reference[-1])))
    if not ordered:
        names = tuple(f"c{i}" for i in range(len(reference) - 4))
        column = Column("x", "feature", Unordered(names), reference)
    found = movements(column, current)
    assert len(found) <= MOST
    changes = [round(abs(movement.current - movement.reference), 12) for movement in found]
    assert changes == sorted(changes, reverse=True)
    places = [place for movement in found for place in range(movement.first, movement.stop)]
    assert len(set(places)) == len(places)
    for movement in found:
        for share, counts in ((movement.reference, reference), (movement.current, current)):
            of = counts[:-2] if movement.of == "values" else counts
            assert share == counts[movement.first : movement.stop].sum() / of.sum()


@pytest.mark.parametrize(
    ("kind", "counts", "told"),
    [
        ("unseen", [450, 448, 0, 2, 0, 0], "0 % → 0.222 % of values of categories that the reference never had"),
        ("missing", [450, 450, 0, 0, 1, 0], "0 % → 0.111 % of events missing"),
        ("invalid", [0, 0, 0, 0, 0, 900], "0 % → 100 % of events invalid"),
    ],
)
def test_a_share_that_alone_is_drift_comes_first_however_little_it_is(kind: str, counts: list[int], told: str) -> None:
    column = Column("country", "feature", Unordered(("DE", "FR")), np.array([600, 400, 0, 0, 0, 0]))
    found = [str(movement) for movement in movements(column, np.array(counts), first=[kind])]
    assert found[0] == told
    assert len(set(found)) == len(found) <= 3
