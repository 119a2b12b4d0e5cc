"""One event read with care: the definition of what every value means, and the way for whatever the fast one refuses.

The fast decoder (`events.py`) may only ever agree with this one or raise. Grammar is checked for the whole value;
numbers are converted, and may be out of range, only in the columns that the profile knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from monitor.logs.columns import MISSING_NUMBER, NO_CATEGORY, NO_NUMBER, Layout
from monitor.logs.contract import NOT_AN_EVENT, NOT_JSON, UNKNOWN_LENGTH, UNKNOWN_NAMES, category_name
from monitor.logs.millis import read_time
from monitor.logs.screen import Unusable

TIME, UNKNOWN = -1, -2  # in `Row.odd`: the time is a string; the features have columns that the profile has not
ABSENT, LIST = msgspec.Raw(b""), msgspec.Raw(b"[]")
_NUMBER = b"-0123456789"
_BOM = b"\xef\xbb\xbf"


class Envelope(msgspec.Struct, gc=False):
    """The fields of an event as they stand, unread; ABSENT where there are none, the last of any that stand twice."""

    model: msgspec.Raw = ABSENT
    feature_view: msgspec.Raw = ABSENT
    version: msgspec.Raw = ABSENT
    time: msgspec.Raw = ABSENT
    features: msgspec.Raw = ABSENT
    segments: msgspec.Raw = ABSENT
    prediction: msgspec.Raw = ABSENT


@dataclass(slots=True)
class Row:
    """One event's time, floats and cells in the order of its layout, and the columns that the fast way refuses.

    unknown: names of columns that the profile does not know, within bounds.
    """

    time: int
    floats: list[float] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


_envelope = msgspec.json.Decoder(Envelope)
_raw = msgspec.json.Decoder(msgspec.Raw)
_features = msgspec.json.Decoder(dict[str, msgspec.Raw])
_float = msgspec.json.Decoder(float)
_any = msgspec.json.Decoder()


def open_envelope(value: bytes) -> Envelope:
    """The fields of an event. Raises Unusable if the value is not JSON or not an object."""
    try:
        return _envelope.decode(value)
    except (msgspec.MsgspecError, ValueError) as error:
        problem = "it begins with a byte order mark" if value.startswith(_BOM) else str(error)
    try:
        _raw.decode(value)
    except (msgspec.MsgspecError, ValueError):
        raise Unusable(NOT_JSON, f"not JSON: {problem}") from None
    raise Unusable(NOT_AN_EVENT, f"expected a JSON object, got {_excerpt(value.lstrip())}")


def scalar(raw: msgspec.Raw) -> object:
    """The value of a short field such as `model` or `version`; None if it is absent or null, its bytes if no scalar."""
    text = bytes(raw)
    if text[:1] in {b"", b"[", b"{"}:
        return text or None
    try:
        return _any.decode(text)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Unusable(NOT_JSON, f"not JSON: {error}") from None


def read_row(envelope: Envelope, layout: Layout) -> Row:
    """What the columns of a profile hold in one event. Raises Unusable if the features or the time are of no use."""
    features = read_features(envelope.features)
    sources = {"feature": features, "segment": _segments(envelope.segments, layout.segments)}
    text = bytes(envelope.time)
    row = Row(read_time(text), unknown=_unknown(features, layout))
    if row.unknown:
        row.odd.append(UNKNOWN)
    if text[:1] == b'"':
        row.odd.append(TIME)
    for i in layout.numeric:
        column = layout.profile.columns[i]
        raw = bytes(sources[column.role].get(column.name, ABSENT) if column.role in sources else envelope.prediction)
        row.floats.append(_number(raw, column.name))
        if row.floats[-1] == NO_NUMBER:
            row.odd.append(i)
    for i, table in zip(layout.categorical, layout.tables, strict=True):
        column = layout.profile.columns[i]
        raw = bytes(sources[column.role].get(column.name, ABSENT) if column.role in sources else envelope.prediction)
        row.cells.append(table[_category(raw, column.name)])
        if raw[:1] not in {b"", b"n", b'"'}:
            row.odd.append(i)
    for value in layout.values:
        row.floats.append(value.compute(_logged(bytes(features.get(value.source, ABSENT)), value.source)))
        if row.floats[-1] == NO_NUMBER:
            row.odd.append(value.index)
    return row


def read_features(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The features by name, none if there are none. Raises Unusable if they are no object."""
    text = bytes(raw)
    if text in {b"", b"null"}:
        return {}
    if text[:1] != b"{":
        raise Unusable(NOT_AN_EVENT, f"expected features as a JSON object, got {_excerpt(text)}")
    return _features.decode(text)


def _segments(raw: msgspec.Raw, names: Sequence[str]) -> dict[str, msgspec.Raw]:
    """The segments of these names, none if there are none; all are invalid where they are no object."""
    text = bytes(raw)
    if not names or text in {b"", b"null"}:
        return {}
    return _features.decode(text) if text[:1] == b"{" else dict.fromkeys(names, LIST)


def unknown_columns(value: bytes, layout: Layout) -> set[str]:
    """Names in an event's features that its profile does not know, shortened, the first few by name."""
    return _unknown(read_features(open_envelope(value).features), layout)


def _unknown(features: Mapping[str, object], layout: Layout) -> set[str]:
    names = features.keys() - layout.features
    return {name[:UNKNOWN_LENGTH] for name in sorted(names)[:UNKNOWN_NAMES]} if names else set()


def _number(raw: bytes, name: str) -> float:
    if raw[:1] in {b"", b"n"}:
        return MISSING_NUMBER
    if raw[0] not in _NUMBER:
        return NO_NUMBER
    try:
        return _float.decode(raw)
    except msgspec.ValidationError:
        raise Unusable(NOT_JSON, f"column {name[:UNKNOWN_LENGTH]!r}: number out of range: {_excerpt(raw)}") from None


def _category(raw: bytes, name: str) -> object:
    if raw[:1] in {b"", b"n"}:
        return None
    if raw[:1] in {b"[", b"{"}:
        return NO_CATEGORY
    try:
        return category_name(_any.decode(raw))
    except msgspec.ValidationError:
        raise Unusable(NOT_JSON, f"column {name[:UNKNOWN_LENGTH]!r}: number out of range: {_excerpt(raw)}") from None


def _logged(raw: bytes, name: str) -> object:
    """Any value as it was logged; None if it is absent."""
    try:
        return _any.decode(raw) if raw else None
    except (msgspec.MsgspecError, ValueError):
        raise Unusable(NOT_JSON, f"column {name[:UNKNOWN_LENGTH]!r}: number out of range: {_excerpt(raw)}") from None


def _excerpt(raw: bytes) -> str:
    text = raw[:40].decode(errors="replace")
    return text + "..." if len(raw) > 40 else text
