"""The last closed window of every model as gauges, written out once per window instead of once per scrape.

With 100 models of 50 columns, samples built at every scrape took a second of CPU; joining lines takes milliseconds.
Explicit timestamps are not set, because Prometheus would hide or refuse windows of the past: the end is a gauge.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.drift.bins import INVALID, MISSING
from monitor.drift.profiles import Column, Profile
from monitor.drift.verdicts import SEVERITY
from monitor.metrics_moved import moved
from monitor.metrics_names import COLUMN, COLUMNS, COMPARED, COMPARED_COLUMN, METHODS, MOVED, PREFIX, WINDOW, WINDOWS
from monitor.pipeline.results import ColumnResult, ComparedColumn, Result

Key = tuple[str, str, str]  # model, version, segment
_Gauges = dict[str, float]

OF_SEGMENTS = frozenset({"window_end_timestamp_seconds", "window_events", "model_verdict", "column_drift_ratio"})
_FIRST = {"prediction": 0, "derived": 1, "segment": 2, "feature": 3}  # which columns stay when not all may
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True, slots=True)
class Shown:
    """A window that is shown: its samples as lines by metric, its column series, and how many were left out."""

    end: int
    lines: Mapping[str, bytes]
    series: int
    dropped: int


class Windows:
    """What is shown, by (model, version, segment)."""

    def __init__(self) -> None:
        self.shown: dict[Key, Shown] = {}

    def series(self, model: str, *, without: Key) -> int:
        """Column series of a model, but for one of its windows."""
        return sum(shown.series for key, shown in self.shown.items() if key[0] == model and key != without)

    def keep(self, model: str, version: str, segments: Collection[str]) -> None:
        """Show none but these segments of a model version."""
        gone = [key for key in self.shown if key[:2] == (model, version) and key[2] not in segments]
        for key in gone:
            del self.shown[key]

    def age(self, model: str, version: str, *, end: int) -> None:
        """A window that ends then is shown, and segments without events in it no more, or they would drift for good."""
        for key in [key for key, shown in self.shown.items() if key[:2] == (model, version) and key[2]]:
            if self.shown[key].end < end:
                del self.shown[key]

    def render(self) -> Iterator[bytes]:
        """All of it in Prometheus's text format, a piece for each window and metric."""
        shown = [window for _, window in sorted(self.shown.items())]
        for spec in (*WINDOWS, *COLUMNS, *COMPARED, *MOVED):
            yield f"# HELP {spec.full} {spec.help}\n# TYPE {spec.full} {spec.type}\n".encode()
            yield from (window.lines.get(spec.name, b"") for window in shown)


def show(result: Result, profile: Profile, *, key: Key, room: int) -> Shown:
    """The lines of a result, with at most `room` column series: predictions first, then in the profile's order.

    Of a segment few are shown, for there may be many: its verdict and events, and the drift ratio of its columns.
    Those beside other references come after all of the deciding one, and what moved after these.
    """
    lines: defaultdict[str, list[str]] = defaultdict(list)
    part = result.segment is not None
    _write(lines, WINDOW, key, {k: v for k, v in _window(result).items() if not part or k in OF_SEGMENTS})
    used = dropped = 0
    for names, values, gauges in _series(result, profile, key):
        gauges = {k: v for k, v in gauges.items() if not part or k in OF_SEGMENTS}
        if used + len(gauges) > room:
            dropped += len(gauges)
            continue
        used += len(gauges)
        _write(lines, names, values, gauges)
    return Shown(result.end, {name: "".join(written).encode() for name, written in lines.items()}, used, dropped)


def _series(result: Result, profile: Profile, key: Key) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], _Gauges]]:
    """Label names, their values and the gauges under them: of each column, each beside others, and what moved."""
    columns = sorted(profile.columns, key=lambda column: _FIRST[column.role])
    for column in columns:
        if column.name in result.columns:
            gauges = _column(result.columns[column.name], column, profile.events)
            yield COLUMN, (*key, column.name, column.role), gauges
    for name, other in result.compared.items():
        for column in columns:
            if column.name in other.columns:
                values = (*key, name, column.name, column.role)
                yield COMPARED_COLUMN, values, _scores("compared", other.columns[column.name])
    for names, found, gauges in moved(result):
        yield names, (*key[:2], *found), gauges


def _write(
    lines: dict[str, list[str]], names: Sequence[str], values: Sequence[str], gauges: Mapping[str, float]
) -> None:
    """Add a line per gauge, under its metric's name."""
    pairs = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True))
    for name, number in gauges.items():
        lines[name].append(f"{PREFIX}{name}{{{pairs}}} {float(number)!r}\n")


def _window(result: Result) -> dict[str, float]:
    return {
        "window_end_timestamp_seconds": result.end / 1000,
        "window_events": result.events,
        "window_late_events": result.late,
        "model_verdict": SEVERITY[result.verdict],
        "model_columns": len(result.columns),
        "model_drifted_columns": len(result.drifted),
        "model_episode_active": int(result.episode is not None),
        "model_episode_start_timestamp_seconds": _episode_start(result) if result.episode else 0,
        "model_episode_worst_ratio": _worst_ratio(result),
        "model_episode_worst_timestamp_seconds": result.worst.start / 1000 if result.worst else 0,
    }


def _episode_start(result: Result) -> float:
    """An episode's id ends with its start, so a restarted worker knows it without having seen it open."""
    try:
        return datetime.fromisoformat(str(result.episode).rsplit("/", 1)[-1]).timestamp()
    except ValueError:
        return result.start / 1000


def _worst_ratio(result: Result) -> float:
    if result.worst is None:
        return 0.0
    return math.inf if result.worst.ratio is None else result.worst.ratio


def _column(result: ColumnResult, column: Column, reference: int) -> dict[str, float]:
    """Gauges that are defined: a method that was not computed, and a share of no events, have none."""
    made = {"column_verdict": SEVERITY[result.verdict], **_scores("column", result)}
    events = result.n + result.missing + result.invalid
    if events:
        made["column_missing_ratio"] = result.missing / events
        made["column_invalid_ratio"] = result.invalid / events
        made["column_unseen_ratio"] = result.unseen / events
    if reference:
        made["column_reference_missing_ratio"] = int(column.counts[MISSING]) / reference
        made["column_reference_invalid_ratio"] = int(column.counts[INVALID]) / reference
    return made


def _scores(prefix: str, column: ColumnResult | ComparedColumn) -> _Gauges:
    """What a reference says of a column; the methods without a metric are left out."""
    made: _Gauges = {}
    for name in METHODS:
        score = column.scores.get(name)
        if score is not None and score.statistic is not None:
            made[f"{prefix}_{name}"] = score.statistic
    if column.ratio is not None:
        made[f"{prefix}_drift_ratio"] = column.ratio
    return made
