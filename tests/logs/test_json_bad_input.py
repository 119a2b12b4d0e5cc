"""Bad input never crashes the decoder: each case is an event, skipped, or rejected for one stated reason."""

from __future__ import annotations

import time

import pytest

from monitor.logs.contract import MESSAGE, REASONS
from tests.logs.examples import TIME, cells, decoder, logged, with_feature


def fate(value: bytes | None, *, stamp: int | None = None) -> tuple[str, str]:
    """What became of one value between two good events: "event", how it was skipped, or the reason and the message."""
    stamps = None if stamp is None else [TIME, stamp, TIME]
    counted = decoder().count([logged(), value, logged()], stamps)
    assert counted.events + counted.skipped.total() + len(counted.rejected) == 3
    if counted.rejected:
        (rejected,) = counted.rejected
        assert (counted.events, rejected.index) == (2, 1)
        assert rejected.reason in REASONS
        assert rejected.message.isprintable()
        assert 0 < len(rejected.message) <= MESSAGE
        return rejected.reason, rejected.message
    return next(iter(counted.skipped), "event"), ""


def test_a_tombstone_is_skipped() -> None:
    assert fate(None)[0] == "tombstone"


@pytest.mark.parametrize("value", [b"", b" \r\n\t"])
def test_an_empty_value_is_skipped(value: bytes) -> None:
    assert fate(value)[0] == "empty"


NOT_JSON = {
    "plain text": b"hello",
    "truncated": logged()[:-20],
    "two events in one value": logged() + logged(),
    "invalid UTF-8 in a feature": with_feature("city", '"@"').replace(b"@", b"\xff"),
    "invalid UTF-8 in a field that nothing reads": logged(id="@").replace(b"@", b"\xff"),
    "invalid UTF-8 in a name": logged().replace(b'"id"', b'"\xff"'),
    "NaN": with_feature("age", "NaN"),
    "Infinity": with_feature("age", "-Infinity"),
    "a float beyond all floats": with_feature("age", "1e999"),
    "a number of 5,000 digits": with_feature("age", "1" * 5_000),
    "a number of 5,000 digits as a category": with_feature("city", "1" * 5_000),
    "a lone surrogate": with_feature("city", r'"\ud800"'),
    "a lone surrogate that nothing reads": with_feature("new", r'"\ud800 and more text"'),
    "a byte order mark": b"\xef\xbb\xbf" + logged(),
    "UTF-16": logged().decode().encode("utf-16"),
    "a leading zero": with_feature("age", "01"),
    "a trailing comma": with_feature("level", "[1,]"),
    "a NUL byte": logged() + b"\0",
}


@pytest.mark.parametrize("case", NOT_JSON)
def test_what_is_not_json_is_rejected(case: str) -> None:
    assert fate(NOT_JSON[case])[0] == "not_json"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"model":"credit","x":' + b"[" * 65])
def test_a_value_100_000_brackets_deep_is_rejected_without_a_recursion_error(opening: bytes) -> None:
    assert fate(opening * 100_000 if len(opening) < 9 else opening)[0] == "too_deep"


def test_the_limit_of_depth_counts_brackets_and_not_what_stands_in_strings() -> None:
    assert fate(with_feature("new", "[" * 62 + "]" * 62))[0] == "event"
    assert fate(with_feature("new", "[" * 63 + "]" * 63))[0] == "too_deep"
    assert fate(with_feature("new", '"' + "[{" * 5_000 + r"\"" + '"'))[0] == "event"
    assert fate(with_feature("new", "[" + ",".join(["[]"] * 500) + "]"))[0] == "event"


def test_an_unfinished_string_full_of_quotes_takes_no_longer_than_others() -> None:
    value = b"[" * 70 + b'"' + rb"\"" * 400_000
    start = time.process_time()
    assert fate(value)[0] == "too_deep"
    assert time.process_time() - start < 5  # a quadratic scan takes many minutes


def test_a_record_of_10_mb_is_rejected_and_its_neighbours_count() -> None:
    assert fate(logged(id="x" * 10_000_000))[0] == "too_large"


@pytest.mark.parametrize("value", [b"[]", b"3", b'"text"', b"null", b" true ", b"[1e999]"])
def test_json_that_is_no_object_is_not_an_event(value: bytes) -> None:
    assert fate(value)[0] == "not_an_event"


