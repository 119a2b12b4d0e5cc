"""What a window means: a verdict per column, a verdict per model, and the episode that holds them together.

An episode opens with the first drift verdict and closes after `RECOVERY` windows in a row without one; alerts and
triggers belong to it. A warning does not keep it open: a column may sit near its threshold for good, and a page must
not. Its state is a value and `follow` a function, so it survives restarts wherever the value is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from monitor.drift.thresholds import Limits

Verdict = Literal["ok", "warning", "drift", "undecided"]

RECOVERY = 3  # windows in a row without drift that end an episode
SEVERITY: dict[Verdict, int] = {"undecided": -1, "ok": 0, "warning": 1, "drift": 2}


def column_verdict(statistic: float, limits: Limits, *, n: int, min_events: int) -> Verdict:
    """The verdict on a column's primary statistic; `undecided` with too few events or nothing to compare with.

    >>> column_verdict(0.15, Limits(warning=0.1, drift=0.2), n=1000, min_events=200)
    'warning'
    """
    if n < min_events or math.isnan(statistic) or math.isnan(limits.drift):
        return "undecided"
    if statistic > limits.drift:
        return "drift"
    return "warning" if statistic > limits.warning else "ok"


def model_verdict(columns: Iterable[Verdict]) -> Verdict:
    """The most severe verdict of any column; `undecided` only where all are.

    >>> model_verdict(["ok", "undecided", "warning"])
    'warning'
    """
    return max(columns, key=SEVERITY.__getitem__, default="undecided")


@dataclass(frozen=True, slots=True)
class Episode:
    """The stretch from the first drift verdict to the recovery; times are UTC milliseconds of windows.

    `windows` drifted in it, `calm` ones came after the last of them.
    """

    start: int
    end: int
    columns: tuple[str, ...]
    windows: int = 1
    calm: int = 0

    @property
    def closed(self) -> bool:
        """Whether the model has recovered."""
        return self.calm >= RECOVERY


def follow(
    episode: Episode | None, verdict: Verdict, *, start: int, end: int, revision: int, drifted: Iterable[str]
) -> Episode | None:
    """The episode after one more result of a window; None while there never was one.

    A drift verdict opens or prolongs it, also when a revision brings it; a revision of a window that the episode holds
    already neither opens it again nor delays its recovery. Every later window counts towards the recovery, except an
    `undecided` one, which says nothing.
    """
    if verdict == "drift":
        if episode is None or (episode.closed and not (revision and start < episode.end)):
            return Episode(start, end, tuple(sorted(drifted)))
        if episode.closed:
            return episode
        names = tuple(sorted({*drifted, *episode.columns}))
        if revision and end <= episode.end:
            return replace(episode, columns=names)
        return replace(episode, end=max(end, episode.end), columns=names, windows=episode.windows + 1, calm=0)
    if episode is None or episode.closed or revision or verdict == "undecided" or end <= episode.end:
        return episode
    return replace(episode, calm=episode.calm + 1)
