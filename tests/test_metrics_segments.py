"""Metrics of segments: few, only of those that the reference has, and none once they are monitored no more."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from monitor.drift.profiles import Profile
from monitor.errors import DriftlineError
from monitor.metrics import Metrics
from monitor.pipeline.results import Result
from tests.examples import config, profile, result, segmented
from tests.test_metrics import AGE, W, value


def segment_of(reference: Profile, country: str, **changes: object) -> Result:
    return msgspec.structs.replace(result(reference), segment={"country": country}, **changes)


def test_of_a_segment_its_verdict_and_the_ratios_of_its_columns_are_shown_and_no_window_is_counted() -> None:
    metrics, reference = Metrics(), segmented(profile())
    metrics.configure(config(reference))
    metrics.window(result(reference), reference)
    metrics.window(segment_of(reference, "DE"), reference)
    part = W | {"segment": "country=DE"}
    assert value(metrics, "model_verdict", part) == 2
    assert value(metrics, "column_drift_ratio", AGE | part) == pytest.approx(3.0)
    assert value(metrics, "column_verdict", AGE | part) is value(metrics, "model_episode_active", part) is None
    assert value(metrics, "windows_total", W) == 1
    assert value(metrics, "windows_total", part) is None


def test_a_segment_that_the_reference_has_not_is_refused_and_one_that_is_monitored_no_more_is_not_shown() -> None:
    metrics, reference = Metrics(), segmented(profile())
    metrics.configure(config(reference))
    metrics.restore(segment_of(reference, "DE"), reference)
    with pytest.raises(DriftlineError, match="segment 'country=IT' is not registered"):
        metrics.window(segment_of(reference, "IT"), reference)
    before = config(reference)
    metrics.configure(replace(before, models=(replace(before.models[0], segments=()),)))
    assert value(metrics, "model_verdict", W | {"segment": "country=DE"}) is None


def test_a_segment_without_events_in_the_last_window_does_not_drift_for_good() -> None:
    metrics, reference = Metrics(), segmented(profile())
    metrics.configure(config(reference))
    first = result(reference)
    metrics.window(first, reference)
    metrics.window(segment_of(reference, "DE"), reference)
    metrics.window(segment_of(reference, "FR"), reference)
    later = {"start": first.end, "end": 2 * first.end - first.start}
    metrics.window(msgspec.structs.replace(first, **later), reference)
    metrics.window(segment_of(reference, "FR", **later), reference)
    metrics.window(segment_of(reference, "DE", revision=1), reference)  # a late event of the window before
    verdicts = [value(metrics, "model_verdict", W | {"segment": f"country={one}"}) for one in ("DE", "FR")]
    assert verdicts == [None, 2]
