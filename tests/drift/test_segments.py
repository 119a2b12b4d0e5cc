"""Segments: every event is in exactly one of a segmentation, and the reference alone decides which there are."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift import profiles
from monitor.drift.bins import INVALID, MISSING, Unordered
from monitor.drift.profiles import Column, Profile
from monitor.drift.segments import LONGEST, Segmentation, counted, frequent
from monitor.drift.updates import Window, fold
from monitor.errors import DriftlineError

COUNTRY = Unordered(("DE", "FR", "other", "x" * (LONGEST + 1)), ("IT",))
CHANNEL = Unordered(("web", "app"))
cells = st.lists(
    st.tuples(st.integers(0, COUNTRY.values + 1), st.integers(0, CHANNEL.values + 1)), min_size=1, max_size=40
)


def name_of(cell: int, bins: Unordered) -> str:
    """What an event has in a column, told slowly: a category that may name a segment, or what stands for others."""
    if cell >= bins.values:
        return "missing"
    name = bins.categories[cell] if cell < len(bins.categories) else "other"
    return name if len(name) <= LONGEST and name != "missing" else "other"


def segment_of(event: tuple[int, int], named: set[tuple[str, str]]) -> str:
    pair = (name_of(event[0], COUNTRY), name_of(event[1], CHANNEL))
    if "missing" in pair:
        return "country=missing,channel=missing"
    return f"country={pair[0]},channel={pair[1]}" if pair in named else "country=other,channel=other"


def built(events: list[tuple[int, int]], cap: int = 2) -> tuple[Segmentation, Profile]:
    rows = [np.array(row) for row in zip(*events, strict=True)]
    values = frequent([COUNTRY, CHANNEL], rows, cap=cap)
    places = Segmentation(("country", "channel"), values, 0, b"").lookup([COUNTRY, CHANNEL])(rows)
    sizes = [COUNTRY.values + 2, CHANNEL.values + 2]
    found = Segmentation.of(("country", "channel"), values, counted(places, rows, sizes, len(values) + 2))
    columns = [
        Column(name, "feature", bins, np.bincount(row, minlength=size))
        for name, bins, row, size in zip(found.columns, (COUNTRY, CHANNEL), rows, sizes, strict=True)
    ]
    return found, Profile("m", "1", tuple(columns), segmentations=(found,))


@given(cells)
def test_each_event_is_in_the_segment_of_its_values_or_in_other_or_in_missing(events: list[tuple[int, int]]) -> None:
    found, profile = built(events)
    expected = Counter(segment_of(event, set(found.values)) for event in events)  # type: ignore[arg-type]  # pairs
    totals = found.counts[:, : profile.offsets[1]].sum(axis=1)
    assert {name: n for name, n in zip(found.segments, totals.tolist(), strict=True) if n} == dict(expected)


@given(cells)
def test_the_most_frequent_combinations_have_a_segment_each(events: list[tuple[int, int]]) -> None:
    pairs = [(name_of(a, COUNTRY), name_of(b, CHANNEL)) for a, b in events]
    usable = Counter(pair for pair in pairs if not {"other", "missing"} & set(pair))
    expected = sorted(usable, key=lambda pair: (-usable[pair], pair))[:2]
    assert list(built(events)[0].values) == expected


@given(cells)
def test_a_profile_with_segments_is_read_as_it_was_written(events: list[tuple[int, int]]) -> None:
    _, profile = built(events)
    again = profiles.decode(profiles.encode(profile))
    assert again.fingerprint == profile.fingerprint
    assert profiles.encode(again) == profiles.encode(profile)


def test_a_profile_without_segments_stays_as_it_was_and_one_with_them_is_another() -> None:
    _, profile = built([(0, 0), (1, 1)])
    plain = replace(profile, segmentations=())
    assert b"segmentations" not in profiles.encode(plain)
    assert plain.fingerprint != profile.fingerprint


def test_names_are_escaped_so_that_no_two_segments_have_the_same() -> None:
    found = Segmentation(("a,b", "c"), (("x,c=y", "z"), ("x", "y%2C")), 0, b"")
    assert list(found.segments)[:2] == ["a%2Cb=x%2Cc%3Dy,c=z", "a%2Cb=x,c=y%252C"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": (("DE", "web"), ("DE", "web"))}, "stands twice"),
        ({"values": (("DE", "fax"), ("FR", "app"))}, "no categories of the columns"),
        ({"values": (("DE", "web"), ("IT", "web"))}, "no categories of the columns"),
        ({"values": (("DE", "web"), ("other", "web"))}, "no categories of the columns"),
        ({"columns": ("country", "city")}, "expected a categorical column 'city'"),
        ({"columns": ("country", "country")}, "none of them twice"),
        ({"columns": ()}, "1 to 3 columns"),
    ],
)
def test_segments_that_the_columns_cannot_tell_apart_are_refused(changes: dict[str, object], message: str) -> None:
    found, profile = built([(0, 0), (1, 1)])
    with pytest.raises(DriftlineError, match=message):
        replace(profile, segmentations=(replace(found, **changes),))  # type: ignore[arg-type]  # from a table


def test_counts_of_segments_that_do_not_add_up_to_the_reference_are_refused() -> None:
    found, profile = built([(0, 0), (1, 1), (MISSING + COUNTRY.values + 2, INVALID + CHANNEL.values + 2)])
    more = found.counts.copy()
    more[0, 0] += 1
    with pytest.raises(DriftlineError, match="do not add up"):
        replace(profile, segmentations=(Segmentation.of(found.columns, found.values, more),))
    moved = found.counts.copy()  # of one column an event is in another segment than of the other
    moved[[0, 1], 0] = moved[[1, 0], 0]
    with pytest.raises(DriftlineError, match="do not add up"):
        replace(profile, segmentations=(Segmentation.of(found.columns, found.values, moved),))


def test_a_window_without_the_counts_of_its_segments_is_not_folded_in() -> None:
    _, profile = built([(0, 0), (1, 1)])
    whole = np.concatenate([column.counts for column in profile.columns])
    with pytest.raises(DriftlineError, match="do not add up to those of the reference"):
        fold(profile, [Window(0, 1, whole)])
    with pytest.raises(DriftlineError, match="expected shape"):
        fold(profile, [Window(0, 1, whole, {"country=DE,channel=web": whole[1:]})])


def test_a_thousand_segments_by_three_columns_are_told_apart_in_little_memory() -> None:
    bins = Unordered(tuple(f"v{i}" for i in range(998)))
    values = tuple((name, name, name) for name in bins.categories)
    tracemalloc.start()
    lookup = Segmentation(("a", "b", "c"), values, 0, b"").lookup([bins] * 3)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 100 << 20  # one table of all combinations would be 8 GB
    rows = [np.array(row) for row in ([0, 997, 1, 5], [0, 997, 2, bins.values], [0, 997, 1, 5])]
    assert lookup(rows).tolist() == [0, 997, 998, 999]
