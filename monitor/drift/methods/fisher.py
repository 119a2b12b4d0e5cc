"""Fisher's exact test of a 2 × 2 table, as a number that grows: minus the decimal logarithm of its p-value.

From 0 (equal shares) upwards: 3 is a p-value of 0.001; larger is more drift. For columns whose reference has two
values, as `z_test`, and for few events, where that one's p-value is not yet right. Exact up to 10,000 events in the
smallest margin of the table; beyond, the p-value is z's with the correction of Yates. Sources: Fisher 1935; two-sided
as R and scipy have it: all tables that are no more probable than the one found.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr, ndtri

from monitor.drift.bins import Floats
from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed, check_alpha, effective_size
from monitor.drift.sums import exp, log

TITLE = "Fisher's exact test, -log10 p"
KINDS = frozenset({"ordered", "unordered"})
BINS = "fine"
THRESHOLD = None
BINARY = True
RANGE = "0 to ∞"
USE = "A test for columns with two values in small windows, or where one value is rare. Dear with many events."
COST = 1500
ALIASES = {"Evidently": "fisher_exact", "Alibi Detect": "FETDrift", "scipy": "fisher_exact"}

LARGEST = 10_000  # tables that are summed


def compute(a: Sample, b: Compared) -> Computed:
    """-log₁₀ of the p-value: the probability of all tables of these margins that are no more probable than this one.

    Shape of both: (cells,). The lady tasting tea, who knew three cups of four: 34 / 70.

    >>> round(float(compute(*Sample.pair(np.array([3, 1]), np.array([1, 3]))).pvalue), 6)
    0.485714
    """
    two, then, now = (np.asarray(part) for part in b.hits)
    logs = np.full(two.shape, np.nan)
    for place in np.argwhere(two):
        i = tuple(place)
        first, second = int(then[i]), int(now[i])
        n, m = (int(np.asarray(side.n)[i]) for side in (a, b))
        logs[i] = min(_log_pvalue(first, second, n - first, m - second), 0.0)
    return Computed(np.abs(logs) / math.log(10), exp(logs))


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The number that a clean window exceeds with probability `alpha` at most; `floor` is a Cohen's w let pass.

    Without a floor -log₁₀ `alpha`; with one, that of z as far out as its own limit. nan for an empty sample.

    >>> round(critical(0.001, n_reference=100, n_current=100, cells=2), 6)
    3.0
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    z = math.sqrt(float(ndtri(alpha / 2)) ** 2 + floor**2 * effective)
    return -_log_both_tails(z) / math.log(10) if effective else math.nan


def _log_both_tails(z: float) -> float:
    """Natural logarithm of the probability that a normal variable is farther from 0 than z."""
    return math.log(2) + float(log_ndtr(-z))


def _log_pvalue(a: int, b: int, c: int, d: int) -> float:
    """Natural logarithm of the p-value of the table with rows (a, b) and (c, d).

    Columns are the samples. By turning the table, `a` counts on the smallest margin, so the fewest tables are summed.
    """
    tables = (a, b, c, d), (b, a, d, c), (a, c, b, d), (c, a, d, b)
    a, b, c, d = min(tables, key=lambda table: table[0] + table[2])
    drawn, total = a + c, a + b + c + d
    row = a + b
    if drawn > LARGEST:
        apart = max(abs(a * d - b * c) - total / 2, 0.0)
        return _log_both_tails(apart / math.sqrt(row * (c + d)) * math.sqrt(total / (drawn * (b + d))))
    low, high = max(0, row - (b + d)), min(row, drawn)
    k = np.arange(low, high, dtype=np.float64)
    steps = log((row - k) * (drawn - k)) - log((k + 1) * (b + d - row + k + 1))
    logs = np.concatenate(([0.0], steps.cumsum()))
    return _log_of_sum(logs[logs <= logs[a - low] + 1e-7]) - _log_of_sum(logs)


def _log_of_sum(logs: Floats) -> float:
    """Natural logarithm of the sum of what these are the logarithms of."""
    largest = float(logs.max())
    return largest + math.log(float(exp(logs - largest).sum()))
