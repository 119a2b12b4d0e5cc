"""Scales of the calendar: days and months in a time zone, all equally long there, however long they are in time.

A day begins at the first moment at which clocks in the zone show its date. So days are 23, 24 or 25 hours long where
clocks are put on and back, begin at one o'clock where midnight was left out, and one that was left out altogether (as
in Samoa at the end of 2011) has no time: it begins when the next one does.

    UTC        23h         23h         22h        22h        Europe/Berlin, 28 to 30 March 2026
    days       |----24h----|----23h----|----24h---|
    scale      |-----1-----|-----1-----|-----1----|

Rules are those of the package `tzdata`, never the machine's, so that all workers have the same days. Beyond the year
2500, as before 1200, they are taken to repeat every 400 years, as the calendar does; so every time has its day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from monitor.drift.windows import Times
from monitor.errors import DriftlineError

DAY = 86_400_000
MONTH = 2_629_746_000  # the mean one: 400 years of the Gregorian calendar have 4,800 months and 146,097 days

_CYCLE = 146_097  # days after which the calendar repeats itself, weekdays too
_FIRST, _LAST = (date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal() for year in (1200, 2500))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_KNOWN = 1 << 15  # days of which the beginning is remembered: 90 years, or the days of many zones


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days (`unit` DAY) or months (MONTH) in a zone, each as long as the unit; the first is that of 1 January 1970.

    >>> days, months = Calendar("Europe/Berlin"), Calendar("UTC", MONTH)
    >>> [(days.time((day + 1) * DAY) - days.time(day * DAY)) // 3_600_000 for day in (20_540, 20_541)]
    [24, 23]
    >>> [(months.time((month + 1) * MONTH) - months.time(month * MONTH)) // DAY for month in (0, 1, 2)]
    [31, 28, 31]
    """

    zone: str = "UTC"
    unit: int = DAY

    def __post_init__(self) -> None:
        if self.unit not in {DAY, MONTH}:
            raise DriftlineError(f"expected a day ({DAY} ms) or a month ({MONTH} ms) as unit, got {self.unit} ms")
        rules(self.zone)

    @property
    def name(self) -> str:
        """The unit, the zone, and the fingerprint of its rules."""
        return f"{'days' if self.unit == DAY else 'months'} {self.zone} {fingerprint(self.zone)}"

    def place(self, time: int) -> int:
        """The day or month that holds a time."""
        return int(self._numbers(np.array([_day(self.zone, time)]))[0]) * self.unit

    def places(self, times: Times) -> Times:
        """The days or months that hold some times."""
        return self._numbers(_days(self.zone, times)) * self.unit

    def time(self, place: int) -> int:
        """When a day or month begins."""
        number = place // self.unit
        if self.unit == MONTH:
            number = int(np.datetime64(number, "M").astype("datetime64[D]").astype(np.int64))
        return _midnight(self.zone, number)

    def times(self, places: Times) -> Times:
        """When some days or months begin."""
        distinct, which = np.unique(places, return_inverse=True)
        return np.array([self.time(place) for place in distinct.tolist()], dtype=np.int64)[which]

    def distinct(self, places: range) -> Sequence[int]:
        """When some days or months begin, but for those that are over at once, because their day was left out."""
        begins = [self.time(place) for place in (*places, places[-1] + places.step)]
        return [begin for begin, end in pairwise(begins) if begin < end]

    def _numbers(self, days: Times) -> Times:
        """The numbers of the days, or of their months."""
        return days if self.unit == DAY else days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


@cache
def zones() -> frozenset[str]:
    """The names of all zones."""
    return frozenset((files("tzdata") / "zones").read_text().split())


@cache
def rules(zone: str) -> ZoneInfo:
    """The rules of a zone. Raises DriftlineError where there is none of this name."""
    return ZoneInfo.from_file(BytesIO(_written(zone)), key=zone)


@cache
def fingerprint(zone: str) -> str:
    """Eight hexadecimal digits that change when the zone's rules do."""
    return hashlib.sha256(_written(zone)).hexdigest()[:8]


def clocks(zone: str, times: Times) -> Times:
    """What clocks in a zone show at some times (ms), as if it were UTC.

    >>> (clocks("Europe/Berlin", np.array([20_500 * DAY, 20_600 * DAY])) % DAY // 3_600_000).tolist()
    [1, 2]
    """
    days, which = np.unique(times // DAY, return_inverse=True)
    offsets = np.array([_shifted(zone, day) for day in days.tolist()], dtype=np.int64)
    begins, ends = offsets[:, 0][which], offsets[:, 1][which]
    changes = np.flatnonzero(begins != ends)
    begins[changes] = [_clock(rules(zone), time) - time for time in times[changes].tolist()]
    return times + begins


def _written(zone: str) -> bytes:
    if zone not in zones():
        near = get_close_matches(zone, sorted(zones()), n=1)
        hint = f"did you mean {near[0]}?" if near else "take a name such as Europe/Berlin or UTC"
        raise DriftlineError(f"expected a time zone of the IANA database, got {zone[:80]!r}; {hint}")
    return files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()


def _day(zone: str, time: int) -> int:
    """The number of the last day that has begun; 0 is 1 January 1970.

    Clocks are never 24 hours or more off UTC, so it is the day in UTC, the one before or the one after.
    """
    day = time // DAY
    return day - 1 + (time >= _midnight(zone, day)) + (time >= _midnight(zone, day + 1))


def _days(zone: str, times: Times) -> Times:
    """The same of many times."""
    days, which = np.unique(times // DAY, return_inverse=True)
    known = days.tolist()
    begins, ends = (np.array([_midnight(zone, day + i) for day in known], dtype=np.int64)[which] for i in (0, 1))
    return days[which] - 1 + (times >= begins) + (times >= ends)


@lru_cache(maxsize=_KNOWN)
def _midnight(zone: str, day: int) -> int:
    """When a day begins in a zone."""
    cycles = (day - _LAST) // _CYCLE + 1 if day >= _LAST else (day - _FIRST) // _CYCLE if day < _FIRST else 0
    return _first_moment(rules(zone), (day - cycles * _CYCLE) * DAY) + cycles * _CYCLE * DAY


@lru_cache(maxsize=_KNOWN)
def _shifted(zone: str, day: int) -> tuple[int, int]:
    """How far clocks are ahead of UTC when a day of UTC begins, and when it ends."""
    known = rules(zone)
    begin, end = (_clock(known, time) - time for time in (day * DAY, (day + 1) * DAY))
    return begin, end


def _first_moment(zone: ZoneInfo, shown: int) -> int:
    """The first moment at which clocks show a date and time, or a later one where they were put on over it."""
    local = (_EPOCH + shown * _MILLISECOND).replace(tzinfo=zone)
    late = shown - _offset(local)  # of a time that clocks show twice, the first
    if _clock(zone, late) == shown:
        return late
    early = shown - _offset(local.replace(fold=1))
    while late - early > 1:  # they were put on between the two
        middle = (early + late) // 2
        early, late = (early, middle) if _clock(zone, middle) >= shown else (middle, late)
    return late


def _clock(zone: ZoneInfo, time: int) -> int:
    """What clocks show at a time, as if it were UTC."""
    return time + _offset((_EPOCH + time * _MILLISECOND).astimezone(zone))


def _offset(local: datetime) -> int:
    return (local.utcoffset() or timedelta()) // _MILLISECOND
