"""What is wrong with a value before anything decodes it: too large, too deep, not UTF-8.

A typed decoder skips what it does not need without looking closely: broken UTF-8 in an unknown field would pass, and
depth would be limited by the Python stack of the moment. So these three are decided here, from the bytes alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.logs.contract import NOT_JSON, TOO_DEEP, TOO_LARGE

# An unfinished string reaches to the end of the bytes, so that a quote is looked at once and the time stays linear.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


class Unusable(Exception):
    """One event cannot be used: the reason (one of REASONS) and a message for people. It goes to the dead letters."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Screen:
    """The limits on a value: `max_bytes` long, brackets `max_depth` deep."""

    max_bytes: int
    max_depth: int

    def check(self, value: bytes) -> None:
        """Raise Unusable if the value is too large, too deep or not UTF-8."""
        if len(value) > self.max_bytes:
            raise Unusable(TOO_LARGE, f"expected at most {self.max_bytes} bytes, got {len(value)}")
        if value.count(b"{") + value.count(b"[") > self.max_depth and (found := depth(value)) > self.max_depth:
            raise Unusable(TOO_DEEP, f"expected at most {self.max_depth} brackets inside each other, got {found}")
        if not value.isascii() and not _is_utf8(value):
            raise Unusable(NOT_JSON, "not JSON: invalid UTF-8")

    def clean(self, values: Sequence[bytes | None]) -> bool:
        """Whether `check` passes surely for all of them and none is a tombstone; False means: look at each.

        Looks at all bytes at once, which costs a tenth of looking at each value.
        """
        try:
            longest = max(map(len, values))  # type: ignore[arg-type]  # a tombstone has no length
        except TypeError:
            return False
        if longest > self.max_bytes:
            return False
        joined = b"\n".join(values)  # type: ignore[arg-type]  # no tombstone is left here
        if not joined.isascii() and not _is_utf8(joined):
            return False
        # No value is too deep unless max_depth + 1 opening brackets lie within the length of a value.
        data = np.frombuffer(joined, dtype=np.uint8)
        # '[' and '{' differ in one bit; most events have no list, and then the bit need not be looked at.
        opened = np.flatnonzero((data | 0x20 if b"[" in joined else data) == ord("{"))
        spans = opened[self.max_depth :] - opened[: -self.max_depth]
        return not len(spans) or int(spans.min()) >= longest


def depth(value: bytes) -> int:
    """How deep brackets lie inside each other, strings left out; defined for any bytes, in linear time.

    >>> depth(b'{"a": [1, "[[["]}')
    2
    """
    data = np.frombuffer(_STRING.sub(b"", value), dtype=np.uint8)
    steps = np.isin(data, list(b"[{")).astype(np.int64) - np.isin(data, list(b"]}"))
    return max(int(steps.cumsum().max(initial=0)), 0)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
