"""What is said of a window, as JSON: a schema describes it, and reading gives back what was written."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import msgspec
import pytest
from rich.console import Console

from monitor import settings
from monitor.demo.run import prepare
from monitor.errors import DriftlineError
from monitor.pipeline import results
from monitor.pipeline.merge import Output
from monitor.pipeline.results import Result, ScoreResult, SegmentDrift, SegmentsResult
from monitor.replay import files, replay
from tests.examples import column, in_segments, result
from tests.markdown import ROOT, blocks

SCHEMA = json.loads(resources.files("monitor.pipeline").joinpath("windows.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def problems(document: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """Every result of the demo's log."""
    folder = prepare(tmp_path_factory.mktemp("market"), Console(quiet=True))
    config = settings.load(folder / "driftline.yml")
    found: list[Output] = []
    replay(config, files(config, [folder / "events.jsonl"]), on_output=found.append)
    return [output for output in found if isinstance(output, Result)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_result_of_a_real_log_fits_the_schema_and_is_read_back_as_it_was(market: list[Result]) -> None:
    assert len(market) > 100
    for made in market:
        line = results.encode(made)
        assert b"\n" not in line
        assert problems(json.loads(line)) == []
        assert results.decode(line) == made


def test_the_counts_of_every_column_add_up_to_the_events(market: list[Result]) -> None:
    for made in market:
        assert {c.n + c.missing + c.invalid for c in made.columns.values()} == {made.events}
        assert {sum(c.counts or ()) for c in made.columns.values()} == {made.events}
        assert all((c.counts or ())[-2:] == [c.missing, c.invalid] for c in made.columns.values())


def test_a_result_from_before_there_were_reasons_is_read(market: list[Result]) -> None:
    document = json.loads(results.encode(market[0]))
    for made in document["columns"].values():
        del made["reason"], made["shares"]
    read = results.decode(json.dumps(document).encode())
    assert {(made.reason, len(made.shares)) for made in read.columns.values()} == {(None, 0)}


def test_a_result_whose_segments_say_what_moved_fits_the_schema_and_is_read_back_as_it_was() -> None:
    made = in_segments(result(), "age0")
    assert problems(json.loads(results.encode(made))) == []
    assert results.decode(results.encode(made)) == made


def test_a_result_from_before_segments_said_what_moved_is_read() -> None:
    document = json.loads(results.encode(in_segments(result(), "age0")))
    del document["segments"]["columns"]
    read = results.decode(json.dumps(document).encode())
    assert read.segments == SegmentsResult(2, (SegmentDrift({"country": "DE"}, ("age0",)),))


def test_the_documented_result_fits_the_schema() -> None:
    (block,) = blocks(ROOT / "docs" / "architecture.md", "json")
    assert problems(json.loads(block.text)) == []


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_a_result_without_one_of_its_fields_does_not_fit_the_schema(field: str) -> None:
    document = json.loads(results.encode(result()))
    del document[field]
    assert problems(document) == [f"{field!r} is a required property"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("verdict", "fine"),
        ("events", -1),
        ("start", "2026-03-01"),
        ("start", 1_700_000_000_000),
        ("reference", "latest"),
        ("columns.age0.role", "label"),
        ("columns.age0.scores.ks.pvalue", 1.5),
        ("columns.age0.scores.ks.statistic", "nan"),
        ("surprise", 1),
    ],
)
def test_what_no_result_may_hold_does_not_fit_the_schema(path: str, value: object) -> None:
    document = json.loads(results.encode(result()))
    place = document
    *parents, name = path.split(".")
    for parent in parents:
        place = place[parent]
    place[name] = value
    assert problems(document)


def test_undefined_numbers_are_null(market: list[Result]) -> None:
    scores = [s for made in market for c in made.columns.values() for s in c.scores.values()]
    assert any(score.pvalue is None for score in scores)
    assert all(b"NaN" not in results.encode(made) and b"Infinity" not in results.encode(made) for made in market)


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]", b'{"start": 1}', results.encode(result())[:-1], b"[" * 100_000])
def test_bytes_that_are_no_result_are_refused_with_what_they_begin_with(line: bytes) -> None:
    with pytest.raises(DriftlineError, match="expected the result of a window as one line of JSON, got"):
        results.decode(line)


def test_the_ratio_is_that_of_the_deciding_method() -> None:
    assert column(statistic=0.3).ratio == pytest.approx(3.0)
    assert column(statistic=0.05).ratio == pytest.approx(0.5)


@pytest.mark.parametrize(("statistic", "threshold"), [(0.3, 0.0), (1e308, 0.1)])
def test_a_ratio_is_a_number_that_can_be_shown_whatever_the_threshold(statistic: float, threshold: float) -> None:
    score = ScoreResult(statistic, None, threshold)
    assert msgspec.structs.replace(column(), scores={"ks": score}).ratio == 1e9


def test_drifted_columns_come_with_the_furthest_first() -> None:
    columns = {"age": column(), "country": column(statistic=0.9, primary="chi2"), "score": column(verdict="ok")}
    assert msgspec.structs.replace(result(), columns=columns).drifted == ["country", "age"]
