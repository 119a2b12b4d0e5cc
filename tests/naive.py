"""Slow, obviously right twins of what is fast in monitor/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.drift.windows import Windows

# Bins and windows.


def bin_of(edges: Sequence[float], value: float) -> int:
    """The bin of a value: how many edges are not above it."""
    return sum(1 for edge in edges if edge <= value)


def count_ordered(edges: Sequence[float], values: Iterable[float]) -> list[int]:
    """Counts per ordered bin, one value at a time."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bin_of(edges, value)] += 1
    return counts


def count_unordered(categories: Sequence[str], others: Collection[str], names: Iterable[str]) -> list[int]:
    """Counts per category, then `other`, then `unseen`."""
    counts = [0] * (len(categories) + 2)
    for name in names:
        if name in categories:
            counts[categories.index(name)] += 1
        elif name in others:
            counts[-2] += 1
        else:
            counts[-1] += 1
    return counts


def window_starts(time: int, *, size: int, step: int, offset: int) -> list[int]:
    """Starts of all windows that hold a time: try every one around."""
    near = range(time // step - size // step - 3, time // step + size // step + 4)
    return [start for k in near if (start := k * step + offset % step) <= time < start + size]


MINUTE, DAY = 60_000, 86_400_000


@cache
def first_moment(day: int, zone: str) -> int:
    """When clocks in a zone first show a day, by looking at them every minute; days are counted from 1970 on."""
    around = range((day - 1) * DAY, (day + 1) * DAY + 1, MINUTE)
    return next(moment for moment in around if shown(moment, zone) >= date(1970, 1, 1) + timedelta(days=day))


@cache
def clock(zone: str) -> ZoneInfo:
    """A clock by the package's rules, not by the machine's."""
    with files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=zone)


def shown(time: int, zone: str) -> date:
    """The date that clocks in a zone show at a time."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)).astimezone(clock(zone)).date()


def windows_of_days(time: int, zone: str, *, size: int, step: int, offset: int) -> list[tuple[int, int]]:
    """Start and end of all windows of whole days that hold a time: try every one around."""
    today = (shown(time, zone) - date(1970, 1, 1)).days
    days = [day for day in range(today - size - 2, today + 3) if (day - offset) % step == 0]
    found = {(first_moment(day, zone), first_moment(day + size, zone)) for day in days}
    return longest((start, end) for start, end in found if start <= time < end)


def windows_of_months(time: int, zone: str, *, months: int) -> list[tuple[int, int]]:
    """Start and end of all windows of whole months that hold a time, one beginning with each month."""
    today = shown(time, zone)
    this = today.year * 12 + today.month - 1
    firsts = [date(month // 12, month % 12 + 1, 1) for month in range(this - months, this + months + 3)]
    begins = [first_moment((first - date(1970, 1, 1)).days, zone) for first in firsts]
    return longest((start, end) for start, end in zip(begins, begins[months:], strict=False) if start <= time < end)


def longest(windows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of windows that begin together, because one's first day was left out, the one of days that were."""
    return sorted(dict(sorted(windows)).items())


# The whole pipeline, event by event: no blocks, no panes, no counts.


class Event(NamedTuple):
    """One event of a log; `value` None is a missing number."""

    model: str
    time: int
    category: str
    value: float | None


class Told(NamedTuple):
    """What an envelope lets one know: its source partition's log up to `end`, and that it is idle."""

    source: str
    block: int
    end: int
    closed: bool
    generation: int
    idle: int | None


@dataclass
class Known:
    """What is known of a source partition."""

    end: int = 0
    closed: int = -1
    generation: int = 0
    latest: int | None = None
    idle: int | None = None


def merged(
    logs: Mapping[str, Sequence[Event | None]], told: Iterable[Told], windows: Mapping[str, Windows], *, disorder: int
) -> tuple[dict[tuple[str, int], list[Event]], Counter[str]]:
    """The events of every window (model, start), and how many events of a model were late for all of theirs."""
    found: dict[tuple[str, int], list[Event]] = {}
    late: Counter[str] = Counter()
    for events, reached, _ in heard(logs, told, disorder=disorder):
        for event in events:
            late[event.model] += not put(found, event, windows[event.model], reached)
    return found, late


def filled(
    logs: Mapping[str, Sequence[Event | None]], told: Iterable[Told], windows: Windows, *, disorder: int, model: str
) -> tuple[list[tuple[int, int, list[Event]]], int]:
    """Start, end and events of a model's windows by count, and how many of its events were late."""
    slices: dict[tuple[int, int], list[Event]] = {}
    found: list[tuple[int, int, list[Event]]] = []
    rest: list[Event] = []
    begun, late = None, 0
    for events, before, after in heard(logs, told, disorder=disorder):
        for event in (event for event in events if event.model == model):
            ((start, end),) = held_by(windows, event.time)
            if end + windows.lateness > before:
                slices.setdefault((start, end), []).append(event)
            else:
                late += 1
        for start, end in sorted(slices):
            if end + windows.lateness <= after:
                rest += slices.pop((start, end))
                begun = start if begun is None else begun
                if len(rest) >= (windows.events or 0):
                    found.append((begun, end, rest))
                    begun, rest = end, []
    return found, late


