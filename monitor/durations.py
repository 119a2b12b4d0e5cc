"""Durations as people write them (`30m`, `1h`, `7d`, `1h30m`), in integers of milliseconds."""

from __future__ import annotations

import re

from monitor.errors import DriftlineError

UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
LONGEST = 36_600 * UNITS["d"]  # a century: what is longer is a slip of the keyboard, and would overflow later
_PARTS = re.compile(r"(\d{1,15})(ms|w|d|h|m|s)", re.ASCII)
_WHOLE = re.compile(rf"(?:{_PARTS.pattern})+", re.ASCII)


def parse_duration(text: object) -> int:
    """Milliseconds of a duration: whole numbers with the units w, d, h, m, s and ms, added up; `0` needs no unit.

    Raises DriftlineError for anything else; a bare number is refused, because nobody can tell seconds from minutes.

    >>> parse_duration("30m"), parse_duration("1h30m"), parse_duration("0")
    (1800000, 5400000, 0)
    """
    written = str(text).strip() if isinstance(text, (str, int)) and not isinstance(text, bool) else ""
    if written == "0":
        return 0
    if not _WHOLE.fullmatch(written):
        raise DriftlineError(
            f"expected a duration such as 30m, 1h, 7d or 1h30m (units w, d, h, m, s, ms), got {text!r}"
        )
    total = sum(int(number) * UNITS[unit] for number, unit in _PARTS.findall(written))
    if total > LONGEST:
        raise DriftlineError(f"expected a duration of at most 100 years, got {text!r}")
    return total


def format_duration(milliseconds: int) -> str:
    """A spelling in one unit that `parse_duration` reads back as the same number.

    >>> format_duration(5_400_000), format_duration(7 * 86_400_000), format_duration(8 * 86_400_000)
    ('90m', '1w', '8d')
    """
    if milliseconds < 0:
        raise DriftlineError(f"expected a duration of at least 0 ms, got {milliseconds} ms")
    for unit, size in UNITS.items():
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return "0"
