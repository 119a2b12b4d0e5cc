"""Derived columns, one event at a time, in plain floats: the twin of monitor.drift.derived and monitor.logs.derive."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any
from zlib import crc32

from monitor.drift.bins import Ordered, Unordered
from monitor.drift.derived import Derived
from monitor.drift.profiles import Column, Profile
from tests import naive

Logged = Mapping[str, Any]


def derived_value(profile: Profile, column: Column, *, time: int, texts: Logged, cells: Mapping[str, int]) -> Any:
    """A number or a name. texts: strings, and numbers and lists as floats; None is missing, anything else no value.

    cells: by column, of those that events bring.
    """
    assert column.derived is not None
    derived = column.derived
    if derived.function == "weekday":
        day = day_there(time, derived.parameters["zone"]) if derived.parameters else time // 86_400_000
        return (date(1970, 1, 1) + timedelta(days=day)).strftime("%A")
    if derived.function in {"pca", "domain"}:
        z = [standardized(profile, name, d, texts, cells) for name, d in zip(*_standards(column), strict=True)]
        if derived.function == "domain":
            return in_order(derived.parameters["weights"][0], z) + derived.parameters["intercept"]
        return math.sqrt(sum((in_order(row, z) ** 2 for row in derived.parameters["rest"]), 0.0))
    logged = texts.get(derived.inputs[0])
    return math.nan if logged is None else of_value(derived, logged)


def day_there(time: int, zone: str) -> int:
    """The last day, counted from 1970 on, that clocks in a zone have shown."""
    today = (naive.shown(time, zone) - date(1970, 1, 1)).days
    return max(day for day in (today, today + 1) if day == today or first_moment(day, zone) <= time)


first_moment = cache(naive.first_moment)


def of_value(derived: Derived, logged: Any) -> float:
    if derived.function == "distance":
        centroid = derived.parameters["centroid"]
        fits = isinstance(logged, list) and len(logged) == len(centroid) and all(isinstance(x, float) for x in logged)
        return math.dist(logged, centroid) if fits else math.inf
    if not isinstance(logged, str):
        return math.inf
    if derived.function == "text_length":
        return float(len(logged))
    words = [crc32(word.encode()) in derived.parameters["words"] for word in re.findall(r"\w+", logged.lower())]
    return words.count(False) / len(words) if words else math.nan


def in_order(weights: list[float], values: list[float]) -> float:
    total = 0.0
    for weight, value in zip(weights, values, strict=True):
        total += weight * value
    return total


def standardized(profile: Profile, name: str, document: Logged, texts: Logged, cells: Mapping[str, int]) -> float:
    column = next(column for column in profile.columns if column.name == name)
    if isinstance(column.bins, Unordered):
        return float(document["table"][cells[name]])
    number = texts.get(name)
    if not isinstance(number, float):
        return 0.0
    return min(max((number - document["center"]) / document["scale"], -1e9), 1e9)


def derived_cell(column: Column, value: float | str) -> int:
    bins = column.bins
    if isinstance(bins, Ordered):
        assert isinstance(value, float)
        if math.isnan(value) or math.isinf(value):
            return bins.values + math.isinf(value)
        return sum(1 for edge in bins.edges if value >= edge)
    return bins.categories.index(str(value)) if value in bins.categories else bins.unseen


def _standards(column: Column) -> tuple[tuple[str, ...], list[Any]]:
    assert column.derived is not None
    return column.derived.inputs, column.derived.parameters["standards"]
