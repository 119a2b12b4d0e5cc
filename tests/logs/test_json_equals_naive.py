"""The fast decoder and its naive twin agree on every value, whatever the batches, their order and what came before."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.drift import summaries
from monitor.drift.bins import Counts
from monitor.logs.contract import REASONS, Counted, PaneKey
from monitor.logs.json import JsonDecoder
from tests.logs.examples import AGE, HOUR, LEVEL, TARGETS, TIME, decoder, logged, visit, with_feature
from tests.logs.naive import count_json

Value = bytes | None

NUMBERS = [
    "33",
    "30.5",
    "-0.0",
    "-0",
    "1e3",
    "1E+2",
    "1.0",
    "0.5",
    "12345678901234567890",
    "1e-400",
    "1e308",
    "4.9e-324",
]
OTHERS = ['"33"', '"Oslo"', '"Zürich"', '"Z\\u00fcrich"', '"1"', '"true"', '""', "true", "false", "null", "[]", "{}"]
ODD = ["[1, [2]]", '{"a": 1e999}', '"\\ud83d\\ude00"', '"a\\\\ud800"', '"\\u0000"', '"\\n"', '"\x7f"', "1" * 4_300]
HUGE = ["1e999", "-1e999", "1" * 400, "9" * 5_000]
BROKEN = ["01", "1.", ".5", "+1", "", "tru", "'a'", '"\t"', '"a', "[1,]", '"\\x"', '"\\ud83d"', "NaN", "-Infinity"]
VALUES = [
    '"late again"',
    '"NEVER, or late"',
    '"..."',
    "[1, 2.5]",
    "[0.5, -1]",
    "[1e999, 2]",
    '["a", 1]',
    "[1]",
    "[1, null]",
]
VALUES += [f"[{'1' * 400}, 2]", f"[{'1' * 5_000}, 2]", "[1e308, -1e308]", '{"a": [1e999]}']
TEXTS = NUMBERS * 20 + VALUES * 10 + OTHERS * 15 + ODD * 3 + HUGE + BROKEN + ["[" * 70 + "]" * 70]

TIMES = f'{TIME} {TIME + HOUR} {TIME + HOUR - 1} "2024-01-01T00:30:00Z" "2024-01-01T01:00:00.1239+01:00"'.split() * 8
TIMES += [
    "1704067200",
    "1704067200000000",
    "1704067200000.0",
    "1e12",
    "99999999999",
    "100000000000",
    "99999999999999",
    "0",
    "-1",
]
TIMES += [
    '"now"',
    '"2024-01-01T00:00:00"',
    '"9999-12-31T23:59:59Z"',
    '"0001-01-01T00:00:00+23:59"',
    "null",
    "true",
    "[1]",
    "{}",
]
TIMES += ["100000000000000", "1" + "0" * 25, "1e999"]
MODELS = [
    '"credit"',
    '"credit"',
    '"credit"',
    '"credit"',
    '"credit"',
    '"credit"',
    '"visits"',
    '"visits"',
    '"fraud"',
    '"odd"',
    '"clicks"',
    '"\\u0063redit"',
] * 4
MODELS += ['"unknown"', "null", "3", "true", "[]", "1e999"]
VERSIONS = (
    ['"3"', "3", '"3"', "3", '"4"', "4", '"b"', "null", '""', '"1"'] * 4
    + ["3.0", "1", "true", '"03"', "[]", "1e400"]
    + ["1" * 400]
)
NAMES = [
    '"age"',
    '"city"',
    '"level"',
    '"été"',
    '"\\u00e9t\\u00e9"',
    '"a\\"b"',
    '"c\\nd"',
    '""',
    '"new"',
    '"note"',
    '"vector"',
]

texts = st.sampled_from(TEXTS) | st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)
members = st.tuples(st.sampled_from(NAMES), texts).map(":".join)
features = st.lists(members, max_size=6).map(lambda parts: "{" + ", ".join(parts) + "}")
FIELDS = {
    "model": st.sampled_from(MODELS),
    "feature_view": st.sampled_from(['"clicks"', '"clicks"', '"clicks"', '"credit"', "null", "1e999"]),
    "version": st.sampled_from(VERSIONS),
    "time": st.sampled_from(TIMES),
    "features": features | features | features | features | st.sampled_from(["null", "[]", "3", '"x"']),
    "segments": features | features | features | features | texts,
    "prediction": texts,
    "other": texts,
}
PREDICTION_LOG = ("model", "version", "time", "features", "prediction")
PARTED_LOG = (*PREDICTION_LOG, "segments")
FEATURE_LOG = ("feature_view", "time", "features")
BYTES = [b"", b"\xff", b'"', b"{", b"}", b"\\", b"\\ud800", b",", b"0", b"\xc3", b"\x0c"]


@st.composite
def objects(draw: st.DrawFn) -> bytes:
    """An event with most of its fields, in any order, some of them twice."""
    log = draw(st.sampled_from([PREDICTION_LOG, PARTED_LOG, FEATURE_LOG]))
    twice = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2))
    names = draw(st.permutations([*log, *twice]))
    dropped = draw(st.integers(0, 30))  # now and then a field is missing
    members = [f'"{name}": {draw(FIELDS[name])}' for place, name in enumerate(names) if place != dropped]
    return ("{" + ", ".join(members) + "}").encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An event with a few bytes cut, changed or put in."""
    value = bytearray(draw(objects()))
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.integers(0, 2))] = draw(st.sampled_from(BYTES))
    return bytes(value)


