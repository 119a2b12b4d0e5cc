"""The slow, obviously right twin of the JSON decoder: stdlib json, event by event, column by column."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from monitor.drift.bins import Bins, Ordered, Unordered
from monitor.drift.profiles import Column, Profile
from monitor.logs.contract import PaneKey, Target
from tests.logs.naive_derived import derived_cell, derived_value

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


class Refused(Exception):
    """Why the naive decoder cannot use an event."""


class Digits(str):
    """A number of JSON as it was written."""

    __slots__ = ()


def count_json(
    targets: Mapping[tuple[str, str], Target],
    values: Sequence[bytes | None],
    timestamps: Sequence[int] | None = None,
    *,
    max_future: int = 300_000,
    max_bytes: int = 1_000_000,
    max_depth: int = 64,
) -> tuple[dict[PaneKey, list[int]], list[str]]:
    """Twin of `JsonDecoder.count`: counts per pane, and for each value "event", "tombstone", "empty" or its reason."""
    counts: dict[PaneKey, list[int]] = {}
    fates = []
    for i, value in enumerate(values):
        try:
            if value is None:
                raise Refused("tombstone")
            if all(byte in b" \t\r\n" for byte in value):
                raise Refused("empty")
            event = parse_json(value, max_bytes=max_bytes, max_depth=max_depth)
            owner = owner_of(event, targets)
            target = targets[owner]
            features = event.get("features")
            if not isinstance(features, dict | None):
                raise Refused("not_an_event")
            time = time_of(event.get("time"))
            cells = [
                offset + cell
                for offset, cell in zip(
                    target.profile.offsets, cells_of(target.profile, event, features or {}, time), strict=False
                )
            ]
            if timestamps is not None and 0 <= timestamps[i] < time - max_future:
                raise Refused("future_time")
        except Refused as reason:
            fates.append(str(reason))
            continue
        fates.append("event")
        pane = target.windows.offset
        pane += (time - pane) // target.windows.pane * target.windows.pane
        for segment in ("", *segments_of(target, cells)):
            key = PaneKey(*owner, target.profile.fingerprint, segment, pane)
            for cell in cells:
                counts.setdefault(key, [0] * target.profile.size)[cell] += 1
    return counts, fates


def segments_of(target: Target, cells: Sequence[int]) -> Iterator[str]:
    """The name of the event's segment in each segmentation."""
    names = [column.name for column in target.profile.columns]
    for found in target.segmentations:
        values: list[str | None] = []
        for name in found.columns:
            i = names.index(name)
            bins, cell = target.profile.columns[i].bins, cells[i] - target.profile.offsets[i]
            assert isinstance(bins, Unordered)
            values.append(dict(enumerate(bins.categories)).get(cell, "") if cell < bins.values else None)
        named = tuple(values) in found.values
        told = values if named else ["missing" if None in values else "other"] * len(values)
        yield ",".join(f"{name}={value}" for name, value in zip(found.columns, told, strict=True))


def cells_of(profile: Profile, event: Mapping[str, object], features: Mapping[str, object], time: int) -> Iterator[int]:
    """The cell of every column, within the column; derived ones follow from what the others and the event hold."""
    brought = {column.name: column for column in profile.columns if column.derived is None}
    logged = {name: value_of(column, event, features) for name, column in brought.items()}
    cells = {name: cell_of(column.bins, logged[name]) for name, column in brought.items()}
    for column in profile.columns:
        if column.derived is None:
            yield cells[column.name]
        elif column.derived.function in {"pca", "domain"}:
            numbers = {name: plain(value) for name, value in logged.items() if isinstance(value, Digits)}
            yield derived_cell(column, derived_value(profile, column, time=time, texts=numbers, cells=cells))
        else:
            texts = {name: plain(features.get(name)) for name in column.derived.inputs}
            yield derived_cell(column, derived_value(profile, column, time=time, texts=texts, cells=cells))


def value_of(column: Column, event: Mapping[str, object], features: Mapping[str, object]) -> object:
    """What an event holds of a column, None where that is nothing."""
    if column.role == "prediction":
        return event.get("prediction")
    if column.role == "feature":
        return features.get(column.name)
    segments = event.get("segments")
    if segments is None:
        return None
    return segments.get(column.name) if isinstance(segments, dict) else []  # which no column takes


