"""Groups: columns that move together in the reference are one line, and those that do not are not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.bins import Bins, Counts, Unordered, count_ordered, count_unordered, ordered_bins
from monitor.drift.groups import CHUNKS, Kinship, groups, kinship
from monitor.drift.profiles import Chunks, Column, Profile

Numbers = npt.NDArray[np.float64]
NAMES = ["load", "minus", "kind", "other", "fixed"]


def profile(*, chunks: int, events: int, wander: Numbers, noise: float = 0.3, seed: int = 1) -> Profile:
    """`minus` and `kind` follow `load`, `other` goes its own way, `fixed` never moves; both wander between chunks.

    wander: how far `load` and `other` are moved in each chunk; shape (chunks, 2).
    """
    rng = np.random.default_rng(seed)
    load = rng.normal(size=(chunks, events)) + wander[:, :1]
    other = rng.normal(size=(chunks, events)) + wander[:, 1:]
    minus = -load + rng.normal(size=load.shape) * noise
    bins = [ordered_bins(values.ravel()) for values in (load, minus, other)]
    kinds = Unordered(("low", "high"))
    rows = []
    for c in range(chunks):
        named = np.where(load[c] > 0, "high", "low")
        cells = [count_ordered(b, side[c]) for b, side in zip(bins, (load, minus, other), strict=True)]
        rows.append([*cells[:2], count_unordered(kinds, named), cells[2], np.array([0, events, 0])])
    made: list[Bins] = [*bins[:2], kinds, bins[2], ordered_bins(np.array([5.0]))]
    counts: list[Counts] = [np.append(sum(row[i] for row in rows), [0, 0]) for i in range(len(made))]
    columns = tuple(Column(name, "feature", b, n) for name, b, n in zip(NAMES, made, counts, strict=True))
    flat = np.array([np.concatenate([np.append(cells, [0, 0]) for cells in row]) for row in rows], dtype=np.int32)
    return Profile("m", "1", columns, 0, chunks, Chunks.of(1, tuple(range(chunks)), flat))


def together(made: Profile) -> set[str]:
    """Pairs of columns that are alike, as `a b`."""
    found = kinship(made).alike
    assert np.array_equal(found, found.T)
    return {f"{a} {b}" for i, a in enumerate(NAMES) for j, b in enumerate(NAMES) if i < j and found[i, j]}


EXPECTED = {"load minus", "load kind", "minus kind"}


@pytest.mark.parametrize("events", [100, 2_000])
def test_columns_whose_events_have_much_in_common_are_alike_whatever_their_sign_and_kind(events: int) -> None:
    still = np.zeros((60, 2))
    assert together(profile(chunks=60, events=events, wander=still)) == EXPECTED


def test_columns_that_wander_slowly_by_themselves_are_not_alike() -> None:
    # Two independent random walks, whose levels correlate by more than 0.7 in many pairs.
    found = []
    for seed in range(10):
        walks = np.cumsum(np.random.default_rng(seed).normal(size=(60, 2)) * 0.1, axis=0)
        found.append(together(profile(chunks=60, events=500, wander=walks, seed=seed)))
    assert found == [EXPECTED] * 10


def test_columns_that_are_moved_by_the_same_thing_are_alike_though_their_events_are_not() -> None:
    both = np.repeat(np.random.default_rng(3).normal(size=(60, 1)), 2, axis=1)
    assert {"load other", "minus other"} <= together(profile(chunks=60, events=500, wander=both))


def test_with_few_chunks_or_none_nothing_is_known_to_be_alike() -> None:
    made = profile(chunks=CHUNKS - 1, events=100, wander=np.zeros((CHUNKS - 1, 2)))
    assert together(made) == set()
    assert together(Profile("m", "1", made.columns)) == set()


def test_chunks_without_any_value_say_nothing() -> None:
    made = profile(chunks=60, events=500, wander=np.zeros((60, 2)))
    assert made.chunks is not None
    counts = np.array(made.chunks.counts)
    counts[10:20] = 0
    silent = Profile("m", "1", made.columns, 0, 60, Chunks.of(1, made.chunks.starts, counts))
    assert together(silent) == EXPECTED


def test_a_column_joins_the_first_group_whose_worst_column_it_is_like_and_order_is_kept() -> None:
    like = np.eye(4, dtype=bool)
    like[0, 1] = like[1, 0] = like[1, 2] = like[2, 1] = True  # a like b, b like c, but a not like c
    kin = Kinship(tuple("abcd"), like, np.zeros(4, dtype=bool))
    assert groups("acbd", kin, {}) == (("a", "b"), ("c",), ("d",))
    assert groups("bdac", kin, {}) == (("b", "a", "c"), ("d",))
    assert groups("", kin, {}) == ()


def test_columns_that_never_moved_are_one_group_if_they_come_alive_in_the_same_window() -> None:
    kin = Kinship(tuple("abcd"), np.diag([True, False, False, False]), np.array([False, True, True, True]))
    since = {"a": 1, "b": 1, "c": 1, "d": 2}
    assert groups("dcba", kin, since) == (("d",), ("c", "b"), ("a",))
    assert groups("bad", kin, since) == (("b",), ("a",), ("d",))


def test_a_column_that_is_constant_in_the_reference_is_still() -> None:
    made = profile(chunks=60, events=100, wander=np.zeros((60, 2)))
    assert [NAMES[i] for i in np.flatnonzero(kinship(made).still)] == ["fixed"]


@given(st.lists(st.lists(st.integers(0, 3), min_size=9, max_size=9), min_size=CHUNKS, max_size=CHUNKS + 5))
def test_whatever_chunks_hold_likeness_is_mutual_and_what_moves_is_like_itself(
    rows: list[list[int]],
) -> None:
    flat = np.array(rows, dtype=np.int32)
    flat[:, 8] = flat[:, :5].sum(axis=1) - flat[:, 5:8].sum(axis=1)  # both columns count the same events
    flat[flat[:, 8] < 0] = 0
    total = flat.sum(axis=0)
    x = Column("x", "feature", ordered_bins(np.array([5.0])), total[:5].astype(np.int64))
    y = Column("y", "feature", Unordered(()), total[5:].astype(np.int64))
    made = Profile("m", "1", (x, y), 0, 9, Chunks.of(1, tuple(range(len(rows))), flat))
    found = kinship(made)
    assert np.array_equal(found.alike, found.alike.T)
    assert np.array_equal(found.alike.diagonal(), ~found.still)