GOOD = [logged(), logged(version=3), logged(time="2024-01-01T00:00:01Z"), logged(model="fraud", version=None)]
GOOD += [visit(), visit().replace(b'"version": "1"', b'"version": "b"'), visit(city=7)]
STRANGE = [None, b"", b" \n", b"[]", b"3", b"null", b"\x00", b"\xef\xbb\xbf{}", b'"', logged()[:-1], logged() + b"}"]
anything = st.sampled_from(GOOD) | objects() | objects() | damaged() | st.sampled_from(STRANGE)
streams = st.lists(anything, max_size=60) | st.lists(anything, min_size=12, max_size=60)

Sums = tuple[dict[PaneKey, list[int]], list[tuple[int, str]], Counter[str], int]


def merged(parts: Sequence[tuple[int, Counted]]) -> Sums:
    """The sums of several batches, each given with the place of its first value."""
    sums: dict[PaneKey, Counts] = {}
    skipped: Counter[str] = Counter()
    for _, counted in parts:
        skipped += counted.skipped
        for key, counts in counted.counts.items():
            wide = counts.astype(np.int64)
            sums[key] = sums[key] + wide if key in sums else wide
    rejected = [(start + one.index, one.reason) for start, counted in parts for one in counted.rejected]
    events = sum(counted.events for _, counted in parts)
    return {key: counts.tolist() for key, counts in sums.items()}, rejected, skipped, events


def check(values: Sequence[Value], parts: Sequence[tuple[int, Counted]], stamps: Sequence[int] | None = None) -> None:
    """Assert that batches of the values came to what the naive twin says."""
    expected, ends = count_json(TARGETS, values, stamps)
    counts, rejected, skipped, events = merged(parts)
    assert counts == expected
    assert rejected == [(i, end) for i, end in enumerate(ends) if end in REASONS]
    assert skipped == Counter(end for end in ends if end in {"tombstone", "empty"})
    assert events == ends.count("event")
    assert events + skipped.total() + len(rejected) == len(values)


def in_batches(using: JsonDecoder, values: Sequence[Value], cuts: Sequence[int]) -> list[tuple[int, Counted]]:
    """The values decoded in batches that end at the cuts."""
    bounds = [0, *sorted({cut for cut in cuts if cut < len(values)} - {0}), len(values)]
    return [(a, using.count(values[a:b], None)) for a, b in pairwise(bounds)]


@given(streams, st.lists(st.integers(1, 60), max_size=5))
@example([logged(), logged(feature_view=3), logged().replace(b'"id"', b'"feature_view": 1e999, "id"')], [1])
def test_any_values_in_any_batches_count_as_the_naive_twin_counts_them(values: list[Value], cuts: list[int]) -> None:
    used = decoder()
    check(values, in_batches(used, values, cuts))
    check(values, [(0, used.count(values, None))])  # what a decoder has seen before changes nothing


@given(streams, st.randoms(use_true_random=False))
def test_the_order_of_events_and_of_targets_changes_nothing(values: list[Value], shuffler: random.Random) -> None:
    expected = merged([(0, decoder().count(values, None))])
    order, targets = list(values), list(TARGETS.items())
    shuffler.shuffle(order)
    shuffler.shuffle(targets)
    counts, rejected, skipped, events = merged([(0, JsonDecoder(dict(targets)).count(order, None))])
    assert (counts, skipped, events) == (expected[0], expected[2], expected[3])
    assert Counter(reason for _, reason in rejected) == Counter(reason for _, reason in expected[1])


