"""The design effect: how much noisier a sample is than as many independent events.

Where each entity logs several identical rows at once, n rows say as much as n over the rows of an entity. Wandering
data look overdispersed too, but smoothly: it moves neighbouring bins alike. So the effect is read from how the events
of two neighbouring bins are split between them, given both: five identical rows fall into one of the two together,
and a shift of the whole column hardly changes the split. Source: Kish 1965; that rows come in clusters shows at all
scales, that data wander only at large ones.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

PAIRS = 40  # of neighbouring bins; with fewer, bins are too far apart to move alike
PARTS = 10  # of the range, judged apart: in the outermost a shift does change the split


def design_effect(counts: npt.NDArray[np.int64]) -> float:
    """From counts of ordered bins, shape (stretches, bins): 1 for independent events, nan where it does not show."""
    used = np.flatnonzero(np.add.reduce(counts, axis=0))
    pairs = len(used) // 2
    if pairs < PAIRS or len(counts) < 2:
        return math.nan
    first, second = counts[:, used[0 : 2 * pairs : 2]], counts[:, used[1 : 2 * pairs : 2]]
    both = first + second
    share = np.add.reduce(first, axis=0) / np.add.reduce(both, axis=0)
    away = first - both * share
    found = np.add.reduce(away * away, axis=0) * len(counts) / (len(counts) - 1)
    expected = np.add.reduce(both, axis=0) * share * (1 - share)
    starts = np.arange(PARTS) * pairs // PARTS
    parts = np.add.reduceat(found, starts) / np.add.reduceat(expected, starts)
    return max(float(np.median(parts)), 1.0)
