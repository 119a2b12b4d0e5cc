"""Mann-Whitney z: by how many standard errors a window's event more often exceeds one of the reference than not.

From 0 (neither is larger more often) upwards; larger is more drift, and the same shift is larger with more events. It
sees that values have become larger or smaller, not that they have spread. All events of a bin are tied: they count
half, and the standard error is corrected for ties, so the p-value is right for any bins that hold enough events.
Sources: Mann and Whitney 1947; Lehmann 1975, section 1.4, for ties.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from monitor.drift.methods import z_test
from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed
from monitor.drift.sums import dot

TITLE = "Mann-Whitney z"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
RANGE = "0 to ∞"
USE = "A test for larger or smaller values that outliers cannot lead. Blind to changes of spread."
COST = 4
ALIASES = {"Evidently": "mannw", "scipy": "mannwhitneyu"}


def compute(a: Sample, b: Compared) -> Computed:
    """|A - ½| √(12 ne (N - 1)/N / (1 - Σ h³)), ne = nm / N, N = n + m; shape of both: (bins,).

    A: probability that an event of the window exceeds one of the reference, ties counted half. h: a bin's share of all
    events. p-value: the normal's, both ways, without correction for continuity. Here A is 1, so ½ √(12 · 1 · ¾ / ¾):

    >>> round(float(compute(*Sample.pair(np.array([2, 0]), np.array([0, 2]))).statistic), 4)
    1.7321
    """
    total, h = a.n + b.n, b.pooled
    untied = 1 - dot(h * h, h)
    spread = 12 * b.size * (total - 1) / np.maximum(total, 1) / np.where(untied > 0, untied, 1.0)
    z = np.where(untied > 0, np.abs(dot(b.apart_middle, h)) * np.sqrt(np.maximum(spread, 0.0)), 0.0)
    return Computed(z, 2 * ndtr(-z))


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The z that a clean window exceeds with probability `alpha`; `floor` is an |A - ½| that is let pass.

    That of a column without ties; with ties z is larger for the same effect, and less of it is let pass. nan for an
    empty sample.

    >>> round(critical(0.05, n_reference=100, n_current=100, cells=200), 2)
    1.96
    """
    within = math.sqrt(12) * floor
    return z_test.critical(alpha, n_reference=n_reference, n_current=n_current, cells=cells, floor=within)
