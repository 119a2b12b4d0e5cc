"""The time of an event in a log, whole milliseconds since 1970 or RFC 3339 with a zone, as UTC milliseconds.

Strict where it is cheap to be wrong for good: a time in another unit, or without its zone, would put the events of a
whole producer into the windows of another day. It goes to the dead letters with a message that says what it looks like.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from monitor.logs.contract import BAD_TIME
from monitor.logs.screen import Unusable

LOW, HIGH = 10**11, 10**14  # 1973 to 5138; seconds, microseconds and nanoseconds of our days lie outside
UNITS = (
    ("seconds; multiply by 1000", 10**8, LOW),
    ("microseconds; divide by 1000", HIGH, 10**17),
    ("nanoseconds; divide by 1000000", 10**17, 10**20),
)

Millis = Annotated[int, msgspec.Meta(ge=LOW, lt=HIGH)]  # the bound stands in the type: 10**25 would break a whole batch
Zoned = Annotated[datetime, msgspec.Meta(tz=True)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_zoned = msgspec.json.Decoder(Zoned)


def read_time(raw: bytes) -> int:
    """The time that a JSON value states, fractions of a millisecond cut off. Raises Unusable that says what is wrong.

    >>> read_time(b"1704067200000") == read_time(b'"2024-01-01T01:00:00+01:00"')
    True
    """
    if raw in {b"", b"null"}:
        raise Unusable(BAD_TIME, "expected a time, got none")
    text = raw[:40].decode(errors="replace")
    if raw[:1] == b'"':
        time, hint = _read_text(raw), ""
    elif raw.removeprefix(b"-").isdigit():
        time = int(raw) if len(raw) <= 40 else sys.maxsize
        hint = _hint(time)
    else:
        raise Unusable(BAD_TIME, f"expected whole milliseconds or RFC 3339 as time, got {text}")
    if not LOW <= time < HIGH:
        raise Unusable(BAD_TIME, f"expected a time from {LOW} to {HIGH} ms (1973 to 5138), got {text}{hint}")
    return time


def milliseconds(times: Iterable[int | datetime], n: int) -> npt.NDArray[np.int64]:
    """`n` decoded times as integers; a datetime may lie outside [LOW, HIGH)."""
    whole = (_since_epoch(time) if isinstance(time, datetime) else time for time in times)
    return np.fromiter(whole, dtype=np.int64, count=n)


def _read_text(raw: bytes) -> int:
    try:
        return _since_epoch(_zoned.decode(raw))
    except msgspec.ValidationError as error:
        text = raw[:40].decode(errors="replace")
        if "timezone" in str(error):
            raise Unusable(BAD_TIME, f"expected a time with its zone, got {text}; end it with Z or +01:00") from None
        raise Unusable(BAD_TIME, f"expected RFC 3339 as 2024-01-31T12:00:00Z, got {text}") from None


def _since_epoch(time: datetime) -> int:
    return (time - _EPOCH) // _MILLISECOND


def _hint(time: int) -> str:
    """Which unit the number looks like.

    >>> _hint(1704067200), _hint(0)
    (', which looks like seconds; multiply by 1000', '')
    """
    return next((f", which looks like {unit}" for unit, low, high in UNITS if low <= time < high), "")
