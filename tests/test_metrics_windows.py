"""What the metrics say of a model's windows before any has closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.drift.calendars import DAY, MONTH, Calendar
from monitor.drift.windows import Windows
from monitor.metrics import Metrics
from tests.examples import HOUR, config


@pytest.mark.parametrize(
    ("windows", "size"),
    [
        (Windows(DAY, DAY, scale=Calendar("Europe/Berlin")), "86400.0"),
        (Windows(MONTH, MONTH, scale=Calendar("UTC", MONTH)), "2.629746e+06"),
        (Windows(HOUR, HOUR, events=500), None),  # a made-up one would page for windows that are not due
    ],
)
def test_the_size_of_windows_is_the_mean_by_the_calendar_and_none_by_count(windows: Windows, size: str | None) -> None:
    metrics, made = Metrics(1_000), config()
    metrics.configure(replace(made, models=tuple(replace(model, windows=windows) for model in made.models)))
    found = [line for line in b"".join(metrics.render()).decode().splitlines() if "window_size_seconds{" in line]
    assert found == ([] if size is None else [f'driftline_window_size_seconds{{model="credit"}} {size}'])
