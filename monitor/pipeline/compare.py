"""Compares a window's counts with the reference: every method's score, the deciding one's verdict.

`Comparison` holds what depends on the reference alone, so that a window costs a few additions and the formulas.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from monitor.config import ColumnRules
from monitor.drift import summaries
from monitor.drift.bins import (
    INVALID,
    MISSING,
    POOL_EXPECTED,
    Counts,
    Floats,
    Ordered,
    Unordered,
    coarse_starts,
    pooled_cells,
)
from monitor.drift.methods import METHODS, Method
from monitor.drift.methods import method as find
from monitor.drift.profiles import Column, Profile
from monitor.drift.samples import Sample
from monitor.drift.scores import Score
from monitor.drift.segments import Segmentation
from monitor.drift.sums import rounded
from monitor.drift.thresholds import Rule, default_rule, limits
from monitor.drift.verdicts import Verdict, column_verdict, model_verdict
from monitor.pipeline.results import ColumnResult, ScoreResult

CELLS = 200_000  # of a window whose counts are published: no more than 2 MB of JSON
PRIMARY = {True: "ks", False: "chi2"}  # by whether the bins have an order: the methods with a known null


@dataclass(frozen=True, slots=True)
class _Judge:
    """A column of the reference, ready to be compared with."""

    column: Column
    methods: tuple[Method, ...]
    primary: str
    rules: Mapping[str, Rule | None]
    fine: Counts
    size: int
    starts: npt.NDArray[np.intp]
    positions: Floats | None
    kept: Mapping[str, Sample] | None  # what is made of the reference, where it is used much

    def reference(self) -> Mapping[str, Sample]:
        """The reference in the views that methods ask for."""
        return self.kept or self.views(self.fine, self.size)

    def views(self, values: Counts, n: int) -> Mapping[str, Sample]:
        """Counts of the value bins, of `n` events, in these views."""
        coarse = Sample(np.add.reduceat(values, self.starts), n=n)
        return {"fine": Sample(values, positions=self.positions, n=n), "coarse": coarse}


class Comparison:
    """Compares windows of one model version with its reference profile by its rules.

    segmentations: those by which windows are compared as well. decisions: how many share the p-value; by default one
    for each column, of all events and of every segment that has a reference to compare with.
    """

    def __init__(
        self,
        profile: Profile,
        rules: Mapping[str, ColumnRules],
        *,
        pvalue: float,
        min_events: int,
        segmentations: Sequence[Segmentation] = (),
        decisions: int | None = None,
    ) -> None:
        self.profile = profile
        self._rules, self._pvalue = rules, pvalue
        self._min_events = min_events
        self._segmentations = segmentations
        self._judges = [_judge(column, rules.get(column.name, ColumnRules()), pvalue) for column in profile.columns]
        self._decisions = decisions or len(self._judges) * (1 + self._comparable)

    @property
    def _comparable(self) -> int:
        """Segments of which the reference has events enough."""
        first = self.profile.offsets[1]
        events = [counts[:first].sum() for found in self._segmentations for counts in found.counts]
        return sum(number >= self._min_events for number in events)

    def of_segments(self, names: AbstractSet[str]) -> Iterator[tuple[str, Comparison]]:
        """Comparisons with the reference's own counts of these segments; made anew, for they would fill the memory."""
        for segmentation in self._segmentations:
            if names.isdisjoint(segmentation.segments):
                continue
            for name, counts in zip(segmentation.segments, segmentation.counts, strict=True):
                if name in names:
                    yield name, self._of(summaries.as_reference(self.profile, counts))

    def _of(self, profile: Profile) -> Comparison:
        # With too few events of the reference nothing is decided, however many the window has.
        least = self._min_events if profile.events >= self._min_events else sys.maxsize
        return Comparison(profile, self._rules, pvalue=self._pvalue, min_events=least, decisions=self._decisions)

    def __call__(self, counts: Counts) -> tuple[Verdict, dict[str, ColumnResult]]:
        """The model's verdict and every column's result for a window's flat vector of counts."""
        pairs = zip(self._judges, summaries.slices(self.profile, counts), strict=True)
        columns = {column.name: self._column(judge, cells) for judge, (column, cells) in pairs}
        return model_verdict(column.verdict for column in columns.values()), columns

    def _column(self, judge: _Judge, counts: Counts) -> ColumnResult:
        values = counts[:MISSING]
        n = int(values.sum())
        bins = judge.column.bins
        verdict: Verdict = "undecided"
        made = {}
        reference, current = judge.reference(), judge.views(values, n)
        for method in judge.methods:
            score, cells = _score(method, reference, current)
            score = score._replace(statistic=rounded(score.statistic), pvalue=_rounded(score.pvalue))
            bounds = limits(
                judge.rules[method.name],
                method,
                n_reference=score.n_reference,
                n_current=n,
                cells=cells,
                columns=self._decisions,
            )
            made[method.name] = ScoreResult(_defined(score.statistic), _defined(score.pvalue), _defined(bounds.drift))
            if method.name == judge.primary:
                verdict = column_verdict(score.statistic, bounds, n=n, min_events=self._min_events)
        unseen = int(values[bins.unseen]) if isinstance(bins, Unordered) else 0
        missing, invalid = int(counts[MISSING]), int(counts[INVALID])
        shown = counts.tolist() if self.profile.size <= CELLS else None
        return ColumnResult(judge.column.role, n, missing, invalid, unseen, verdict, judge.primary, made, shown)


