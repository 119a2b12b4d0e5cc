"""An episode holds windows in drift together: one page and one call to retrain, however many windows there are.

    windows    o D D o D o o o      D drift, o ok or warning, recovery 3
    episode      ############.      opens with the first D, closes with the third o behind the last D

It opens with a window in drift and closes when `recovery` windows without drift lie behind its last one. A warning does
not keep it open: a column may sit near its threshold for good, and a page must not. A page cannot be taken back, so
what a revision says only adds: a window that was in drift once stays in its episode, and a later one may join it. Drift
that becomes known when `recovery` windows without it came after is over, and opens nothing; nor does a window from
before the episode change what was said of it.

Its state is a value and `follow` a function, so it survives restarts wherever the value is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from monitor.drift.verdicts import Verdict

RECOVERY = 3  # windows without drift that end an episode, unless a model asks for another number
CALM: frozenset[Verdict] = frozenset({"ok", "warning"})


@dataclass(frozen=True, slots=True)
class Worst:
    """The window and column with the largest statistic over threshold; `ratio` None is beyond any number."""

    start: int
    end: int
    column: str
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Episode:
    """The stretch from the first drift verdict to the recovery; times are UTC milliseconds of windows.

    `start` is that of the window that opened it, and names it; `end` that of the last window in drift. `windows`
    drifted in it, `calm` ones came after the last of them. `since` has for each column the start of the first window in
    which it was in drift.
    """

    start: int
    end: int
    columns: tuple[str, ...]
    windows: int = 1
    calm: int = 0
    recovery: int = RECOVERY
    worst: Worst | None = None
    since: Mapping[str, int] = field(default_factory=dict)

    @property
    def closed(self) -> bool:
        """Whether the model has recovered."""
        return self.calm >= self.recovery


def follow(
    episode: Episode | None,
    verdict: Verdict,
    *,
    start: int,
    end: int,
    drifted: Mapping[str, float | None],
    said: Verdict = "undecided",
    later: Iterable[Verdict] = (),
    recovery: int = RECOVERY,
) -> Episode | None:
    """The episode after one more result of a window; None while there never was one.

    drifted: statistic over threshold of the window's columns in drift. said: the most severe verdict of its earlier
    revisions, `undecided` where there was none; later: of each known window after it. A closed episode stays as it is,
    whatever `recovery` becomes, until another opens.
    """
    if verdict == "drift":
        calm = sum(known in CALM for known in later)
        if episode is None or episode.closed:
            over = calm >= recovery or (episode is not None and end <= episode.end)
            return episode if over else _opened(start, end, drifted, calm=calm, recovery=recovery)
        if start < episode.start:
            return episode
        return replace(
            episode,
            end=max(end, episode.end),
            columns=tuple(sorted({*drifted, *episode.columns})),
            windows=episode.windows + (said != "drift"),
            calm=calm if end > episode.end else episode.calm,
            recovery=recovery,
            worst=_worst(episode.worst, start, end, drifted),
            since={**episode.since, **{name: min(start, episode.since.get(name, start)) for name in drifted}},
        )
    known = said != "undecided"  # counted already
    if episode is None or episode.closed or verdict == "undecided" or known or end <= episode.end:
        return episode
    return replace(episode, calm=episode.calm + 1, recovery=recovery)


def _opened(start: int, end: int, drifted: Mapping[str, float | None], *, calm: int, recovery: int) -> Episode:
    worst = _worst(None, start, end, drifted)
    return Episode(start, end, tuple(sorted(drifted)), 1, calm, recovery, worst, dict.fromkeys(drifted, start))


def _worst(worst: Worst | None, start: int, end: int, drifted: Mapping[str, float | None]) -> Worst | None:
    """The worse of what was worst and this window's worst column; of equals the earlier one, then the first by name."""
    found = [Worst(start, end, column, ratio) for column, ratio in drifted.items()]
    return min([*found, *([worst] if worst else [])], key=_badness, default=None)


def _badness(worst: Worst) -> tuple[float, int, str]:
    return -math.inf if worst.ratio is None else -worst.ratio, worst.start, worst.column
