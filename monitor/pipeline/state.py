"""All that `merge` remembers, as values that can be written item by item and read back.

An item is a key and its bytes. Panes and open parts are the large ones; only those that changed since the last look
are written again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from monitor.drift.episodes import Episode
from monitor.drift.verdicts import Verdict, model_verdict
from monitor.drift.windows import Progress, SourcePartition
from monitor.errors import DriftlineError
from monitor.logs.contract import PaneKey
from monitor.pipeline.envelopes import unpack
from monitor.pipeline.panes import Panes
from monitor.pipeline.results import Result
from monitor.pipeline.trails import Trace, Trail


class SeriesKey(NamedTuple):
    """A row of windows: one model version and segment against one reference, named as in `PaneKey`."""

    model: str
    version: str
    profile: str
    segment: str


class Published(NamedTuple):
    """What was last said of a window: its revision, its events, and the events of its first revision.

    `verdict` is the most severe of all revisions. Checkpoints of formats 1 and 2 did not have it; those of their
    windows that drifted are in the episode all the same.
    """

    revision: int
    events: int
    first_events: int
    verdict: Verdict = "ok"

    def again(self, events: int, verdict: Verdict) -> Published:
        """The next revision."""
        return Published(self.revision + 1, events, self.first_events, model_verdict([self.verdict, verdict]))


class Filling(NamedTuple):
    """A window by count that has not events enough yet: where it began, its packed counts (empty for none), and the end
    of its last slice.
    """

    start: int
    packed: bytes = b""
    end: int = 0


@dataclass(slots=True)
class Series:
    """Windows published and not retired, the episode, the newest result, and events that came too late.

    No window that begins before `floor` is published any more, also where a later configuration has a longer lateness:
    panes of it are gone. `filling` is of windows by count. `trail` is what later windows need of these.
    `grid` names the panes that the events of a row of all events were counted by.
    """

    published: dict[int, Published] = field(default_factory=dict)
    episode: Episode | None = None
    last: Result | None = None
    late: int = 0
    floor: int | None = None
    filling: Filling | None = None
    trail: Trail = field(default_factory=dict)
    grid: str | None = None


@dataclass(slots=True)
class Source:
    """One source partition: its last closed block, and the open one with the offset up to which it is known.

    `past` are the epochs before this one. `open` holds what the open block adds to panes, packed as it came (unpacked
    it would be the largest part of the state); `spent` how many of its events had been counted in a pane that has since
    retired, or were too late for it. `redo` is the offset up to which a new epoch must count again what an old one had
    counted; -1 where there is nothing of the kind.
    """

    epoch: str = ""
    past: list[str] = field(default_factory=list)
    generation: int = 0
    closed: int | None = None
    block: int | None = None
    end: int = -1
    latest: int | None = None
    idle: int | None = None
    hole: bool = False
    redo: int = -1
    open: dict[PaneKey, bytes] = field(default_factory=dict)
    spent: dict[PaneKey, int] = field(default_factory=dict)

    @property
    def progress(self) -> Progress:
        """How far event time has come here; behind a hole nothing is idle."""
        return Progress(self.latest, None if self.hole else self.idle)


@dataclass(slots=True)
class State:
    """`offset` is the next one of the summaries partition; `watermark` never goes back."""

    offset: int = 0
    watermark: int | None = None
    sources: dict[SourcePartition, Source] = field(default_factory=dict)
    panes: Panes = field(default_factory=Panes)
    series: dict[SeriesKey, Series] = field(default_factory=dict)

    def passed(self, time: int) -> bool:
        """Whether nothing before `time` is expected any more."""
        return self.watermark is not None and self.watermark >= time


def dump(state: State) -> dict[str, bytes]:
    """Every item of the state by key: the same state always gives the same bytes."""
    items = {"head": _pack([state.offset, state.watermark])}
    for where, source in state.sources.items():
        fields = [getattr(source, name) for name in _SOURCE]
        items[_key("source", where)] = _pack([*fields, sorted(source.spent.items())])
        items |= {_key("open", (*where, *pane)): packed for pane, packed in source.open.items()}
    items |= {_key("pane", pane): state.panes.packed(pane) for pane in state.panes}
    for key, series in state.series.items():
        items[_key("series", key)] = _pack([sorted(series.published.items()), series.episode, series.last, series.late])
        if series.floor is not None:
            items[_key("floor", key)] = _pack(series.floor)
        if series.filling is not None:
            items[_key("filling", key)] = _pack(series.filling)
        if series.grid is not None:
            items[_key("grid", key)] = _pack(series.grid)
        items |= {_key("trail", (*key, start)): _pack(trace) for start, trace in series.trail.items()}
    return items


def load(items: Mapping[str, bytes]) -> State:
    """The state that `dump` wrote. Raises DriftlineError where an item is damaged or unknown."""
    state = State()
    try:
        for key in sorted(items, key=_rank):
            kind, _, name = key.partition(" ")
            _load_item(state, kind, json.loads(name) if name else [], items[key])
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise DriftlineError(f"the checkpoint's item {key!r} is damaged: {type(error).__name__}: {error}") from error
    return state


def _load_item(state: State, kind: str, name: list[Any], data: bytes) -> None:
    if kind == "head":
        state.offset, state.watermark = msgspec.msgpack.decode(data)
    elif kind == "source":
        *fields, spent = msgspec.msgpack.decode(data)
        if len(fields) == len(_SOURCE) - 1:
            fields.append(-1)  # format 1 of the checkpoints had no `redo`
        source = Source(**dict(zip(_SOURCE, fields, strict=True)))
        source.spent = {PaneKey(*pane): events for pane, events in spent}
        state.sources[name[0], name[1]] = source
    elif kind == "open":
        unpack(data)  # raises where it is damaged
        state.sources[name[0], name[1]].open[PaneKey(*name[2:])] = data
    elif kind == "pane":
        state.panes.add(PaneKey(*name), unpack(data))
    elif kind == "series":
        published, episode, last, late = _series.decode(data)
        state.series[SeriesKey(*name)] = Series(dict(published), episode, last, late)
    elif kind == "floor":  # format 1 of the checkpoints had none
        state.series[SeriesKey(*name)].floor = msgspec.msgpack.decode(data, type=int)
    elif kind == "filling":
        filling = msgspec.msgpack.decode(data, type=Filling)
        if filling.packed:
            unpack(filling.packed)  # raises where it is damaged
        state.series[SeriesKey(*name)].filling = filling
    elif kind == "grid":  # formats 1 to 3 of the checkpoints had none
        state.series[SeriesKey(*name)].grid = msgspec.msgpack.decode(data, type=str)
    elif kind == "trail":
        trace = msgspec.msgpack.decode(data, type=Trace)
        unpack(trace.packed)  # raises where it is damaged
        state.series[SeriesKey(*name[:4])].trail[name[4]] = trace
    else:
        raise DriftlineError(f"unknown item {kind!r} in the checkpoint; it was written by a newer version of driftline")


def _rank(key: str) -> tuple[bool, str]:
    """A source comes before its open parts, a series before what else is known of it."""
    return not key.startswith(("source ", "series ")), key


def _key(kind: str, name: tuple[Any, ...]) -> str:
    return f"{kind} {json.dumps(name, separators=(',', ':'))}"


_SOURCE = ("epoch", "past", "generation", "closed", "block", "end", "latest", "idle", "hole", "redo")
_pack = msgspec.msgpack.Encoder(order="deterministic").encode
_series = msgspec.msgpack.Decoder(tuple[list[tuple[int, Published]], Episode | None, Result | None, int])