def plain(logged: object) -> object:
    """A logged value with its numbers as floats, or refused; a whole number that no float holds is an object."""
    if isinstance(logged, list):
        return [plain(item) for item in logged]
    if isinstance(logged, dict):
        return {name: plain(item) for name, item in logged.items()}
    if not isinstance(logged, Digits):
        return logged
    scalar_name(logged)
    value = float(logged)
    return object() if math.isinf(value) else value


def parse_json(value: bytes, *, max_bytes: int, max_depth: int) -> dict[str, object]:
    """An event by stdlib json, numbers left as they were written, after the checks of its length and depth."""
    if len(value) > max_bytes:
        raise Refused("too_large")
    if nesting(value) > max_depth:
        raise Refused("too_deep")
    try:
        text = value.decode("utf-8")
        event = json.loads(text, parse_int=Digits, parse_float=Digits, parse_constant=int, object_pairs_hook=no_halves)
        no_halves([("", event)])
    except ValueError:
        raise Refused("not_json") from None
    if not isinstance(event, dict):
        raise Refused("not_an_event")
    return event


def nesting(value: bytes) -> int:
    """How deep brackets stand inside each other outside strings."""
    deepest = now = 0
    inside = escaped = False
    for char in value.decode("latin-1"):
        if inside:
            inside = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            inside = True
        else:
            now += (char in "[{") - (char in "]}")
            deepest = max(deepest, now)
    return deepest


def no_halves(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON; ValueError if a name or a string in it holds half of a surrogate pair."""
    waiting: list[object] = [part for pair in pairs for part in pair]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            part.encode("utf-8")
        elif isinstance(part, list):
            waiting += part
    return dict(pairs)


def owner_of(event: Mapping[str, object], targets: Mapping[tuple[str, str], Target]) -> tuple[str, str]:
    """Model and version of an event."""
    model, version = event.get("model"), event.get("version")
    if model is None:
        model = event.get("feature_view")
    for name in (model, version):
        if isinstance(name, Digits):
            scalar_name(name)
    versions = [v for m, v in targets if m == model and not isinstance(model, Digits)]
    if not versions:
        raise Refused("unknown_model")
    if isinstance(version, Digits):
        version = scalar_name(version)
    if version is None or version == "":
        version = "" if "" in versions else versions[0] if len(versions) == 1 else None
    if isinstance(model, str) and isinstance(version, str) and version in versions:
        return model, version
    raise Refused("unknown_version")


def time_of(logged: object) -> int:
    """Milliseconds of a logged time."""
    if isinstance(logged, Digits) and logged.lstrip("-").isdigit():
        time = int(logged) if len(logged) < 100 else 10**100
    elif isinstance(logged, str) and not isinstance(logged, Digits):
        try:
            if not RFC3339.fullmatch(logged):
                raise ValueError(logged)
            time = (datetime.fromisoformat(logged.upper()) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
                milliseconds=1
            )
        except ValueError:
            raise Refused("bad_time") from None
    else:
        raise Refused("bad_time")
    if not 10**11 <= time < 10**14:
        raise Refused("bad_time")
    return time


def cell_of(bins: Bins, logged: object) -> int:
    """Which cell of a column a logged value falls in: a value bin, missing or invalid."""
    if logged is None:
        return bins.values
    if isinstance(bins, Ordered):
        if not isinstance(logged, Digits):
            return bins.values + 1
        value = number(logged)
        return sum(1 for edge in bins.edges if value >= edge)
    if isinstance(logged, dict | list):
        return bins.values + 1
    if isinstance(logged, Digits):
        name = scalar_name(logged)
    else:
        name = str(logged).lower() if isinstance(logged, bool) else str(logged)
    if name in bins.categories:
        return bins.categories.index(name)
    return len(bins.categories) + (0 if name in bins.others else 1)


def number(digits: Digits) -> float:
    """A number of JSON as a float."""
    value = float(digits)
    if math.isinf(value):
        raise Refused("not_json")
    return value


def scalar_name(digits: Digits) -> str:
    """The name of a category that was written as a number."""
    if digits.lstrip("-").isdigit():
        if len(digits.lstrip("-")) > 4300:
            raise Refused("not_json")
        return str(int(digits))
    value = number(digits)
    return str(int(value)) if value == int(value) else repr(value)
