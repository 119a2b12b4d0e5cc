"""Durations: what people write becomes milliseconds, and every other spelling is refused with an example."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.durations import LONGEST, format_duration, parse_duration
from monitor.errors import DriftlineError


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("30m", 1_800_000),
        ("1h", 3_600_000),
        ("7d", 604_800_000),
        ("1w", 604_800_000),
        ("250ms", 250),
        ("1m30s", 90_000),
        (" 2h ", 7_200_000),
        ("0", 0),
        (0, 0),
        ("0s", 0),
    ],
)
def test_units_add_up(text: str | int, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        3600,
        "1.5h",
        "-1h",
        "1 h",
        "h",
        "1y",
        "1H",
        "1h 30m",
        "١h",
        None,
        True,
        1.5,
        ["1h"],
        "9" * 5000 + "h",
        "999999999999w",
    ],
)
def test_other_spellings_are_refused(text: object) -> None:
    with pytest.raises(DriftlineError, match="expected a duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=LONGEST))
def test_formatted_durations_read_back_as_the_same_number(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds


def test_a_negative_duration_has_no_spelling() -> None:
    with pytest.raises(DriftlineError, match="at least 0 ms"):
        format_duration(-1)
