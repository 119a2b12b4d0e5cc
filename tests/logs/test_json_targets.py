"""Whose an event is: models, versions and feature views in one topic, and what nobody configured."""

from __future__ import annotations

import gc
import random
import tracemalloc

import numpy as np
import pytest

from monitor.drift import summaries
from monitor.drift.profiles import Column
from monitor.drift.windows import Windows
from monitor.errors import DriftlineError
from monitor.logs.contract import UNKNOWN_LENGTH, UNKNOWN_NAMES, Counted, Target, note_unknown
from monitor.logs.json import JsonDecoder
from tests.logs.examples import ANSWER, FEATURES, HOUR, SCORE, TARGETS, TIME, decoder, logged, profile
from tests.logs.naive import count_json


def events_of(counted: Counted) -> dict[tuple[str, str], int]:
    """Events counted by model and version."""
    found: dict[tuple[str, str], int] = {}
    for key, counts in counted.counts.items():
        if key.segment:
            continue
        owner = (key.model, key.version)
        found[owner] = found.get(owner, 0) + summaries.events(TARGETS[owner].profile, counts.astype(np.int64))
    return found


def test_models_and_versions_that_share_a_topic_are_counted_apart() -> None:
    kinds = [logged(), logged(version="4"), logged(model="fraud", version="b"), logged(model="odd", version="1")]
    values = random.Random(1).choices(kinds, k=3_000)
    counted = decoder().count(values, None)
    assert events_of(counted) == {
        ("credit", "3"): values.count(kinds[0]),
        ("credit", "4"): values.count(kinds[1]),
        ("fraud", "b"): values.count(kinds[2]),
        ("odd", "1"): values.count(kinds[3]),
    }
    fingerprints = {key[:2]: key.profile for key in counted.counts}
    assert fingerprints == {owner: TARGETS[owner].profile.fingerprint for owner in fingerprints}


@pytest.mark.parametrize("version", ["3", 3, 3.0])
def test_a_version_may_be_written_as_a_number(version: object) -> None:
    assert events_of(decoder().count([logged(version=version)] * 20, None)) == {("credit", "3"): 20}


@pytest.mark.parametrize("version", [None, "", "b"])
def test_a_missing_version_means_the_only_one(version: str | None) -> None:
    assert events_of(decoder().count([logged(model="fraud", version=version)] * 20, None)) == {("fraud", "b"): 20}


def test_a_feature_view_takes_the_place_of_a_model_that_is_absent_or_null() -> None:
    view = logged(model=None, version=None, feature_view="clicks", prediction=None, entity="e")
    null = view.replace(b"{", b'{"model": null, ', 1)
    assert events_of(decoder().count([view, null] * 20, None)) == {("clicks", ""): 40}
    assert events_of(decoder().count([logged(feature_view="clicks")], None)) == {("credit", "3"): 1}


def test_each_event_counts_in_the_pane_of_its_target() -> None:
    values = [logged(time=TIME + HOUR), logged(time=TIME + HOUR - 1), logged(time=TIME + HOUR, version="4")]
    values.append(logged(time=TIME + HOUR, model="fraud", version="b"))
    counted = decoder().count(values, None)
    assert [(key[:2], key.segment, key.pane - TIME) for key in counted.counts if not key.segment] == [
        (("credit", "3"), "", 0),
        (("credit", "3"), "", HOUR),
        (("credit", "4"), "", 7),
        (("fraud", "b"), "", 0),  # panes of 2 h
    ]
    assert counted.latest == TIME + HOUR


def test_the_latest_time_is_of_an_event_that_counts() -> None:
    values = [logged(time=TIME), logged(time=TIME + HOUR), logged(time=TIME + 2 * HOUR, model="unknown")]
    assert decoder().count(values, [TIME] * 3).latest == TIME
    assert decoder().count([b"{}", None], None).latest is None
    assert decoder().count([], None) == Counted()


def test_ever_new_names_of_models_and_versions_leave_no_memory_behind() -> None:
    used = decoder()

    def feed(start: int, n: int) -> int:
        values = [b'{"model": "m%d", "version": "%d"}' % (i, i) for i in range(start, start + n // 2)]
        values += [b'{"model": "credit", "version": %d.5}' % i for i in range(start, start + n // 2)]
        return len(used.count(values, None).rejected)

    assert feed(0, 10_000) == 10_000
    gc.collect()
    tracemalloc.start()  # slow: a leak shows after thousands of names as well as after a million
    assert sum(feed(start, 4_000) for start in range(10_000, 50_000, 4_000)) == 40_000
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 100_000  # the names alone, remembered, would be 2 MB


def test_unknown_columns_are_noted_by_name_within_bounds() -> None:
    features = {"age": 1, "prediction": 2, "new": 3, "n" * 10_000: 4}
    found = decoder().count([logged(features=features), logged(model="fraud", version="b")], None).unknown_columns
    assert found == {("credit", "3"): {"prediction", "new", "n" * UNKNOWN_LENGTH}}
    wide = logged(features={f"{i:05}": i for i in range(50_000)})
    found = decoder().count([wide, wide], None).unknown_columns
    assert found == {("credit", "3"): {f"{i:05}" for i in range(UNKNOWN_NAMES)}}


def test_a_feature_that_has_the_name_of_a_segment_is_unknown_and_a_segment_that_nobody_asked_for_is_not() -> None:
    values = [logged(model="visits", version="4", features={"city": "Oslo", "new": 1}, segments={"channel": "web"})]
    found = [decoder().count(values * n, None) for n in (1, 50)]
    assert [one.unknown_columns for one in found] == [{("visits", "4"): {"city", "new"}}] * 2
    assert [one.events for one in found] == [1, 50]


def test_one_event_in_many_that_has_an_unknown_column_is_noticed() -> None:
    values = [logged()] * 900 + [logged(features={"age": 1, "rare": 2})] + [logged()] * 900
    assert decoder().count(values, None).unknown_columns == {("credit", "3"): {"rare"}}


def test_unknown_columns_in_every_event_are_still_noticed_after_many_events() -> None:
    decode = decoder()
    decode.count([logged(features={"age": 1, "extra": i}) for i in range(50)], None)
    later = decode.count([logged(features={"age": 1, "late": i}) for i in range(50)], None)
    assert later.unknown_columns == {("credit", "3"): {"late"}}
    assert later.events == 50


def test_the_unknown_columns_of_many_batches_stay_within_bounds() -> None:
    known: dict[tuple[str, str], set[str]] = {}
    for i in range(300):
        note_unknown(known, decoder().count([logged(features={f"x{i}": 1})], None).unknown_columns)
    assert {owner: len(names) for owner, names in known.items()} == {("credit", "3"): UNKNOWN_NAMES}


@pytest.mark.parametrize("columns", [(FEATURES[0],), (FEATURES[1],), (SCORE,), (ANSWER,), (SCORE, ANSWER)])
def test_profiles_without_features_predictions_or_a_kind_of_column_count_as_the_naive_twin(
    columns: tuple[Column, ...],
) -> None:
    targets = {("credit", "3"): Target(profile("credit", "3", *columns), Windows(HOUR, HOUR))}
    values = [logged(), logged(features=None), logged(prediction="yes"), logged(prediction=None)] * 20
    counted = JsonDecoder(targets).count(values, None)
    assert ({key: counts.tolist() for key, counts in counted.counts.items()}, ["event"] * 80) == count_json(
        targets, values
    )


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(DriftlineError, match="max_bytes, max_depth and max_panes of at least 1"):
        JsonDecoder(TARGETS, max_depth=0)
