"""What a simulated model's pages and verdicts are: the real comparison, decision and episodes on its counts."""

from __future__ import annotations

import numpy as np

from monitor.config import ColumnRules
from monitor.drift.bins import Counts
from monitor.drift.episodes import Episode, follow
from monitor.drift.onsets import BEFORE
from monitor.drift.stretches import Like
from monitor.drift.verdicts import Verdict
from monitor.pipeline import judging
from monitor.pipeline.compare import Comparison
from monitor.pipeline.judging import WHOLE
from tests.calibration import parts
from tests.calibration.worlds import HOUR, MONTH, Changes, Simulated, World

Held = dict[str, Counts]  # a window's counts by segment; of all events first
Before = list[tuple[int, Held]]  # starts of earlier windows and what is kept of each series, the latest first

PVALUE = 1 / MONTH  # a budget of one page in a month of hours


class Model:
    """All segments of one model, or one series of all its events, judged as a worker does."""

    def __init__(self, world: World, rng: np.random.Generator, *, hours: int = MONTH) -> None:
        self._series = [Simulated(world.segment(place), rng, hours=hours) for place in range(world.segments)]
        profile = self._series[0].profile if world.segments == 1 else parts.together(self._series)
        self._comparison = Comparison(
            profile,
            {c.name: ColumnRules(methods=("ks" if c.ordered else "chi2",)) for c in profile.columns},
            pvalue=PVALUE,
            min_events=100,
            like=Like(HOUR),
            segmentations=profile.segmentations,
        )

    def judge(self, held: Held, start: int, before: Before) -> tuple[Verdict, dict[str, float | None]]:
        """The model's verdict on a window, and the columns in drift; the window is added to those before it."""
        trails = {name: [(earlier, sums[name]) for earlier, sums in before] for name in held}
        judged = judging.judge(self._comparison, held, start, trails)
        _add(before, start, {name: one.sums for name, one in judged.items()})
        return judging.verdict(judged), judging.drifted(judged)

    def clean_month(self) -> tuple[int, int]:
        """Episodes that open in the clean windows after the reference, and windows in drift."""
        months = [series.month() for series in self._series]
        episode: Episode | None = None
        opened = drifting = 0
        before: Before = []
        for hour in range(len(months[0])):
            start = self._series[0].start(hour)
            verdict, drifted = self.judge(self._held([month[hour] for month in months]), start, before)
            was = episode
            episode = follow(was, verdict, start=start, end=start + HOUR, drifted=drifted)
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
            held = self._hour(earlier, {})
            sums = {name: self._comparison.sums(counts) for name, counts in held.items()}
            _add(before, self._series[0].start(earlier), sums)
        found: dict[str, int] = {}
        for i in range(most):
            for name in self.judge(self._hour(hour + i, changes), self._series[0].start(hour + i), before)[1]:
                found.setdefault(name, i + 1)
        return [found.get(f"c{place:02}") for place in changes]

    def _hour(self, hour: int, changes: Changes) -> Held:
        """The counts of an hour, with the changes in the first segment."""
        first, *others = self._series
        return self._held([first.window(hour, changes), *(series.window(hour) for series in others)])

    def _held(self, counts: list[Counts]) -> Held:
        """A window by segment, from the counts of each."""
        if len(counts) == 1:
            return {WHOLE: counts[0]}
        first = self._series[0].profile.columns[0].size
        own = [parts.with_part(one, i, len(counts), one[:first].sum()) for i, one in enumerate(counts)]
        return {WHOLE: np.add.reduce(own), **{parts.name(i): one for i, one in enumerate(own)}}


def _add(before: Before, start: int, sums: Held) -> None:
    """Keep of a window what is needed for those after it."""
    before.insert(0, (start, sums))
    del before[BEFORE:]
