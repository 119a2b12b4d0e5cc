"""All tests of a model's window decided together, so that its columns share one budget of false pages.

Benjamini and Hochberg (1995): of m p-values in order, all up to the last that is no larger than its place · level / m
are drift. In a clean window any of them is with probability `level` at most, and where much has drifted the smaller
drifts are found too. So the threshold of a column depends on the window's other columns: it is lower, never higher,
where others have drifted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from monitor.drift.thresholds import WARNINGS_PER_PAGE
from monitor.drift.variation import Variation

LEAST = 1e-12  # p-values below it are all the same
ROUNDS = 40  # halvings of the logarithm of a p-value


class Levels(NamedTuple):
    """The p-values up to which the tests of one window are `warning` and `drift`."""

    warning: float
    drift: float


class Effect(NamedTuple):
    """A squared effect and what a clean window's may be: `sampling` tells it for a p-value, `variation` likewise.

    No effect below `floor` matters. `weight` is this test's share of what its column may spend.
    """

    squared: float
    sampling: Callable[[float], float]
    variation: Variation
    floor: float
    weight: float = 1.0

    def limit(self, level: float) -> float:
        """The squared effect that a clean window exceeds with probability weight · `level` at most."""
        alpha = self.weight * level
        return max(self.sampling(alpha) + self.variation.reach(alpha), self.floor)

    def pvalue(self, most: float) -> float:
        """The level at which the effect is the limit, 1 where it is above `most`."""
        if not self.squared > self.floor or not self.squared > self.limit(most):
            return 1.0
        if self.squared > self.limit(LEAST):
            return LEAST
        low, high = LEAST, most
        for _ in range(ROUNDS):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self.squared > self.limit(middle) else (middle, high)
        return high


def levels(columns: Sequence[Sequence[Effect]], level: float) -> Levels:
    """The levels of one window: `columns` are the tests of every column that is judged, of all segments together.

    level: the probability with which a clean window may be in drift. A column is as striking as its most striking test.
    A test whose variation is not known may warn, and is not among those that decide on drift.
    """
    loose = min(0.5, level * WARNINGS_PER_PAGE)
    found = [[(test, test.pvalue(loose)) for test in tests] for tests in columns]
    every = [min(pvalue for _, pvalue in tests) for tests in found if tests]
    known = [[pvalue for test, pvalue in tests if not test.variation.unknown] for tests in found]
    drift = cutoff([min(pvalues) for pvalues in known if pvalues], level)
    return Levels(max(cutoff(every, loose), drift), drift)


def cutoff(pvalues: Sequence[float], level: float) -> float:
    """The p-value up to which tests are rejected; where none is, the one that a single test would have to reach.

    >>> [round(cutoff(found, 0.06), 3) for found in ([0.9, 0.03, 0.5], [0.9, 0.015, 0.03], [0.9, 0.8, 0.7])]
    [0.02, 0.04, 0.02]
    """
    ranked = sorted(pvalues)
    share = level / max(len(ranked), 1)
    return max((place for place, pvalue in enumerate(ranked, 1) if pvalue <= place * share), default=1) * share
