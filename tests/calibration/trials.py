"""What a simulated model's pages and verdicts are: the real comparison, decision and episodes on its counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.config import ColumnRules
from monitor.drift.bins import Counts
from monitor.drift.decisions import levels
from monitor.drift.episodes import Episode, follow
from monitor.drift.onsets import BEFORE
from monitor.drift.verdicts import Verdict, model_verdict
from monitor.pipeline.compare import Comparison
from tests.calibration.worlds import HOUR, MONTH, Changes, Simulated, World

Before = list[tuple[int, list[Counts]]]  # starts of earlier windows and what is kept of each series, the latest first

PVALUE = 1 / MONTH  # a budget of one page in a month of hours


class Model:
    """All series of one model (one for each segment), judged together."""

    def __init__(self, world: World, rng: np.random.Generator, *, hours: int = MONTH) -> None:
        self.series = [Simulated(world, rng, hours=hours) for _ in range(world.segments)]
        self._comparisons = [
            Comparison(
                series.profile,
                {c.name: ColumnRules(methods=("ks" if c.ordered else "chi2",)) for c in series.profile.columns},
                pvalue=PVALUE,
                min_events=100,
                length=HOUR,
            )
            for series in self.series
        ]

    def judge(self, counts: Sequence[Counts], start: int, before: Before) -> tuple[Verdict, list[str]]:
        """The model's verdict on a window, and the columns in drift; the window is added to those before it."""
        scored = [
            compare.score(part, start, [(earlier, sums[place]) for earlier, sums in before])
            for place, (compare, part) in enumerate(zip(self._comparisons, counts, strict=True))
        ]
        self.add(counts, start, before)
        at = levels([column.tests for window in scored for column in window], PVALUE)
        found = [compare.decide(window, at) for compare, window in zip(self._comparisons, scored, strict=True)]
        drifted = [name for _, columns in found for name, column in columns.items() if column.verdict == "drift"]
        return model_verdict(verdict for verdict, _ in found), drifted

    def add(self, counts: Sequence[Counts], start: int, before: Before) -> None:
        """Keep of a window what is needed for those after it."""
        sums = [compare.sums(part) for compare, part in zip(self._comparisons, counts, strict=True)]
        before.insert(0, (start, sums))
        del before[BEFORE:]

    def clean_month(self) -> tuple[int, int]:
        """Episodes that open in the clean windows after the reference, and windows in drift."""
        months = [series.month() for series in self.series]
        episode: Episode | None = None
        opened = drifting = 0
        before: Before = []
        for hour in range(len(months[0])):
            start = self.series[0].start(hour)
            verdict, drifted = self.judge([month[hour] for month in months], start, before)
            was = episode
            episode = follow(was, verdict, start=start, end=start + HOUR, drifted=dict.fromkeys(drifted))
            opened += episode is not None and not episode.closed and (was is None or was.closed)
            drifting += verdict == "drift"
        return opened, drifting

    def finds(self, hour: int, changes: Changes) -> bool:
        """Whether the first of the changed columns of the first segment is found in the window of that hour."""
        return self.delays(hour, changes, most=1)[0] is not None

    def delays(self, hour: int, changes: Changes, *, most: int) -> list[int | None]:
        """For each changed column of the first segment the window, from 1, in which it was found; None: not in time."""
        before: Before = []
        for earlier in range(max(hour - BEFORE, 0), hour):
            self.add(self._hour(earlier, {}), self.series[0].start(earlier), before)
        found: dict[str, int] = {}
        for i in range(most):
            counts = self._hour(hour + i, changes)
            for name in self.judge(counts, self.series[0].start(hour + i), before)[1]:
                found.setdefault(name, i + 1)
        return [found.get(f"c{place:02}") for place in changes]

    def _hour(self, hour: int, changes: Changes) -> list[Counts]:
        """The counts of an hour, with the changes in the first segment."""
        first, *others = self.series
        return [first.window(hour, changes), *(series.window(hour) for series in others)]
