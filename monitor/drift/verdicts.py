"""What a window means: a verdict per column and a verdict per model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from monitor.drift.thresholds import Limits

Verdict = Literal["ok", "warning", "drift", "undecided"]

SEVERITY: dict[Verdict, int] = {"undecided": -1, "ok": 0, "warning": 1, "drift": 2}


def column_verdict(statistic: float, limits: Limits, *, n: int, min_events: int) -> Verdict:
    """The verdict on a column's primary statistic; `undecided` with too few events or nothing to compare with.

    >>> column_verdict(0.15, Limits(warning=0.1, drift=0.2), n=1000, min_events=200)
    'warning'
    """
    if n < min_events or math.isnan(statistic) or math.isnan(limits.drift):
        return "undecided"
    if statistic > limits.drift:
        return "drift"
    return "warning" if statistic > limits.warning else "ok"


def model_verdict(columns: Iterable[Verdict]) -> Verdict:
    """The most severe verdict of any column; `undecided` only where all are.

    >>> model_verdict(["ok", "undecided", "warning"])
    'warning'
    """
    return max(columns, key=SEVERITY.__getitem__, default="undecided")
