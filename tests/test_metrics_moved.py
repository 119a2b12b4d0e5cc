"""What moved in a window as gauges: few, named by the reference, and gone with the window."""

from __future__ import annotations

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.drift.explanations import Movement
from monitor.metrics import Metrics
from monitor.metrics_names import MOVED
from monitor.metrics_windows import show
from monitor.pipeline.results import Result, bare
from monitor.pipeline.state import Series, SeriesKey, State, dump, load
from tests.examples import HOUR, START, config, explained, in_segments, profile, result, segmented
from tests.test_metrics import AGE, W, configured, value

KEY = ("credit", "3", "")
NAMES = {spec.full for spec in MOVED}


def shown_parts(metrics: Metrics) -> list[dict[str, str]]:
    """The labels of every series of what moved."""
    families = text_string_to_metric_families(b"".join(metrics.render()).decode())
    return [sample.labels for family in families for sample in family.samples if sample.name in NAMES]


def grouped(*groups: tuple[str, ...], features: int) -> tuple[Result, Metrics]:
    """A window whose columns moved together like this, each in one part, and metrics that show it."""
    reference = profile(features=features)
    part = (Movement("below 30", 0, 1, 0.3, 0.9, "values"),)
    made = result(reference)
    columns = {name: msgspec.structs.replace(column, moved=part) for name, column in made.columns.items()}
    metrics = Metrics()
    metrics.configure(config(reference))
    made = msgspec.structs.replace(made, columns=columns, groups=groups)
    metrics.window(made, reference)
    return made, metrics


def test_a_part_that_moved_has_its_share_in_window_and_reference_and_a_column_what_it_moved_with() -> None:
    metrics = configured()

    metrics.window(explained(result()), profile())

    part = AGE | {"part": "values below 30"}
    assert (value(metrics, "column_moved_reference_ratio", part), value(metrics, "column_moved_ratio", part)) == (
        0.3,
        0.9,
    )
    assert value(metrics, "column_moved_ratio", AGE | {"part": "events missing"}) == 0
    assert value(metrics, "column_cause_ratio", AGE | {"cause": "age0"}) == pytest.approx(3.0)
    assert value(metrics, "column_cause_ratio", AGE | {"column": "country", "cause": "age0"}) == pytest.approx(3.0)


@pytest.mark.parametrize("verdict", ["ok", "drift"])
def test_what_moved_is_gone_with_the_next_window_that_has_it_not(verdict: str) -> None:
    metrics = configured()
    metrics.window(explained(result()), profile())
    assert shown_parts(metrics)

    metrics.window(result(start=START + HOUR, verdict=verdict), profile())

    assert shown_parts(metrics) == []


def test_three_causes_are_shown_and_parts_of_their_worst_columns_alone() -> None:
    _, metrics = grouped(("age0", "age1"), ("age2",), ("age3",), ("age4",), features=5)

    shown = shown_parts(metrics)
    causes = {(labels["cause"], labels["column"]) for labels in shown if "cause" in labels}
    assert causes == {("age0", "age0"), ("age0", "age1"), ("age2", "age2"), ("age3", "age3")}
    assert {labels["column"] for labels in shown if "part" in labels} == {"age0", "age2", "age3"}


def test_a_segments_own_result_shows_nothing_of_what_moved() -> None:
    reference, metrics = segmented(profile()), Metrics()
    metrics.configure(config(reference))

    metrics.window(explained(msgspec.structs.replace(result(reference), segment={"country": "DE"})), reference)

    assert value(metrics, "model_verdict", W | {"segment": "country=DE"}) == 2
    assert shown_parts(metrics) == []


def test_what_moved_in_segments_alone_is_shown_of_the_first_three_columns_until_the_next_window() -> None:
    reference, metrics = segmented(profile(features=5)), Metrics()
    metrics.configure(config(reference))

    quiet = result(reference, verdict="ok")
    metrics.window(in_segments(quiet, *(f"age{i}" for i in range(5))), reference)

    part = AGE | {"segment": "country=DE", "part": "values below 30"}
    shares = [value(metrics, f"column_moved_{name}ratio", part) for name in ("reference_", "")]
    assert shares == [0.3, 0.8]
    assert {(labels["segment"], labels["column"]) for labels in shown_parts(metrics)} == {
        ("country=DE", f"age{i}") for i in range(3)
    }
    metrics.window(result(reference, start=START + HOUR, verdict="ok"), reference)
    assert shown_parts(metrics) == []


def test_of_segments_and_columns_that_the_reference_has_not_nothing_is_shown() -> None:
    reference, metrics = segmented(profile()), Metrics()
    metrics.configure(config(reference))
    told = in_segments(result(reference, verdict="ok"), "age0")
    assert told.segments is not None
    (good,) = told.segments.columns
    odd = [msgspec.structs.replace(good, **part) for part in ({"segment": {"country": "XX"}}, {"column": "nope"})]

    metrics.restore(
        msgspec.structs.replace(told, segments=msgspec.structs.replace(told.segments, columns=(*odd, good))), reference
    )

    assert {(labels["segment"], labels["column"]) for labels in shown_parts(metrics)} == {("country=DE", "age0")}


def test_a_column_in_drift_without_a_ratio_has_the_ratio_zero() -> None:
    metrics, made = configured(), explained(result())
    without = msgspec.structs.replace(made.columns["score"], primary=None)

    metrics.window(msgspec.structs.replace(made, columns=made.columns | {"score": without}), profile())

    score = W | {"column": "score", "role": "prediction", "cause": "age0"}
    assert value(metrics, "column_cause_ratio", score) == 0


def test_two_parts_with_the_same_name_are_one_series_the_one_that_moved_most() -> None:
    """Long names of categories are shortened; the same series twice would be refused with the whole page."""
    metrics = configured()
    name = "'" + "x" * 40 + "…'"

    metrics.window(
        explained(result(), Movement(name, 0, 1, 0.1, 0.9, "values"), Movement(name, 1, 2, 0.9, 0.1, "values")),
        profile(),
    )

    assert value(metrics, "column_moved_ratio", AGE | {"part": f"values {name}"}) == 0.9
    assert len([labels for labels in shown_parts(metrics) if "part" in labels]) == 2


def test_what_moved_gives_way_to_every_other_series_and_is_counted_as_dropped() -> None:
    reference, told = profile(), explained(result())
    alone, full = (show(one, reference, key=KEY, room=1_000) for one in (result(), told))

    found = show(told, reference, key=KEY, room=alone.series)

    assert (found.series, found.lines) == (alone.series, alone.lines)
    assert found.dropped == full.series - alone.series == 3 + 2 * 2


def test_a_restarted_worker_shows_what_moved_in_the_last_window() -> None:
    before, after = configured(), configured()
    before.window(explained(result()), profile())

    key = SeriesKey("credit", "3", profile().fingerprint, "")
    kept = load(dump(State(series={key: Series(last=bare(explained(result())))}))).series[key].last
    assert kept is not None
    after.restore(kept, profile())

    assert shown_parts(after) == shown_parts(before) != []


def test_a_quote_in_a_category_does_not_break_the_page() -> None:
    metrics = configured()

    metrics.window(explained(result(), Movement("""'a"b\\\\c'""", 0, 1, 0.1, 0.9, "values")), profile())

    assert value(metrics, "column_moved_ratio", AGE | {"part": """values 'a"b\\\\c'"""}) == 0.9
