"""Two-proportion z: by how many standard errors the share of one of two values has changed.

From 0 (equal shares) upwards; larger is more drift, and the same shift is larger with more events. For columns whose
reference has two values; the share is that of its more frequent one, and what is new counts as the other, so a value
that takes the other's place is not seen here, only as `unseen`. It is the root of `chi2` on two cells. Undefined
where the reference has more values. Source: Pearson 1900; Fleiss, Levin and Paik 2003, chapter 3, without their
correction.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed, check_alpha, effective_size

TITLE = "Two-proportion z"
KINDS = frozenset({"ordered", "unordered"})
BINS = "fine"
THRESHOLD = None
BINARY = True
RANGE = "0 to ∞"
USE = "A test for columns with two values, such as flags."
COST = 3
ALIASES = {"Evidently": "z"}


def compute(a: Sample, b: Compared) -> Computed:
    """|p - q| / √(h(1 - h) / ne), ne = nm / (n + m); shape of both: (cells,). p-value: the normal's, both ways.

    p, q, h: share of the reference's most frequent cell in the reference, the window, and both. Here ½ against 1:

    >>> round(float(compute(*Sample.pair(np.array([10, 10]), np.array([20, 0]))).statistic), 4)
    3.6515
    """
    two, then, now = b.hits
    total, found = np.maximum(a.n + b.n, 1), then + now
    apart = np.abs(then / np.maximum(a.n, 1) - now / np.maximum(b.n, 1))
    variance = found / total * ((total - found) / total)
    known = (variance > 0) & (b.size > 0)
    z = np.where(known, apart / np.sqrt(np.where(known, variance / np.where(known, b.size, 1.0), 1.0)), 0.0)
    z = np.where(two, z, np.nan)
    return Computed(z, 2 * ndtr(-z))


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The z that a clean window exceeds with probability `alpha`; `floor` is a Cohen's w that is let pass.

    nan for an empty sample. Without a floor it is a quantile of the normal distribution:

    >>> round(critical(0.05, n_reference=100, n_current=100, cells=2), 2)
    1.96
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    return math.sqrt(float(ndtri(alpha / 2)) ** 2 + floor**2 * effective) if effective else math.nan
