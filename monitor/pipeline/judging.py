"""All series of one window of a model are judged together: all events, and every segment that has any of them.

This is the one place where decisions that share a budget meet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from monitor.drift.bins import Counts
from monitor.drift.decisions import levels
from monitor.drift.verdicts import Verdict, model_verdict
from monitor.pipeline.compare import Comparison
from monitor.pipeline.explain import LINES, Explainer
from monitor.pipeline.results import ColumnResult, SegmentColumn, SegmentDrift, SegmentsResult, ranked

NOTHING: Mapping[str, Any] = {}
WHOLE = ""  # the name of the series of all events


class Judged(NamedTuple):
    """What one series says of the window, and what is kept of it for the windows after it."""

    verdict: Verdict
    columns: dict[str, ColumnResult]
    sums: Counts


Before = Mapping[str, Sequence[tuple[int, Counts]]]  # by segment: starts and sums of earlier windows, the latest first


def judge(
    comparison: Comparison, held: Mapping[str, Counts], start: int = 0, before: Before = NOTHING
) -> dict[str, Judged]:
    """The verdicts on a window that begins at `start` and has these counts, by segment; in the same order."""
    series = {WHOLE: comparison, **dict(comparison.of_segments(held.keys()))}
    window = {name: series[name].score(counts, start, before.get(name, ())) for name, counts in held.items()}
    at = levels([column.tests for scored in window.values() for column in scored], comparison.pvalue)
    made = {}
    for name, scored in window.items():
        own = series[name]
        found, columns = own.decide(scored, at)
        if name != WHOLE and own.profile.events < comparison.min_events:
            columns = {key: _lacking(column, own, comparison.min_events) for key, column in columns.items()}
        expected = {key: own.expected(key, start) for key, column in columns.items() if column.verdict == "drift"}
        moved = Explainer(own.profile).moved(held[name], columns, expected)
        made[name] = Judged(found, moved, own.sums(held[name]))
    return made


def verdict(judged: Mapping[str, Judged]) -> Verdict:
    """The model's verdict: the most severe of all events and of every segment."""
    return model_verdict(one.verdict for one in judged.values())


def drifted(judged: Mapping[str, Judged]) -> dict[str, float | None]:
    """The columns in drift anywhere, each with its largest statistic over threshold; None is beyond any number."""
    found: dict[str, float] = {}
    for one in judged.values():
        for name in ranked(one.columns):
            ratio = one.columns[name].ratio
            found[name] = max(math.inf if ratio is None else ratio, found.get(name, 0.0))
    return {name: None if math.isinf(ratio) else ratio for name, ratio in found.items()}


def summed_up(judged: Mapping[str, Judged], segments: Mapping[str, Mapping[str, str]]) -> SegmentsResult | None:
    """Which segments moved, of how many that have a verdict; None where none are monitored."""
    if not segments:
        return None
    parts = {name: one for name, one in judged.items() if name != WHOLE}
    moved = [
        SegmentDrift(dict(segments[name]), tuple(ranked(one.columns)))
        for name, one in parts.items()
        if one.verdict == "drift"
    ]
    alone = _alone(judged[WHOLE], parts, segments)
    return SegmentsResult(sum(one.verdict != "undecided" for one in parts.values()), tuple(moved), alone)


def _alone(
    whole: Judged, parts: Mapping[str, Judged], segments: Mapping[str, Mapping[str, str]]
) -> tuple[SegmentColumn, ...]:
    """The columns in drift that all events do not show, each in the segment where it is furthest beyond its threshold;
    as many as are told of a window.
    """
    worst: dict[str, tuple[float, str]] = {}
    for segment, one in parts.items():
        for name in ranked(one.columns):
            ratio = one.columns[name].ratio
            away = math.inf if ratio is None else ratio
            if whole.columns[name].verdict != "drift" and away > worst.get(name, (-math.inf, ""))[0]:
                worst[name] = away, segment
    first = sorted(worst, key=lambda name: (-worst[name][0], name))[:LINES]
    return tuple(_in_segment(name, segments[worst[name][1]], parts[worst[name][1]].columns[name]) for name in first)


def _in_segment(name: str, segment: Mapping[str, str], column: ColumnResult) -> SegmentColumn:
    return SegmentColumn(name, dict(segment), column.ratio, column.reason, column.moved)


def _lacking(column: ColumnResult, own: Comparison, least: int) -> ColumnResult:
    """A column of a segment of which the reference has too little to compare with."""
    why = f"the reference has {own.profile.events:,} events of this segment, {least:,} are needed"
    return msgspec.structs.replace(column, reason=why)
