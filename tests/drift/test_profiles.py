"""Profiles: what is written is read back, the fingerprint names the content, and damage is told, not guessed away."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift import profiles
from monitor.drift.bins import SPECIAL, Bins, Counts, Ordered, Unordered, ordered_bins
from monitor.drift.profiles import Chunks, Column, Profile
from monitor.errors import DriftlineError

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
ordered = st.builds(lambda values: ordered_bins(np.array(values), bins=4), st.lists(finite, min_size=1, max_size=8))
unordered = st.builds(
    lambda names, cap: Unordered(tuple(names[:cap]), tuple(names[cap:])),
    st.lists(texts, unique=True),
    st.integers(0, 5),
)


@st.composite
def made(draw: st.DrawFn) -> Profile:
    events = draw(st.integers(0, 6))
    names = draw(st.lists(texts, min_size=1, max_size=3, unique=True))
    columns = []
    for name in names:
        bins: Bins = draw(ordered | unordered)
        cells = draw(st.lists(st.integers(0, bins.values + SPECIAL - 1), min_size=events, max_size=events))
        counts = np.bincount(np.array(cells, dtype=np.int64), minlength=bins.values + SPECIAL).astype(np.int64)
        columns.append(Column(name, draw(st.sampled_from(["feature", "prediction", "derived"])), bins, counts))
    size = sum(column.size for column in columns)
    starts = draw(st.none() | st.lists(st.integers(-(10**14), 10**14), max_size=3, unique=True))
    cell = st.integers(0, 2**31 - 1)
    chunk = None
    if starts is not None:
        flat = draw(st.lists(cell, min_size=len(starts) * size, max_size=len(starts) * size))
        chunk = Chunks.of(3_600_000, tuple(starts), np.array(flat, dtype=np.int32).reshape(len(starts), size))
    time = st.none() | st.integers(-(10**14), 10**14)
    return Profile(draw(texts), draw(texts), tuple(columns), draw(time), draw(time), chunk)


def example() -> Profile:
    age = Column("age", "feature", Ordered(np.array([30.0]), np.array([20.0, 40.0])), np.array([5, 4, 1, 0]))
    score = Column("score", "prediction", Unordered(("no", "yes"), ("maybe",)), np.array([6, 2, 1, 0, 1, 0]))
    counts = np.array([[5, 4, 1, 0, 6, 2, 1, 0, 1, 0]], dtype=np.int32)
    return Profile("credit", "3", (age, score), 0, 3_599_999, Chunks.of(3_600_000, (0,), counts))


def as_tuple(profile: Profile) -> tuple[Any, ...]:
    """Everything a profile holds, comparable."""

    def bins(found: Bins) -> tuple[Any, ...]:
        if isinstance(found, Ordered):
            return found.edges.tobytes(), found.centers.tobytes()
        return found.categories, found.others

    columns = [(c.name, c.role, bins(c.bins), c.counts.tolist()) for c in profile.columns]
    chunks = profile.chunks and (profile.chunks.size, profile.chunks.starts, profile.chunks.counts.tolist())
    return profile.model, profile.version, profile.start, profile.end, columns, chunks


@given(made())
def test_a_profile_is_read_back_as_it_was_written(profile: Profile) -> None:
    again = profiles.decode(profiles.encode(profile))
    assert as_tuple(again) == as_tuple(profile)
    assert again.fingerprint == profile.fingerprint
    assert profiles.encode(again) == profiles.encode(profile)


def test_a_profile_says_its_schema_and_can_be_read_by_any_json_reader() -> None:
    document = json.loads(profiles.encode(example()))
    assert document["schema"] == "driftline.profile/1"
    assert [column["name"] for column in document["columns"]] == ["age", "score"]
    assert document["columns"][1]["bins"] == {"categories": ["no", "yes"], "others": ["maybe"]}
    packed = zlib.decompress(base64.b64decode(document["chunks"]["counts"]))
    assert np.frombuffer(packed, "<i4").tolist() == [5, 4, 1, 0, 6, 2, 1, 0, 1, 0]


def test_the_fingerprint_is_twelve_hexadecimal_digits() -> None:
    assert len(example().fingerprint) == 12
    assert int(example().fingerprint, 16) >= 0


@pytest.mark.parametrize("change", [{"version": "4"}, {"model": "fraud"}, {"start": 1}, {"chunks": None}])
def test_another_content_has_another_fingerprint(change: dict[str, Any]) -> None:
    assert replace(example(), **change).fingerprint != example().fingerprint


def test_other_chunks_have_another_fingerprint() -> None:
    profile = example()
    assert profile.chunks
    moved = replace(profile, chunks=replace(profile.chunks, starts=(3_600_000,)))
    assert moved.fingerprint != profile.fingerprint


def test_counts_of_a_profile_never_change() -> None:
    with pytest.raises(ValueError, match="read-only"):
        example().columns[0].counts[0] = 7


@given(st.binary(max_size=50))
def test_bytes_that_are_no_profile_are_refused(data: bytes) -> None:
    with pytest.raises(DriftlineError, match="reference build"):
        profiles.decode(data)


@given(made(), st.data())
def test_a_profile_cut_short_is_refused(profile: Profile, data: st.DataObject) -> None:
    encoded = profiles.encode(profile).rstrip()
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(DriftlineError, match="must be JSON"):
        profiles.decode(encoded[:cut])


def packed(counts: list[int]) -> str:
    return base64.b64encode(zlib.compress(np.array(counts, dtype="<i4").tobytes())).decode()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", "driftline.profile/9", "expected a reference profile of schema"),
        ("schema", None, "expected a reference profile of schema"),
        ("model", 5, "'model' must be str, got int"),
        ("version", 3, "'version' must be str, got int"),
        ("start", "yesterday", "'start' must be int or NoneType, got str"),
        ("columns", [], "hold 1 bytes, expected 0"),
        ("columns", "age", "'columns' must be list, got str"),
        ("columns.0.name", "score", "a column stands twice"),
        ("columns.0.role", "label", "column 'age': expected a role of .* got 'label'"),
        ("columns.0.type", "text", "column 'age': .* got 'feature' and 'text'"),
        ("columns.0.type", "categorical", "'categories' is missing"),
        ("columns.0.bins.edges", ["a"], "'edges' must be a list of numbers"),
        ("columns.0.bins.edges", [1.0, 2.0], "expected 3 centers for 2 edges, got 2"),
        ("columns.0.bins.edges", [10**400], "'edges' must be a list of numbers"),
        ("columns.0.counts", [5, 4, 1], "column 'age': expected 4 counts for its bins, got 3"),
        ("columns.0.counts", [5, 4, 2, 0], "every column must count the same events"),
        ("columns.0.counts", [5, 4, 2, -1], "counts must not be negative"),
        ("columns.0.counts", [5, 4, 1.5, 0], "'counts' must be a list of integers"),
        ("columns.0.counts", [10**30, 0, 0, 0], "'counts' must be a list of integers"),
        ("columns.1.bins.others", ["yes"], "a category stands twice"),
        ("chunks", 5, "'chunks' must be dict or NoneType, got int"),
        ("chunks.size", 0, "chunks of 0 ms"),
        ("chunks.starts", ["x"], "'starts' must be a list of integers"),
        ("chunks.counts", "?", "damaged"),
        ("chunks.counts", base64.b64encode(b"no zlib").decode(), "damaged"),
        ("chunks.counts", packed([1]), "hold 4 bytes, expected 40"),
        ("chunks.counts", packed([0] * 10_000_000), "hold 41 bytes, expected 40"),
    ],
)
def test_damage_is_told(path: str, value: object, message: str) -> None:
    document = json.loads(profiles.encode(example()))
    place: Any = document
    *parents, last = path.split(".")
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    with pytest.raises(DriftlineError, match=message):
        profiles.decode(json.dumps(document).encode())


@pytest.mark.parametrize("field", ["model", "version", "start", "end", "columns", "chunks"])
def test_a_missing_field_is_told(field: str) -> None:
    document = json.loads(profiles.encode(example()))
    del document[field]
    with pytest.raises(DriftlineError, match=f"'{field}' is missing"):
        profiles.decode(json.dumps(document).encode())


def test_a_field_of_a_later_release_is_left_alone() -> None:
    document = json.loads(profiles.encode(example())) | {"comment": "from the future"}
    assert profiles.decode(json.dumps(document).encode()).fingerprint == example().fingerprint


def numbered(counts: Counts) -> Column:
    return Column("age", "feature", Ordered(np.array([30.0]), np.array([20.0, 40.0])), counts)


def test_what_events_have_in_their_segments_has_categories() -> None:
    with pytest.raises(DriftlineError, match="column 'age': what the events have in `segments` needs categorical bins"):
        replace(numbered(np.array([1, 0, 0, 0])), role="segment")


def test_counts_must_not_be_negative() -> None:
    with pytest.raises(DriftlineError, match="column 'age': counts must not be negative"):
        numbered(np.array([1, -1, 0, 0]))


def test_chunks_must_fit_the_columns() -> None:
    with pytest.raises(DriftlineError, match="chunks have 3 counts each, expected 4"):
        Profile(
            "m", "1", (numbered(np.array([1, 0, 0, 0])),), chunks=Chunks.of(1, (0,), np.zeros((1, 3), dtype=np.int32))
        )
