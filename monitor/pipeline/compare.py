"""Compares a window's counts with the reference: every method's score, the deciding one's verdict.

`Comparison` holds what depends on the reference alone, so that a window costs a few additions and the formulas. A
window is scored first, then all its columns are decided together, then each gets its verdict.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

import msgspec

from monitor.config import ColumnRules
from monitor.drift import summaries
from monitor.drift.bins import INVALID, MISSING, Counts, Floats, Unordered
from monitor.drift.calibration import Calibration, calibrate
from monitor.drift.courses import of_part
from monitor.drift.decisions import Effect, Levels, levels
from monitor.drift.profiles import Profile
from monitor.drift.segments import Segmentation
from monitor.drift.stretches import ANY, Like
from monitor.drift.sums import published, rounded
from monitor.drift.thresholds import UNDEFINED, Limits
from monitor.drift.verdicts import Verdict, column_verdict, model_verdict
from monitor.pipeline.effects import Lasting
from monitor.pipeline.judges import Scored, Share, judge, scored
from monitor.pipeline.lasting import Group, Kept, Window, tests
from monitor.pipeline.lasting import grouped as by_cells
from monitor.pipeline.reasons import Judged, reason
from monitor.pipeline.recent import Recent
from monitor.pipeline.results import ColumnResult, LastingResult, ScoreResult, ShareResult
from monitor.pipeline.scoring import grouped, scores

SEGMENTS = 2_000  # columns of segments that are held ready to be compared with: some 10 MB
CELLS = 200_000  # of a window whose counts are published: no more than 2 MB of JSON


_segments: Recent[tuple[Comparison, str], Comparison] = Recent(SEGMENTS)


class Comparison:
    """Compares windows of one model version with its reference profile by its rules.

    pvalue: the share of clean windows that may be in drift. like: the reference's stretches that windows are like.
    segmentations: those by which windows are compared as well.
    """

    def __init__(
        self,
        profile: Profile,
        rules: Mapping[str, ColumnRules],
        *,
        pvalue: float,
        min_events: int,
        like: Like = ANY,
        segmentations: Sequence[Segmentation] = (),
        decisions: int | None = None,
        calibrations: tuple[Calibration, ...] | None = None,
    ) -> None:
        self.profile = profile
        self.pvalue = pvalue
        self._rules, self._segmentations = rules, segmentations
        self.min_events = min_events
        self._like = like
        self._judges = [judge(column, rules.get(column.name, ColumnRules()), pvalue) for column in profile.columns]
        self._kept = Kept([judge.cells for judge in self._judges], [len(judge.fine) for judge in self._judges])
        self._groups = grouped([(judge.layout, len(judge.fine)) for judge in self._judges])
        self._decisions = decisions or len(self._judges) * (1 + self._comparable)
        self._given = calibrations

    @cached_property
    def calibrations(self) -> tuple[Calibration, ...]:
        """What the reference's chunks say of every column; made when the first window comes, for it takes a moment."""
        return self._given or calibrate(self.profile, self._like)

    @cached_property
    def _lasting(self) -> list[Group]:
        return by_cells(self._judges, self.calibrations, self._kept)

    @cached_property
    def _without_seasons(self) -> tuple[Calibration, ...]:
        """The same where windows of any hour and day are compared with all of the reference."""
        return calibrate(self.profile, self._like._replace(phases=False))

    @property
    def _times(self) -> int:
        """How many of the reference's chunks make a window."""
        size = self.profile.chunks.size if self.profile.chunks else 0
        length = self._like.length
        return length // size if size and length and length % size == 0 else 1

    @property
    def _comparable(self) -> int:
        """Segments of which the reference has events enough."""
        first = self.profile.offsets[1]
        events = [counts[:first].sum() for found in self._segmentations for counts in found.counts]
        return sum(number >= self.min_events for number in events)

    def of_segments(self, names: AbstractSet[str]) -> Iterator[tuple[str, Comparison]]:
        """Comparisons with the reference's own counts of these segments; some are held, all would fill the memory."""
        for segmentation in self._segmentations:
            wanted = [name for name in segmentation.segments if name in names]
            found = {name: held for name in wanted if (held := _segments.get((self, name)))}
            found |= dict(self._made(segmentation, {*wanted} - {*found}))
            yield from ((name, found[name]) for name in wanted)

    def _made(self, segmentation: Segmentation, names: AbstractSet[str]) -> Iterator[tuple[str, Comparison]]:
        if not names:
            return
        course = segmentation.course
        for place, (name, counts) in enumerate(zip(segmentation.segments, segmentation.counts, strict=True)):
            if name in names:
                part = summaries.as_reference(self.profile, counts)
                made = self._of(part, None if course is None else course[place])
                yield name, _segments.put((self, name), made, len(part.columns))

    def _of(self, profile: Profile, course: Floats | None) -> Comparison:
        # With too few events of the reference nothing is decided, however many the window has.
        least = self.min_events if profile.events >= self.min_events else sys.maxsize
        phases = [one.phases for one in self.calibrations]
        made = of_part(profile.columns, self._without_seasons, course, times=self._times, phases=phases)
        return Comparison(
            profile,
            self._rules,
            pvalue=self.pvalue,
            min_events=least,
            like=self._like,
            decisions=self._decisions,
            calibrations=made,
        )

    def sums(self, counts: Counts) -> Counts:
        """What is kept of a window for the ones that come after it: its counts by few cells of every column."""
        return self._kept.of(counts)

    def __call__(self, counts: Counts, start: int = 0) -> tuple[Verdict, dict[str, ColumnResult]]:
        """The model's verdict and every column's result for a window's flat vector of counts."""
        window = self.score(counts, start)
        return self.decide(window, levels([column.tests for column in window], self.pvalue))

    def score(self, counts: Counts, start: int = 0, before: Sequence[tuple[int, Counts]] = ()) -> list[Scored]:
        """The columns of a window that begins at `start` (UTC ms), before anything is decided.

        before: starts and `sums` of the windows that came right before it, the latest first.
        """
        middle = (self._like.length or 0) // 2
        # A trail may be of a version of the code, or of a reference, whose cells were others.
        known = itertools.takewhile(lambda window: len(window[1]) == self._kept.width, before)
        windows = [Window(at + middle, sums) for at, sums in ((start, self.sums(counts)), *known)]
        columns = [cells for _, cells in summaries.slices(self.profile, counts)]
        judges = list(zip(self._judges, self.calibrations, strict=True))
        references = [judge.reference(calibration, start + middle) for judge, calibration in judges]
        lasting = tests(self._lasting, windows, references)
        found = scores(self._groups, references, [cells[:MISSING] for cells in columns])
        return [
            scored(*judges[i], cells, found[i], min_events=self.min_events, lasting=lasting.get(i, ()))
            for i, cells in enumerate(columns)
        ]

    def expected(self, name: str, start: int) -> Counts:
        """The counts of a column's value bins that a window which begins at `start` is compared with."""
        (place,) = (i for i, column in enumerate(self.profile.columns) if column.name == name)
        return self._judges[place].reference(self.calibrations[place], start + (self._like.length or 0) // 2)

    def decide(self, window: Sequence[Scored], at: Levels) -> tuple[Verdict, dict[str, ColumnResult]]:
        """What the columns are at these levels, which are those of all that is judged together."""
        columns = {column.judge.column.name: self._column(column, at) for column in window}
        return model_verdict(column.verdict for column in columns.values()), columns

    def _column(self, found: Scored, at: Levels) -> ColumnResult:
        judge, counts = found.judge, found.counts
        bounds = self._limits(found, at)
        thresholds = judge.rules.drift(**found.sizes, columns=self._decisions)
        made = {
            name: ScoreResult(published(statistic), published(found.scores.pvalues[name]), thresholds[name])
            for name, statistic in found.scores.statistics.items()
        }
        made[judge.primary] = msgspec.structs.replace(made[judge.primary], threshold=published(bounds.drift))
        shares, verdicts = {}, [self._verdict(found, bounds)]
        for share in found.shares:
            shares[share.kind], verdict = _share(share, at)
            verdicts.append(verdict)
        lasting, verdict = _lasting(found.lasting, at)
        verdicts.append(verdict)
        verdict = model_verdict(verdicts) if found.decided else _without_score(verdicts)
        bins = judge.column.bins
        unseen = int(counts[bins.unseen]) if isinstance(bins, Unordered) else 0
        shown = counts.tolist() if self.profile.size <= CELLS else None
        why = reason(found, made[judge.primary], at.drift, Judged(shares, lasting), self.min_events)
        missing, invalid = int(counts[MISSING]), int(counts[INVALID])
        return ColumnResult(
            judge.column.role,
            found.n,
            missing,
            invalid,
            unseen,
            verdict,
            judge.primary,
            made,
            shown,
            reason=why,
            shares=shares,
            lasting=lasting,
        )

    def _limits(self, found: Scored, at: Levels) -> Limits:
        """Of the deciding method's statistic; of a calibrated one at the levels of this window.

        With too few events there are none: the statistic is above nothing.
        """
        if not found.decided:
            return UNDEFINED
        if found.judge.calibrated:
            return _calibrated(found, at)
        return found.judge.rules.limits(found.judge.primary, **found.sizes, columns=self._decisions)

    def _verdict(self, found: Scored, bounds: Limits) -> Verdict:
        return column_verdict(rounded(found.statistic), bounds, n=found.n, min_events=self.min_events)


def _calibrated(found: Scored, at: Levels) -> Limits:
    if found.test is None:
        return UNDEFINED
    squares = [found.test.limit(level) for level in at]
    warning, drift = (rounded(math.sqrt(x) if found.judge.primary == "ks" else x * found.size) for x in squares)
    return Limits(warning, math.inf if found.test.variation.unknown else drift)


def _share(share: Share, at: Levels) -> tuple[ShareResult, Verdict]:
    """The share as it is published, and what it says of the column."""
    part, expected = rounded(share.count / share.events), rounded(share.expected.share)
    pvalue = rounded(share.expected.pvalue(share.count, share.events))
    if share.test is None:
        return ShareResult(part, expected, pvalue, None), "undecided"
    bounds = _bounds(share.test, at)
    return ShareResult(part, expected, pvalue, published(bounds.drift)), _said(abs(part - expected), bounds)


def _lasting(found: Sequence[Lasting], at: Levels) -> tuple[LastingResult | None, Verdict]:
    """The shift over several windows that is furthest beyond its threshold, and what all of them say of the column."""
    if not found:
        return None, "undecided"
    limits = [_drift(test, at) for _, test in found]
    effects = [rounded(math.sqrt(test.squared)) for _, test in found]
    most = max(range(len(found)), key=lambda i: effects[i] / limits[i])
    result = LastingResult(found[most].windows, effects[most], published(limits[most]))
    # What does not exceed the floor exceeds no limit: nearly always there is no need to know the one of a warning.
    above = [(effect, test) for effect, (_, test) in zip(effects, found, strict=True) if test.squared > test.floor]
    return result, model_verdict(["ok", *(_said(effect, _bounds(test, at)) for effect, test in above)])


def _bounds(test: Effect, at: Levels) -> Limits:
    """Of an effect, in its own units: above them is `warning` and `drift`."""
    return Limits(rounded(math.sqrt(test.limit(at.warning))), _drift(test, at))


def _drift(test: Effect, at: Levels) -> float:
    return math.inf if test.variation.unknown else rounded(math.sqrt(test.limit(at.drift)))


def _said(effect: float, bounds: Limits) -> Verdict:
    return "drift" if effect > bounds.drift else "warning" if effect > bounds.warning else "ok"


def _without_score(verdicts: Sequence[Verdict]) -> Verdict:
    """Of a column with too few values: in drift where a share says so, and undecided otherwise, not ok."""
    worst = model_verdict(verdicts)
    return worst if worst in {"warning", "drift"} else "undecided"