@given(streams, st.data())
def test_events_from_the_future_are_rejected_as_the_naive_twin_does(values: list[Value], data: st.DataObject) -> None:
    times = st.sampled_from([-1, 0, TIME, TIME - 300_000, TIME - 300_001, TIME + HOUR])
    stamps = data.draw(st.lists(times, min_size=len(values), max_size=len(values)))
    check(values, [(0, decoder().count(values, stamps))], stamps)


def one_odd_field() -> list[bytes]:
    """For every field and every text that it may hold, an event that is good but for that."""
    kinds = [with_feature(name, text) for name in ("age", "city", "level", "été") for text in TEXTS]
    fields = {"model": MODELS, "version": VERSIONS, "time": TIMES, "prediction": TEXTS, "features": ["null", "[]", "3"]}
    for name, texts in fields.items():
        kinds += [logged(**{name: "PUT HERE"}).replace(b'"PUT HERE"', text.encode()) for text in texts]
    return sorted({kind.replace(b'"credit"', owner) for kind in kinds for owner in (b'"credit"', b'"fraud"')})


def one_odd_segment() -> list[bytes]:
    """For every text that a segment, or all of them, may hold, an event that is good but for that."""
    kinds = [visit(**{name: "PUT HERE"}) for name in ("city", "été", "channel", "new")]
    kinds.append(logged(model="visits", version="1", segments="PUT HERE", prediction="yes"))
    return [kind.replace(b'"PUT HERE"', text.encode()) for kind in kinds for text in sorted({*TEXTS})]


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
@pytest.mark.parametrize("of", ["fields", "segments"])
def test_every_oddity_counts_the_same_however_often_it_comes(share: float, of: str) -> None:
    rng = random.Random(1)
    odd, good = (one_odd_segment(), visit()) if of == "segments" else (one_odd_field(), GOOD[0])
    chosen = [rng.choice(odd) if rng.random() < share else good for _ in range(1_500)]
    values: list[Value] = [value.replace(b"33", rng.choice([b"33", b"20", b"50"])) for value in chosen]
    used = decoder()
    for _ in range(2):
        check(values, in_batches(used, values, [1, 700]))


def test_numbers_on_the_edges_of_bins_count_the_same_in_one_pane_and_in_many() -> None:
    edges = [edge for edge in (*AGE.edges.tolist(), *LEVEL.edges.tolist()) for _ in range(6)]
    for step in (0, 1, HOUR):
        values = [logged(time=TIME + i * step, features={"age": x, "level": x}) for i, x in enumerate(edges)]
        check(values, [(0, decoder().count(values, None))])


@settings(max_examples=15, deadline=None)
@given(st.lists(anything, min_size=3, max_size=20), st.integers(0, 2**32))
def test_thousands_of_events_in_which_oddities_come_back_count_the_same(kinds: list[Value], seed: int) -> None:
    rng = random.Random(seed)
    values = rng.choices(kinds, weights=[rng.random() ** 4 for _ in kinds], k=1_800)
    check(values, in_batches(decoder(), values, [rng.randrange(1_800), rng.randrange(1_800)]))


@given(streams)
def test_every_columns_counts_add_up_to_the_events(values: list[Value]) -> None:
    counted = decoder().count(values, None)
    for key, counts in counted.counts.items():
        summaries.check(TARGETS[key[:2]].profile, counts.astype(np.int64))
    whole = {key: counts for key, counts in counted.counts.items() if not key.segment}
    total = sum(summaries.events(TARGETS[key[:2]].profile, counts.astype(np.int64)) for key, counts in whole.items())
    assert total == counted.events


@given(streams)
def test_the_counts_of_a_segmentations_segments_add_up_to_those_of_all_events(values: list[Value]) -> None:
    counts = decoder().count(values, None).counts
    for key in [key for key in counts if not key.segment]:
        for segmentation in TARGETS[key[:2]].segmentations:
            parts = [counts[own] for name in segmentation.segments if (own := key._replace(segment=name)) in counts]
            assert np.array_equal(sum(part.astype(np.int64) for part in parts), counts[key])
