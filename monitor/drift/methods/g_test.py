"""G statistic: the likelihood ratio of "both samples have the same shares" against "each has its own".

From 0 (equal shares) upwards; larger is more drift, and the same shift is larger with more events, so the statistic
means nothing without its threshold. Its null and its threshold are those of `chi2`, which it comes near to with many
events in each cell. Sources: Wilks 1935; Sokal and Rohlf 1995.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, rel_entr

from monitor.drift.methods import chi2
from monitor.drift.samples import Side, samples
from monitor.drift.scores import Score, undefined

TITLE = "G statistic"
KINDS = frozenset({"unordered"})
BINS = "pooled"
THRESHOLD = None
RANGE = "0 to ∞"
USE = "A test like chi2, by likelihood; louder about cells that are nearly empty in one sample."
COST = 4
ALIASES = {"Evidently": "g_test"}

critical = chi2.critical


def score(reference: Side, current: Side) -> Score:
    """2 (n Σ p ln(p/h) + m Σ q ln(q/h)), h the shares of all events; shape of both: (cells,).

    p-value: upper tail of chi-square with a degree of freedom less than cells that either sample has; undefined with
    fewer than two. Without overlap, here 2 (4 ln 2 + 4 ln 2):

    >>> round(score(np.array([4, 0]), np.array([0, 4])).statistic, 4)
    11.0904
    """
    a, b = samples(reference, current)
    events = a.counts + b.counts
    cells = int(np.count_nonzero(events))
    if not a.n or not b.n or cells < 2:
        return undefined(a.n, b.n, pvalue=True)
    shares = events / (a.n + b.n)
    nats = (a.n * rel_entr(a.shares, shares) + b.n * rel_entr(b.shares, shares)).sum()
    statistic = max(2 * float(nats), 0.0)  # rounding may leave less
    return Score(statistic, float(chdtrc(cells - 1, statistic)), a.n, b.n)
