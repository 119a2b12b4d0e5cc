"""Metrics: names and labels as promised, series that come and go with ownership, and nothing that an event decides."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.drift import methods
from monitor.drift.episodes import Worst
from monitor.errors import DriftlineError
from monitor.metrics import Metrics
from monitor.metrics_names import COLUMNS, METHODS, METRIC_NAMES, PREFIX, TABLE, WINDOWS
from monitor.pipeline.results import ColumnResult, ComparedColumn, ComparedReference, ScoreResult
from tests.examples import HOUR, START, config, explained, profile, result

W = {"model": "credit", "version": "3", "segment": ""}
AGE = W | {"column": "age0", "role": "feature"}


def configured(max_series: int = 10_000) -> Metrics:
    metrics = Metrics(max_series)
    metrics.configure(config())
    return metrics


def value(metrics: Metrics, name: str, labels: dict[str, str] | None = None) -> float | None:
    for family in text_string_to_metric_families(b"".join(metrics.render()).decode()):
        for sample in family.samples:
            if sample.name == PREFIX + name and sample.labels == (labels or {}):
                return float(sample.value)
    return None


def fully_used() -> Metrics:
    """Metrics after everything has happened once."""
    metrics = configured()
    every = {name: ScoreResult(0.3, None, 0.1) for name in METHODS}
    shown = result()
    shown = msgspec.structs.replace(
        shown, columns={name: msgspec.structs.replace(c, scores=every) for name, c in shown.columns.items()}
    )
    beside = {name: ComparedColumn("ok", c.ratio, c.scores) for name, c in shown.columns.items()}
    last_week = {"last-week": ComparedReference("3", "0123456789ab", "ok", beside)}
    metrics.window(explained(msgspec.structs.replace(shown, compared=last_week)), profile())
    pipeline = metrics.pipeline
    pipeline.counted("predictions", 100, {"tombstone": 1})
    pipeline.dead_letter("predictions", "not_json")
    pipeline.unknown_columns("credit", "3", 2)
    pipeline.batch_refused("predictions")
    pipeline.envelope("closed")
    pipeline.merged(repeats=1, holes=1)
    pipeline.late("credit", 4)
    pipeline.partition("predictions", 0, lag=7, latest=START, idle=True)
    pipeline.owned("predictions", 4)
    pipeline.rebalance()
    pipeline.progress("merge", 1_700_000_000.0)
    pipeline.stuck("predictions", "summarise", 1)
    pipeline.configured("0123456789ab", 1_700_000_000.0)
    pipeline.checkpoint(0.2)
    pipeline.close_delay(0.1)
    pipeline.trigger("credit", "sent")
    return metrics


def names_on(metrics: Metrics) -> set[str]:
    families = text_string_to_metric_families(b"".join(metrics.render()).decode())
    return {sample.name for family in families for sample in family.samples}


def test_every_metric_of_the_table_can_be_scraped_and_nothing_else_of_ours() -> None:
    ours = {name for name in names_on(fully_used()) if name.startswith(PREFIX)}

    histograms = {spec.full for spec in TABLE.values() if spec.type == "histogram"}
    assert ours == METRIC_NAMES - histograms


def test_the_process_is_on_the_page_and_created_series_are_not() -> None:
    names = names_on(fully_used())

    assert {"process_cpu_seconds_total", "python_info", "python_gc_collections_total"} <= names
    assert not [name for name in names if name.endswith("_created")]


def test_a_drifted_window_is_counted_and_shown_with_its_shares_and_ratio() -> None:
    metrics = configured()

    metrics.window(result(), profile())

    assert value(metrics, "windows_total", W) == value(metrics, "windows_drifted_total", W) == 1
    assert value(metrics, "window_end_timestamp_seconds", W) == (START + HOUR) / 1000
    assert value(metrics, "model_verdict", W) == 2
    assert value(metrics, "model_columns", W) == value(metrics, "model_drifted_columns", W) == 3
    assert value(metrics, "column_ks", AGE) == 0.3
    assert value(metrics, "column_drift_ratio", AGE) == pytest.approx(3.0)
    assert value(metrics, "column_missing_ratio", AGE) == value(metrics, "column_invalid_ratio", AGE) == 0.05
    assert value(metrics, "column_unseen_ratio", AGE) == 0.09
    assert value(metrics, "column_reference_missing_ratio", AGE) == 0.04
    assert value(metrics, "column_reference_invalid_ratio", AGE) == 0.01
    assert value(metrics, "column_chi2", AGE) is None  # not computed: absent, not zero


def test_an_open_episode_shows_the_start_that_stands_in_its_id_and_none_shows_zero() -> None:
    metrics = configured()

    metrics.window(result(), profile())
    assert value(metrics, "model_episode_active", W) == 1
    assert value(metrics, "model_episode_start_timestamp_seconds", W) == 1_699_999_200  # 2023-11-14T22:00:00Z

    metrics.window(result(start=START + HOUR, verdict="ok"), profile())
    assert value(metrics, "model_episode_active", W) == 0
    assert value(metrics, "model_episode_start_timestamp_seconds", W) == 0


@pytest.mark.parametrize(("ratio", "shown"), [(4.5, 4.5), (None, math.inf)])
def test_an_open_episode_shows_how_bad_it_has_been_and_when(ratio: float | None, shown: float) -> None:
    metrics, worst = configured(), Worst(START - HOUR, START, "age0", ratio)

    metrics.window(msgspec.structs.replace(result(), worst=worst), profile())
    assert value(metrics, "model_episode_worst_ratio", W) == shown
    assert value(metrics, "model_episode_worst_timestamp_seconds", W) == (START - HOUR) / 1000

    metrics.window(result(start=START + HOUR, verdict="ok"), profile())
    assert value(metrics, "model_episode_worst_ratio", W) == 0
    assert value(metrics, "model_episode_worst_timestamp_seconds", W) == 0


def test_a_revision_is_shown_but_not_counted_again() -> None:
    metrics = configured()

    metrics.window(result(verdict="ok"), profile())
    metrics.window(result(revision=1), profile())

    assert value(metrics, "windows_total", W) == 1
    assert value(metrics, "windows_drifted_total", W) == 0
    assert value(metrics, "model_verdict", W) == 2


def test_a_revision_of_an_older_window_does_not_replace_the_last_one() -> None:
    metrics = configured()

    metrics.window(result(start=START + HOUR, verdict="ok"), profile())
    metrics.window(result(revision=1), profile())

    assert value(metrics, "model_verdict", W) == 0


def test_a_restored_window_is_shown_without_being_counted() -> None:
    metrics = configured()

    metrics.restore(result(), profile())

    assert value(metrics, "model_verdict", W) == 2
    assert value(metrics, "windows_total", W) == 0


def test_known_label_sets_start_at_zero() -> None:
    metrics = configured()

    assert value(metrics, "windows_total", W) == 0
    assert value(metrics, "events_total", {"topic": "predictions"}) == 0
    assert value(metrics, "dead_letters_total", {"topic": "predictions", "reason": "future_time"}) == 0
    assert value(metrics, "skipped_total", {"topic": "predictions", "reason": "tombstone"}) == 0
    assert value(metrics, "triggers_total", {"model": "credit", "outcome": "suppressed"}) == 0
    assert value(metrics, "window_size_seconds", {"model": "credit"}) == 3600
    assert value(metrics, "model_reference_events", {"model": "credit", "version": "3"}) == 1000


def test_a_forgotten_model_shows_no_window_and_keeps_its_counters() -> None:
    metrics = configured()
    metrics.window(result(), profile())

    metrics.forget(["credit", "never heard of"])

    assert value(metrics, "model_verdict", W) is None
    assert value(metrics, "column_ks", AGE) is None
    assert value(metrics, "windows_total", W) == 1


def test_a_retired_model_leaves_no_series_and_no_result_of_it_is_taken() -> None:
    metrics = fully_used()

    metrics.retire("credit")

    assert 'model="credit"' not in b"".join(metrics.render()).decode()
    with pytest.raises(DriftlineError, match="'credit' version '3': not registered for metrics"):
        metrics.window(result(), profile())


def test_a_lost_partition_leaves_no_series() -> None:
    metrics = configured()
    metrics.pipeline.partition("predictions", 0, lag=7, latest=START, idle=False)
    metrics.pipeline.partition("predictions", 1, lag=8)

    metrics.pipeline.partition_lost("predictions", 0)

    assert value(metrics, "partition_lag_records", {"topic": "predictions", "partition": "0"}) is None
    assert value(metrics, "watermark_timestamp_seconds", {"topic": "predictions", "partition": "0"}) is None
    assert value(metrics, "partition_lag_records", {"topic": "predictions", "partition": "1"}) == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "fraud"}, "result of model 'fraud' version '3': not registered"),
        ({"version": "4"}, "result of model 'credit' version '4': not registered"),
        ({"reference": "0" * 12}, "expected reference"),
        ({"segment": {"country": "DE"}}, "segment 'country=DE' is not registered"),
        ({"columns": {"password": result().columns["age0"]}}, "the reference has no column 'password'"),
    ],
)
def test_a_result_that_is_not_registered_is_refused_and_leaves_nothing(change: dict[str, object], message: str) -> None:
    metrics = configured()
    before = {line for line in b"".join(metrics.render()).splitlines() if line.startswith(PREFIX.encode())}

    with pytest.raises(DriftlineError) as caught:
        metrics.window(msgspec.structs.replace(result(), **change), profile())

    assert message in str(caught.value)
    assert {line for line in b"".join(metrics.render()).splitlines() if line.startswith(PREFIX.encode())} == before


def test_the_cap_keeps_the_prediction_and_counts_what_was_dropped() -> None:
    wide = profile(features=50)
    metrics = Metrics(max_series=30)
    metrics.configure(config(wide))

    metrics.window(result(wide), wide)

    page = b"".join(metrics.render()).decode()
    column_series = [line for line in page.splitlines() if line.startswith("driftline_column_")]
    dropped = value(metrics, "series_dropped_total", {"model": "credit"})
    assert len(column_series) <= 30
    assert 'column="score"' in page
    assert dropped == 52 * 9 - len(column_series)
    assert value(metrics, "model_columns", W) == 52


def test_the_cap_holds_over_all_versions_of_a_model() -> None:
    old, new = profile(version="3"), profile(version="4")
    metrics = Metrics(max_series=30)
    made = config(old)
    model = replace(made.models[0], versions={"3": old, "4": new})
    metrics.configure(replace(made, models=(model,)))

    metrics.window(result(old), old)
    metrics.window(result(new), new)

    column_series = [line for line in b"".join(metrics.render()).splitlines() if line.startswith(b"driftline_column_")]
    assert len(column_series) <= 30


def test_a_window_without_events_has_no_shares_and_no_statistics() -> None:
    metrics = configured()
    empty = ColumnResult("feature", 0, 0, 0, 0, "undecided", "ks", {"ks": ScoreResult(None, None, None)})
    hollow = msgspec.structs.replace(result(verdict="ok"), verdict="undecided", events=0, columns={"age0": empty})

    metrics.window(hollow, profile())

    assert value(metrics, "column_verdict", AGE) == value(metrics, "model_verdict", W) == -1
    for name in ("column_ks", "column_drift_ratio", "column_missing_ratio"):
        assert value(metrics, name, AGE) is None


def test_label_values_with_quotes_and_newlines_do_not_break_the_page() -> None:
    odd = profile(model='a"b\\c{d}\né', version="1")
    metrics = Metrics()
    metrics.configure(config(odd))

    metrics.window(result(odd), odd)

    families = text_string_to_metric_families(b"".join(metrics.render()).decode())
    models = {s.labels["model"] for f in families for s in f.samples if "model" in s.labels}
    assert models == {'a"b\\c{d}\né'}


def test_the_table_has_a_name_a_type_and_a_help_for_everything() -> None:
    assert len(TABLE) == len(METRIC_NAMES) - 3 * sum(spec.type == "histogram" for spec in TABLE.values())
    for spec in TABLE.values():
        assert spec.full.endswith("_total") == (spec.type == "counter"), spec
        assert spec.help.endswith("."), spec
    assert {spec.type for spec in (*WINDOWS, *COLUMNS)} == {"gauge"}


def test_the_methods_that_are_computed_by_default_are_those_with_a_metric() -> None:
    assert set(METHODS) == {name for name, method in methods.METHODS.items() if method.default}
