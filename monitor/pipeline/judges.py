"""A column of the reference, ready to be compared with: its methods, its rules, and what its calibration makes of a
window's counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from monitor.config import ColumnRules
from monitor.drift.bins import INVALID, MISSING, Counts, Ordered, Unordered, coarse_starts
from monitor.drift.calibration import Calibration
from monitor.drift.decisions import Effect
from monitor.drift.methods import METHODS
from monitor.drift.methods import method as find
from monitor.drift.onsets import ALONE, Cells, cells
from monitor.drift.profiles import Column
from monitor.drift.scores import effective_size
from monitor.drift.shares import Expected
from monitor.drift.sums import rounded
from monitor.drift.thresholds import Rules, Widths, default_rule, rules_of
from monitor.pipeline.effects import DECIDING, Lasting, effect
from monitor.pipeline.scoring import Layout, Scores

PRIMARY = {True: "ks", False: "chi2"}  # by whether the bins have an order: the methods that are calibrated


@dataclass(frozen=True, slots=True)
class Judge:
    """One column's reference; `calibrated` where its deciding method has no rule that somebody chose."""

    column: Column
    layout: Layout
    primary: str
    calibrated: bool
    rules: Rules
    fine: Counts
    size: int
    cells: Cells  # of which counts are kept from window to window

    def reference(self, calibration: Calibration, moment: int) -> Counts:
        """The reference's counts of the value bins at that moment."""
        return self.fine if calibration.phases is None else calibration.phases.counts(moment)

    def width(self, widths: Widths) -> int:
        """The cells that the deciding method compared."""
        made: int = getattr(widths, METHODS[self.primary].bins)
        return made


@dataclass(frozen=True, slots=True)
class Share:
    """How many events of a window are of a kind, and the test of it; None where there are too few to tell."""

    kind: str
    count: int
    events: int
    expected: Expected
    test: Effect | None


class Sizes(TypedDict):
    """Events of reference and window, and cells."""

    n_reference: int
    n_current: int
    widths: Widths


class Scored(NamedTuple):
    """A column's scores in a window and, of what is decided together with the others, the tests."""

    judge: Judge
    calibration: Calibration
    counts: Counts
    scores: Scores
    test: Effect | None
    shares: tuple[Share, ...]
    decided: bool  # whether there are enough events for the deciding method
    lasting: tuple[Lasting, ...]

    @property
    def n(self) -> int:
        """Usable values."""
        return self.scores.n

    @property
    def statistic(self) -> float:
        """That of the deciding method."""
        return self.scores.statistics[self.judge.primary]

    @property
    def sizes(self) -> Sizes:
        """What limits depend on."""
        return {"n_reference": self.scores.n_reference, "n_current": self.n, "widths": self.scores.widths}

    @property
    def size(self) -> float:
        """The effective size of window and reference; 0 where one is empty."""
        return effective_size(self.scores.n_reference, self.n)

    @property
    def tests(self) -> list[Effect]:
        """Those that this window is judged by."""
        own = [self.test] if self.test is not None and self.decided else []
        own += [test for _, test in self.lasting]
        return own + [share.test for share in self.shares if share.test is not None]


def judge(column: Column, rules: ColumnRules, pvalue: float) -> Judge:
    """The column by its rules; `pvalue` is for methods with a null that are not calibrated."""
    kind = "ordered" if column.ordered else "unordered"
    primary = find(rules.primary or (rules.methods[0] if rules.methods else PRIMARY[column.ordered])).name
    names = rules.methods or tuple(m.name for m in METHODS.values() if m.default and kind in m.kinds)
    methods = tuple(find(name) for name in dict.fromkeys([primary, *names]))
    chosen = rules_of(methods, tuple(rules.thresholds.get(m.name) or default_rule(m, pvalue=pvalue) for m in methods))
    fine = column.counts[:MISSING]
    starts, few = coarse_starts(column.bins, fine), cells(column.bins, fine)
    positions = column.bins.centers if isinstance(column.bins, Ordered) else None
    calibrated = primary == PRIMARY[column.ordered] and primary not in rules.thresholds
    layout = Layout(methods, starts, positions)
    return Judge(column, layout, primary, calibrated, chosen, fine, int(fine.sum()), few)


def scored(
    judge: Judge,
    calibration: Calibration,
    counts: Counts,
    found: Scores,
    *,
    min_events: int,
    lasting: tuple[Lasting, ...] = (),
) -> Scored:
    """The tests of a column whose counts in a window have these scores; lasting: those of shifts over several windows.

    With too few events there is none.
    """
    decided = found.n >= min_events and not math.isnan(found.statistics[judge.primary])
    lasting = lasting if decided else ()
    test = _deciding(judge, found, calibration, ALONE if lasting else 1.0) if judge.calibrated else None
    shares = tuple(_shares(judge, calibration, counts, min_events))
    return Scored(judge, calibration, counts, found, test, shares, decided, lasting)


def _deciding(judge: Judge, found: Scores, calibration: Calibration, part: float) -> Effect | None:
    """The calibrated test of ks or chi2 with a part of the weight; None where it is undefined."""
    size = effective_size(found.n_reference, found.n)
    statistic, number = rounded(found.statistics[judge.primary]), judge.width(found.widths)
    if not size or math.isnan(statistic) or number < 2:
        return None
    squared, freedom = (statistic**2, None) if judge.column.ordered else (statistic / size, number - 1)
    return effect(squared, calibration.design / size, calibration.variation, DECIDING * part, freedom=freedom)


def _shares(judge: Judge, calibration: Calibration, counts: Counts, min_events: int) -> Iterator[Share]:
    """The shares of which the window or the reference has any."""
    values = counts[:MISSING]
    found = {"missing": (int(counts[MISSING]), int(counts.sum())), "invalid": (int(counts[INVALID]), int(counts.sum()))}
    if isinstance(judge.column.bins, Unordered):
        found["unseen"] = (int(values[judge.column.bins.unseen]), int(values.sum()))
    for kind, (count, events) in found.items():
        expected = calibration.shares[kind]
        if events and judge.size and (count or expected.count):
            test = _share_test(expected, count, events, (1 - DECIDING) / len(found)) if events >= min_events else None
            yield Share(kind, count, events, expected, test)


def _share_test(expected: Expected, count: int, events: int, weight: float) -> Effect | None:
    more = count * expected.size > expected.count * events
    if expected.growth and not more:
        return None
    away = count / events - expected.share
    floor = expected.floor(more=more)
    return Effect(away * away, lambda p: expected.reach(events, p, more=more), expected.variation, floor, weight)
