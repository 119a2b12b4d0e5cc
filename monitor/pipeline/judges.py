"""A column of the reference, ready to be compared with: its methods, its rules, and what its calibration makes of a
window's counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypedDict

import numpy as np
from scipy.special import chdtri, kolmogi

from monitor.config import ColumnRules
from monitor.drift.bins import (
    INVALID,
    MISSING,
    Counts,
    Floats,
    Ordered,
    Unordered,
    coarse_starts,
)
from monitor.drift.calibration import Calibration
from monitor.drift.decisions import Effect
from monitor.drift.methods import METHODS
from monitor.drift.methods import method as find
from monitor.drift.onsets import ALONE, SHARES, Cells, cells, effects
from monitor.drift.profiles import Column
from monitor.drift.scores import effective_size
from monitor.drift.shares import Expected
from monitor.drift.sums import rounded
from monitor.drift.thresholds import FLOORS, Rules, Widths, default_rule, rules_of
from monitor.drift.variation import Variation
from monitor.pipeline.scoring import Layout, Scores

PRIMARY = {True: "ks", False: "chi2"}  # by whether the bins have an order: the methods that are calibrated
DECIDING = 0.7  # of what a column may spend; its shares have the rest
KOLMOGOROV = math.pi**2 / 12  # mean of the squared distance of samples alike, over 1/ne


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


class Before(NamedTuple):
    """An earlier window: the moment in its middle (UTC ms), and its counts by a column's few cells."""

    moment: int
    sums: Counts


class Lasting(NamedTuple):
    """The test of a shift that began with the m-th newest window."""

    windows: int
    test: Effect


@dataclass(frozen=True, slots=True)
class Scored:
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
    moment: int,
    min_events: int,
    before: Sequence[Before] = (),
) -> Scored:
    """The tests of a column whose counts in a window around a moment have these scores.

    before: the windows that came right before this one, the latest first, as many as are known.
    """
    decided = found.n >= min_events and not math.isnan(found.statistics[judge.primary])
    lasting: tuple[Lasting, ...] = ()
    if judge.calibrated and decided and before:
        own = Before(moment, judge.cells.of(counts[:MISSING]))
        lasting = tuple(_lasting(judge, calibration, [own, *before]))
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
    return _effect(squared, calibration.design / size, calibration.variation, DECIDING * part, freedom=freedom)


def _effect(squared: float, noise: float, variation: Variation, weight: float, *, freedom: int | None) -> Effect:
    """A distance of cumulative shares whose variance is `noise` times that of a Brownian bridge or, with a freedom, of
    shares, where it is `noise` times chi-square.
    """
    if freedom is None:
        floor = KOLMOGOROV * noise + FLOORS["ks"] ** 2
        return Effect(squared, lambda alpha: _kolmogorov(alpha) * noise, variation, floor, weight)
    floor = freedom * noise + FLOORS["chi2"] ** 2
    return Effect(squared, lambda alpha: _chi_square(freedom, alpha) * noise, variation, floor, weight)


@lru_cache(maxsize=1_000)  # most windows are decided at the same level
def _kolmogorov(alpha: float) -> float:
    """The squared distance that a Brownian bridge reaches with this probability."""
    return float(kolmogi(alpha)) ** 2


@lru_cache(maxsize=1_000)
def _chi_square(freedom: int, alpha: float) -> float:
    return float(chdtri(freedom, alpha))


def _lasting(judge: Judge, calibration: Calibration, windows: Sequence[Before]) -> Iterator[Lasting]:
    """The tests of shifts over several windows, the newest first, where all that they need are known and not empty."""
    known = next((i for i, window in enumerate(windows) if not window.sums[-1]), len(windows))
    onsets = [onset for onset in calibration.onsets if len(onset.coefficients) <= known]
    if not onsets or (not judge.cells.ordered and judge.cells.compared < 2):
        return
    used = windows[: max(len(onset.coefficients) for onset in onsets)]
    sums = np.array([window.sums for window in used])
    sides = [_expected(judge, calibration, window.moment) for window in used]
    sizes, references = sums[:, -1].tolist(), [size for _, size in sides]
    away = judge.cells.shares(sums) - np.array([shares for shares, _ in sides])
    freedom, apart = None if judge.cells.ordered else judge.cells.compared - 1, calibration.phases is not None
    for onset, squared in zip(onsets, effects(onsets, away, judge.cells), strict=True):
        noise = calibration.design * _noise(onset.coefficients, sizes, references, apart=apart)
        weight = DECIDING * SHARES[onset.windows]
        yield Lasting(onset.windows, _effect(squared, noise, onset.variation, weight, freedom=freedom))


def _expected(judge: Judge, calibration: Calibration, moment: int) -> tuple[Floats, int]:
    """The reference's shares at a moment, and the events that they are of."""
    if calibration.phases is None:
        return judge.cells.expected, judge.size
    fine = calibration.phases.counts(moment)
    return judge.cells.shares(judge.cells.of(fine)), int(fine.sum())


def _noise(factors: Sequence[float], sizes: Sequence[int], references: Sequence[int], *, apart: bool) -> float:
    """What sampling adds to an estimate; references: events that each window is compared with, `apart` or the same."""
    own = sum(factor * factor / size for factor, size in zip(factors, sizes, strict=False))
    if apart:
        return own + sum(factor * factor / max(size, 1) for factor, size in zip(factors, references, strict=False))
    return own + sum(factors) ** 2 / max(references[0], 1)


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