@pytest.mark.parametrize("features", [[], "text", 3, True])
def test_features_that_are_no_object_are_not_an_event(features: object) -> None:
    assert fate(logged(features=features))[0] == "not_an_event"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "got none"),
        ("null", "got none"),
        ("1704067200", "seconds; multiply by 1000"),
        ("1704067200000000", "microseconds; divide by 1000"),
        ("1704067200000000000", "nanoseconds; divide by 1000000"),
        ("0", "1973 to 5138"),
        ("-1704067200000", "1973 to 5138"),
        ("1" + "0" * 25, "1973 to 5138"),
        ("253402300799000", "1973 to 5138"),  # year 9999
        ('"9999-12-31T23:59:59Z"', "1973 to 5138"),
        ('"1904-01-01T00:00:00Z"', "1973 to 5138"),
        ("1704067200000.5", "whole milliseconds or RFC 3339"),
        ("true", "whole milliseconds or RFC 3339"),
        ("[]", "whole milliseconds or RFC 3339"),
        ('"2024-01-01T00:00:00"', "with its zone"),
        ('"yesterday"', "RFC 3339"),
        ('"2024-02-30T00:00:00Z"', "RFC 3339"),
    ],
)
def test_a_time_that_cannot_be_is_rejected_and_the_message_says_why(written: str | None, said: str) -> None:
    value = logged(time=None) if written is None else logged(time="HERE").replace(b'"HERE"', written.encode())
    reason, message = fate(value)
    assert (reason, said in message) == ("bad_time", True), message


def test_a_time_is_from_the_future_when_it_is_too_far_ahead_of_the_broker() -> None:
    assert fate(logged(time=TIME + 300_000), stamp=TIME)[0] == "event"
    reason, message = fate(logged(time=TIME + 300_001), stamp=TIME)
    assert (reason, "300001 ms after the broker's" in message) == ("future_time", True)


def test_files_and_unknown_broker_times_know_no_future() -> None:
    assert fate(logged(time=10**14 - 1))[0] == "event"
    assert fate(logged(time=10**14 - 1), stamp=-1)[0] == "event"


@pytest.mark.parametrize("model", ["unknown", "x" * 70_000, "a\n\u202eb", "", 3, True, ["credit"], {"a": 1}])
def test_a_model_that_is_not_configured_is_rejected(model: object) -> None:
    assert fate(logged(model=model))[0] == "unknown_model"


def test_an_event_that_names_no_model_is_rejected() -> None:
    assert fate(logged(model=None)) == ("unknown_model", "expected the name of a model or feature view, got none")


@pytest.mark.parametrize("version", ["5", "03", 3.5, True, ["3"], "x" * 70_000, None, ""])
def test_a_version_that_is_not_configured_is_rejected(version: object) -> None:
    assert fate(logged(version=version))[0] == "unknown_version"


NUMERIC_CELLS = {
    '"33"': -1, "true": -1, "false": -1, '""': -1, "[33]": -1, '{"a": 1}': -1, "[1e999]": -1, "null": -2,
    "33": 4, "33.0": 4, "3.3e1": 4, "0": 0, "-0.0": 0, "1e-400": 0, "18": 1, "12345678901234567890": 10,
}  # fmt: skip


@pytest.mark.parametrize("text", NUMERIC_CELLS)
@pytest.mark.parametrize("times", [1, 40])
def test_a_numeric_column_takes_json_numbers_and_anything_else_is_invalid_in_that_column_only(
    text: str, times: int
) -> None:
    counted = decoder().count([with_feature("age", text)] * times, None)
    assert counted.events == times
    assert cells(counted, "age") == {NUMERIC_CELLS[text]: times}
    assert cells(counted, "city") == {0: times}


CATEGORY_CELLS = {
    '"Oslo"': 0, '"Z\\u00fcrich"': 1, "1": 2, "1.0": 2, '"1"': 2, "true": 3, '"true"': 3, "0.5": 4, "5e-1": 4, '""': 4,
    "2": 5, "false": 5, '"oslo"': 5, '"\\u0000"': 5, "null": -2, "[]": -1, '{"a": 1}': -1,
}  # fmt: skip


@pytest.mark.parametrize("text", CATEGORY_CELLS)
@pytest.mark.parametrize("times", [1, 40])
def test_a_categorical_column_takes_any_scalar_by_its_name(text: str, times: int) -> None:
    counted = decoder().count([with_feature("city", text)] * times, None)
    assert cells(counted, "city") == {CATEGORY_CELLS[text]: times}
    assert cells(counted, "age") == {4: times}


def test_a_category_of_any_length_is_a_name_that_the_reference_never_had() -> None:
    counted = decoder().count([with_feature("city", f'"{"x" * 100_000}"')], None)
    assert cells(counted, "city") == {5: 1}


@pytest.mark.parametrize("features", [{}, None, {"new": 1}])
def test_missing_columns_are_missing_and_the_event_counts(features: dict[str, object] | None) -> None:
    counted = decoder().count([logged(features=features, prediction=None)], None)
    assert [cells(counted, name) for name in ("age", "city", "level", "été", "prediction")] == [{-2: 1}] * 5


def test_of_a_name_that_stands_twice_the_last_one_counts() -> None:
    value = b'{"time": "x", "model": "fraud", ' + logged()[1:-1] + b', "features": {"age": "x", "age": 18}}'
    counted = decoder().count([value], None)
    assert cells(counted, "age") == {1: 1}
    assert cells(counted, "city") == {-2: 1}
