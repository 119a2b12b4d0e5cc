"""G statistic: the likelihood ratio of "both samples have the same shares" against "each has its own".

From 0 (equal shares) upwards; larger is more drift, and the same shift is larger with more events, so the statistic
means nothing without its threshold. Its null and its threshold are those of `chi2`, which it comes near to with many
events in each cell. Sources: Wilks 1935; Sokal and Rohlf 1995.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, rel_entr

from monitor.drift.methods import chi2
from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed

TITLE = "G statistic"
KINDS = frozenset({"unordered"})
BINS = "pooled"
THRESHOLD = None
RANGE = "0 to ∞"
USE = "A test like chi2, by likelihood; louder about cells that are nearly empty in one sample."
COST = 12
ALIASES = {"Evidently": "g_test"}

critical = chi2.critical


def compute(a: Sample, b: Compared) -> Computed:
    """2 (n Σ p ln(p/h) + m Σ q ln(q/h)), h the shares of all events; shape of both: (cells,).

    p-value: upper tail of chi-square with a degree of freedom less than cells that either sample has; undefined with
    fewer than two. Without overlap, here 2 (4 ln 2 + 4 ln 2):

    >>> round(float(compute(*Sample.pair(np.array([4, 0]), np.array([0, 4]))).statistic), 4)
    11.0904
    """
    cells = np.count_nonzero(a.counts + b.counts, axis=-1)
    nats = a.events * rel_entr(a.shares, b.pooled) + b.events * rel_entr(b.shares, b.pooled)
    statistic = np.maximum(2 * np.add.reduce(nats, axis=-1), 0.0)  # rounding may leave less
    statistic = np.where(cells < 2, np.nan, statistic)
    return Computed(statistic, chdtrc(np.maximum(cells - 1, 1), statistic))
