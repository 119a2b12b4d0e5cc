"""Missing, invalid and unseen: does the window have more of them, or fewer, than the reference lets expect?

k of n events in the window, K of N in the reference. Given k + K, k is binomial with n / (n + N) where both are rare
(Przyborowski and Wilenski 1940), an exact test that errs on the quiet side where they are frequent. Of values that the
reference never had, the number to expect is that of what it had once (Good 1953), or in a single stretch of time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import betainc

from monitor.drift.bins import Counts, Unordered
from monitor.drift.variation import Variation

FLOOR = 0.10  # Cohen's h, as his w of categories: from nothing to 0.25 %, from 10 % to 13 %, from 50 % to 55 %
NONE = Variation()


@dataclass(frozen=True, slots=True)
class Expected:
    """What the reference had: `count` of `size` events, how far their share moves by itself, the design effect."""

    count: int
    size: int
    variation: Variation = NONE
    design: float = 1.0
    growth: bool = False  # only more is of interest

    def moving(self, variation: Variation) -> Expected:
        """The same, where the share varies so."""
        return replace(self, variation=variation)

    @property
    def share(self) -> float:
        """Of the reference's events."""
        return self.count / self.size

    def pvalue(self, count: int, n: int) -> float:
        """The chance of a count of n events that is as far from what is expected, by sampling alone.

        Here 1/16, of either side:

        >>> Expected(0, 300).pvalue(2, 100)
        0.125
        """
        more = count * self.size > self.count * n
        if 2 * self.count > self.size:
            tail = _tail(self.size - self.count, n - count, n / (n + self.size), not more)
        else:
            tail = _tail(self.count, count, n / (n + self.size), more)
        return tail if self.growth else min(2 * tail, 1.0)

    def reach(self, n: int, alpha: float, *, more: bool) -> float:
        """How far, squared, the share of a clean window of n events gets with probability `alpha`, by sampling."""
        level = alpha if self.growth else alpha / 2
        away = _reach(self.count, self.size, n, level, more)
        return self.design * away * away

    def floor(self, *, more: bool) -> float:
        """The squared difference of shares that is let pass however many events there are."""
        angle = math.asin(math.sqrt(self.share)) + (FLOOR / 2 if more else -FLOOR / 2)
        away = math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2 - self.share
        return away * away


def unseen(bins: Unordered, counts: Counts, chunks: Counts | None) -> tuple[int, Counts | None]:
    """How many events are expected outside of the categories among as many as the reference has, and in each stretch.

    counts: of the value bins. chunks: the same over time, shape (stretches, bins). What one of several stretches alone
    had, it would have brought as news. Of the categories in `other` only their sum is known, and as many as possible
    had one event. Events outside are the reference's own where it was updated, or has the bins of another.
    """
    known, outside = counts[: len(bins.categories)], int(counts[bins.unseen])
    once = outside + int(np.count_nonzero(known == 1)) + _hidden(bins, counts)
    if chunks is None or len(chunks) < 2:
        return once, None
    cells = chunks[:, : len(bins.categories)]
    news = chunks[:, bins.unseen] + np.add.reduce(np.where((cells == known) & (known > 0), cells, 0), axis=1)
    return max(once, int(news.sum()) + _hidden(bins, counts)), news


def _hidden(bins: Unordered, counts: Counts) -> int:
    """The most categories in `other` with a single event: none of them has more than the least one that is shown."""
    others, events = len(bins.others), int(counts[len(bins.categories)])
    least = int(counts[len(bins.categories) - 1]) if bins.categories else events
    if least <= 1 or not others:
        return min(others, events)
    return max(min(others, events, (others * least - events) // (least - 1)), 0)


def _tail(count: int, k: int, chance: float, more: bool) -> float:
    """The chance of k events or more (or fewer) beside the `count` of the reference, each being ours by `chance`."""
    if more:
        return float(betainc(k, count + 1, chance)) if k else 1.0
    return float(betainc(count, k + 1, 1 - chance)) if count else 1.0


@lru_cache(maxsize=10_000)  # most columns of a window have nothing missing
def _reach(count: int, size: int, n: int, level: float, more: bool) -> float:
    """The distance, half an event beyond the last count that a clean window has with more than this probability."""
    if 2 * count > size:
        return _reach(size - count, size, n, level, not more)
    chance = n / (n + size)
    low, high = (round(n * count / size) - 1, n + 1) if more else (-1, round(n * count / size) + 1)
    while high - low > 1:
        k = (low + high) // 2
        if (_tail(count, k, chance, more) > level) == more:
            low = k
        else:
            high = k
    return (high - 0.5) / n - count / size if more else count / size - (low + 0.5) / n
