"""JSON lines for `reference build`: the values of an event before any profile says what its columns are.

Meant to agree with the decoder (`careful.py`) on what is an event, whose it is and when it happened; a test compares
the two. The difference: without a profile every column counts as known, but for those to ignore.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from monitor.logs.careful import open_envelope
from monitor.logs.contract import MAX_BYTES, NOT_AN_EVENT, NOT_JSON, category_name
from monitor.logs.millis import read_time
from monitor.logs.screen import Screen, Unusable

OTHER_MODEL, OTHER_VERSION = "other_model", "other_version"

_screen = Screen(max_bytes=MAX_BYTES, max_depth=64)  # what the decoder takes by default
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_object(value: bytes, *, ignore: Collection[str] = (), segments: Collection[str] = ()) -> dict[str, object]:
    """The fields of a JSON object. Raises Unusable where the decoder would, or for a number out of range.

    ignore: fields and features, and segments: those of the events' own, of which no number or any number is read.
    """
    _screen.check(value)
    try:
        found = msgspec.json.decode(value)
    except (msgspec.MsgspecError, ValueError):
        open_envelope(value)  # says what is wrong, unless it is a number that perhaps nobody needs
        return _read_fields(value, ignore, segments)
    if not isinstance(found, dict):
        open_envelope(value)
    return dict(found)


def features_of(event: dict[str, object]) -> dict[str, object]:
    """The features of a canonical event, none if there are none. Raises Unusable if they are no object."""
    features = event.get("features")
    if features is None:
        return {}
    if not isinstance(features, dict):
        raise Unusable(NOT_AN_EVENT, f"expected features as a JSON object, got {str(features)[:40]!r}")
    return features


def segments_of(event: dict[str, object], names: Iterable[str]) -> dict[str, object]:
    """What a canonical event has of these segments; of those that are no object all are invalid, as lists are."""
    segments = event.get("segments")
    if isinstance(segments, dict):
        return {name: segments[name] for name in names if name in segments}
    return {} if segments is None else {name: [] for name in names}


def names_of_segments(event: dict[str, object]) -> set[str]:
    """The names in a canonical event's segments that have a value, none if these are no object."""
    segments = event.get("segments")
    return {name for name in segments if segments[name] is not None} if isinstance(segments, dict) else set()


def check_owner(event: dict[str, object], *, model: str, version: str) -> None:
    """Raise Unusable if a canonical event names another model (or feature view), or another version."""
    name = event.get("feature_view") if event.get("model") is None else event["model"]
    if name not in (None, model):
        raise Unusable(OTHER_MODEL, f"model {str(name)[:40]!r}")
    written = category_name(event.get("version"))
    if written and written != version:
        raise Unusable(OTHER_VERSION, f"version {written[:40]!r}")


def event_time(value: object) -> int:
    """UTC milliseconds of a time as the logs read it. Raises Unusable that says what is wrong."""
    return read_time(msgspec.json.encode(value))


def _read_fields(value: bytes, ignore: Collection[str], segments: Collection[str]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, raw in _fields.decode(value).items():
        if name in ignore:
            continue
        try:
            fields[name] = _read_field(name, bytes(raw), ignore, segments)
        except (msgspec.MsgspecError, ValueError):
            text = bytes(raw)[:40].decode(errors="replace")
            raise Unusable(NOT_JSON, f"column {name[:40]!r}: number out of range: {text}") from None
    return fields


def _read_field(name: str, raw: bytes, ignore: Collection[str], segments: Collection[str]) -> object:
    if name not in {"features", "segments"} or raw[:1] != b"{":
        return msgspec.json.decode(raw)
    return _read_fields(raw, ignore if name == "features" else _fields.decode(raw).keys() - {*segments}, segments)