def _judge(column: Column, rules: ColumnRules, pvalue: float) -> _Judge:
    kind = "ordered" if column.ordered else "unordered"
    primary = find(rules.primary or (rules.methods[0] if rules.methods else PRIMARY[column.ordered])).name
    names = rules.methods or tuple(m.name for m in METHODS.values() if m.default and kind in m.kinds)
    methods = tuple(find(name) for name in dict.fromkeys([primary, *names]))
    chosen = {m.name: rules.thresholds.get(m.name) or default_rule(m, pvalue=pvalue) for m in methods}
    fine = column.counts[:MISSING]
    starts = coarse_starts(column.bins, fine)
    positions = column.bins.centers if isinstance(column.bins, Ordered) else None
    made = _Judge(column, methods, primary, chosen, fine, int(fine.sum()), starts, positions, None)
    # Kept, it is some 10 kB: too much for all columns of a hundred models, and little gained with the default methods.
    return made if all(method.default for method in methods) else replace(made, kept=made.views(fine, made.size))


def _score(method: Method, reference: Mapping[str, Sample], current: Mapping[str, Sample]) -> tuple[Score, int]:
    """The method's score on the view of the counts that it asks for, and the cells it compared."""
    if method.bins == "pooled":
        return _pooled(method, reference["fine"].counts, current["fine"].counts)
    sample = current[method.bins]
    return method.score(reference[method.bins], sample), len(sample.counts)


def _pooled(method: Method, fine: Counts, values: Counts) -> tuple[Score, int]:
    """The score on cells that both samples can expect events in, and how many they are.

    The shared cell holds what the reference has little of, or nothing. As many events as it lacks of five are added to
    both samples in their own proportion: one unseen event is then no alarm, and ten in a hundred are.
    """
    n, size = int(values.sum()), int(fine.sum())
    cells = pooled_cells(fine, n)
    reference, current = (np.bincount(cells, weights=side).astype(np.int64) for side in (fine, values))
    smaller = min(n, size)
    if smaller:
        lacking = max(POOL_EXPECTED - reference[-1] * smaller / size, 0.0) / smaller
        reference[-1] += math.ceil(lacking * size)
        current[-1] += math.ceil(lacking * n)
    return method.score(reference, current)._replace(n_reference=size, n_current=n), len(reference)


def _rounded(number: float | None) -> float | None:
    return None if number is None else rounded(number)


def _defined(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)
