"""Records that a log should not hold, and what becomes of each: an event, skipped, or the reason of a dead letter."""

from __future__ import annotations

import json

from tests.services.small import SECOND, event, past

NOW = past(0)
HOUR = 3600 * SECOND
GOOD = event(NOW, i=1)


def timed(text: str) -> bytes:
    """A good event with exactly this JSON text as its time."""
    return GOOD.replace(str(NOW).encode(), text.encode())


def aged(text: str) -> bytes:
    """A good event with exactly this JSON text as an age."""
    return GOOD.replace(b'"age0": 40.0', f'"age0": {text}'.encode())


def without(*names: str) -> bytes:
    fields = json.loads(GOOD)
    return json.dumps({name: value for name, value in fields.items() if name not in names}).encode()


CASES: dict[str, tuple[bytes | None, str]] = {
    "not JSON": (b"hello", "not_json"),
    "truncated": (GOOD[:-20], "not_json"),
    "empty value": (b"", "empty"),
    "tombstone": (None, "tombstone"),
    "a string in a numeric column": (aged('"old"'), "event"),
    "NaN": (aged("NaN"), "not_json"),
    "Infinity": (aged("-Infinity"), "not_json"),
    "a number of 5,000 digits": (aged("1" * 5_000), "not_json"),
    "depth 100,000": (b"[" * 100_000, "too_deep"),
    "a lone surrogate": (aged(r'"\ud800"'), "not_json"),
    "10 MB": (GOOD.replace(b'"id": "1"', b'"id": "' + b"x" * 10_000_000 + b'"'), "too_large"),
    "beyond the dead letters": (b"x" * 17_000_000, "too_large"),
    "missing time": (without("time"), "bad_time"),
    "seconds instead of milliseconds": (timed(str(NOW // SECOND)), "bad_time"),
    "year 9999": (timed("253402300799000"), "bad_time"),
    "future": (timed(str(NOW + HOUR)), "future_time"),
    "unknown model": (GOOD.replace(b'"credit"', b'"fraud"'), "unknown_model"),
    "unknown version": (GOOD.replace(b'"version": "3"', b'"version": "4"'), "unknown_version"),
    "an extra column": (event(NOW, i=1, new=1), "event"),
    "missing columns": (without("features", "prediction"), "event"),
    "good": (GOOD, "event"),
}
COUNTED = ("event", "empty", "tombstone")
UNUSABLE = {name: fate for name, (_, fate) in CASES.items() if fate not in COUNTED}
