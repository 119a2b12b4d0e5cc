"""Verdicts: what a statistic means beside its limits, and what columns mean for their model."""

from __future__ import annotations

import math

import pytest

from monitor.drift.thresholds import UNDEFINED, Limits
from monitor.drift.verdicts import SEVERITY, Verdict, column_verdict, model_verdict

LETTERS: dict[str, Verdict] = {"D": "drift", "w": "warning", "o": "ok", "?": "undecided"}


@pytest.mark.parametrize(
    ("statistic", "n", "verdict"),
    [
        (0.0, 1000, "ok"),
        (0.1, 1000, "ok"),  # limits themselves are still inside
        (0.11, 1000, "warning"),
        (0.2, 1000, "warning"),
        (0.21, 1000, "drift"),
        (math.inf, 1000, "drift"),
        (math.nan, 1000, "undecided"),
        (0.21, 199, "undecided"),
        (0.21, 200, "drift"),
    ],
)
def test_a_column_is_judged_by_its_limits_where_there_are_enough_events(
    statistic: float, n: int, verdict: Verdict
) -> None:
    assert column_verdict(statistic, Limits(warning=0.1, drift=0.2), n=n, min_events=200) == verdict


def test_without_limits_nothing_is_decided() -> None:
    assert column_verdict(0.9, UNDEFINED, n=1000, min_events=200) == "undecided"


@pytest.mark.parametrize(
    ("columns", "verdict"),
    [("", "undecided"), ("??", "undecided"), ("?o", "ok"), ("ow", "warning"), ("wD?", "drift"), ("oo", "ok")],
)
def test_a_model_is_as_bad_as_its_worst_column(columns: str, verdict: Verdict) -> None:
    assert model_verdict(LETTERS[letter] for letter in columns) == verdict


def test_severities_are_those_that_the_metrics_show() -> None:
    assert SEVERITY == {"undecided": -1, "ok": 0, "warning": 1, "drift": 2}
