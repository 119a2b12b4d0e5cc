"""Cells of CSV and values of Parquet become what a JSON log would hold."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.logs.tables import cell_value, plain


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", None),
        ("0", 0),
        ("-0", 0),
        ("+5", 5),
        (" 5 ", 5),
        ("12345678901234567890123", 12345678901234567890123),
        ("0.1", 0.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("1E5", 100_000.0),
        ("007", "007"),
        ("-007", "-007"),
        ("1,5", "1,5"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("٣", "٣"),
        ("NaN", "NaN"),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("9" * 5_000, "9" * 5_000),
        ("-", "-"),
        (".", "."),
        ("1 2", "1 2"),
        ("true", "true"),
        ("null", "null"),
    ],
)
def test_a_cell_is_a_number_only_if_all_of_it_is_one(cell: str, value: object) -> None:
    found = cell_value(cell)
    assert found == value
    assert type(found) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30))
def test_numbers_that_python_writes_are_read_back(number: float) -> None:
    assert cell_value(repr(number)) == number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (-math.inf, "-Infinity"),
        (dt.datetime(1969, 12, 31, 23, 59, 59, 999_000), -1),
        (dt.datetime(1970, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), 0),
        ({"a": math.nan}, {"a": None}),
        ([math.inf], ["Infinity"]),
        (Decimal("NaN"), None),
        (b"\xff", "�"),
    ],
)
def test_values_of_parquet_are_as_json_would_hold_them(value: object, expected: object) -> None:
    assert plain(value) == expected