def heard(
    logs: Mapping[str, Sequence[Event | None]], told: Iterable[Told], *, disorder: int
) -> Iterator[tuple[list[Event], int, int]]:
    """For each envelope the events that it brings, and the watermark before and after it."""
    known = {source: Known() for source in logs}
    reached = -(10**18)
    for said in told:
        source = known[said.source]
        read = logs[said.source][source.end : said.end] if said.end > source.end else []
        events = [event for event in read if event is not None]
        for event in events:
            source.latest = event.time if source.latest is None else max(source.latest, event.time)
        note(source, said)
        before, reached = reached, max(reached, expected(known.values()) - disorder)
        yield events, before, reached


def held_by(windows: Windows, time: int) -> list[tuple[int, int]]:
    """Start and end of all windows that hold a time, by the clock or by the days of a zone."""
    if windows.scale.unit == DAY:
        days = {"size": windows.size // DAY, "step": windows.step // DAY, "offset": windows.offset // DAY}
        return windows_of_days(time, windows.scale.zone, **days)
    starts = window_starts(time, size=windows.size, step=windows.step, offset=windows.offset)
    return [(start, start + windows.size) for start in starts]


def windowed(events: Iterable[Event | None], windows: Mapping[str, Windows]) -> dict[tuple[str, int], int]:
    """How many events each window (model, start) holds where none of them is late."""
    found: Counter[tuple[str, int]] = Counter()
    for event in events:
        if event is not None:
            found.update((event.model, start) for start, _ in held_by(windows[event.model], event.time))
    return dict(found)


def put(found: dict[tuple[str, int], list[Event]], event: Event, windows: Windows, reached: int) -> bool:
    """Put an event into all of its windows that are still revised; whether there is one."""
    in_time = [start for start, end in held_by(windows, event.time) if end + windows.lateness > reached]
    for start in in_time:
        found.setdefault((event.model, start), []).append(event)
    return bool(in_time)


def note(source: Known, said: Told) -> None:
    """What was said of a partition's position and idleness, by whom."""
    if said.block <= source.closed:
        return
    if said.end > source.end or said.closed:
        source.end, source.idle, source.generation = max(source.end, said.end), said.idle, said.generation
        source.closed = said.block if said.closed else source.closed
    elif said.generation >= source.generation:
        source.generation = said.generation
        if said.idle is None or said.end == source.end:
            source.idle = said.idle


def expected(known: Iterable[Known]) -> int:
    """The time before which nothing is expected: the least of the busy ones, or the clock's where all are idle."""
    everyone = list(known)
    busy = [source for source in everyone if source.idle is None]
    if busy:
        return min(-(10**18) if source.latest is None else source.latest for source in busy)
    seen = [(source.latest, source.idle) for source in everyone if source.latest is not None]
    return max(latest for latest, _ in seen) + min(idle or 0 for _, idle in seen) if seen else -(10**18)


# Episodes: every window that was ever said is remembered, and everything is looked up again each time.


class Said(NamedTuple):
    """A result of the window [start, end): its verdict, and the columns in drift with statistic over threshold."""

    start: int
    end: int
    verdict: str
    drifted: Mapping[str, float]


@dataclass
class Stretch:
    """An episode: what was said of its windows in drift, and whether it is over."""

    drifts: list[Said]
    closed: bool = False

    @property
    def last(self) -> Said:
        """What was first said of its last window."""
        return max(self.drifts, key=lambda said: (said.start, said.end))


def episodes(said: Iterable[Said], *, recovery: int) -> list[Stretch]:
    """The episodes after these results, in the order in which they opened."""
    found: list[Stretch] = []
    told: list[Said] = []
    for now in said:
        told.append(now)
        if now.verdict == "drift":
            if found and not found[-1].closed:
                if now.start >= found[-1].drifts[0].start:
                    found[-1].drifts.append(now)
            elif not (found and now.start <= found[-1].last.start) and calm_after(told, now.start) < recovery:
                found.append(Stretch([now]))
        if found and calm_after(told, found[-1].last.start) >= recovery:
            found[-1].closed = True
    return found


def calm_after(told: Iterable[Said], start: int) -> int:
    """How many windows after this one were ok or a warning in some revision, and drift in none."""
    verdicts: dict[int, set[str]] = {}
    for said in told:
        verdicts.setdefault(said.start, set()).add(said.verdict)
    return sum(at > start and "drift" not in seen and seen != {"undecided"} for at, seen in verdicts.items())
