"""Total variation distance: share of probability mass that must move to turn one sample into the other.

A metric from 0 (equal shares) to 1 (no cell in common); larger is more drift. No customary threshold: elsewhere 0.1
is one for this distance's p-value (Evidently) or for the largest single cell (NannyML's L-infinity). Without a
configured number it informs and does not decide. Source: Levin, Peres and Wilmer 2009, proposition 4.2.
"""

from __future__ import annotations

import numpy as np

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed

TITLE = "Total variation distance"
KINDS = frozenset({"ordered", "unordered"})
BINS = "coarse"
THRESHOLD = None
DEFAULT = True
RANGE = "0 to 1"
USE = "Easiest to explain: the share of events that must change their cell."
COST = 1
ALIASES = {"Evidently": "TVD"}


def compute(a: Sample, b: Compared) -> Computed:
    """½ Σ |p - q|, p and q the shares; shape of both: (cells,). Here half of the events must change their cell:

    >>> float(compute(*Sample.pair(np.array([3, 1]), np.array([1, 3]))).statistic)
    0.5
    """
    return Computed(np.minimum(np.add.reduce(np.abs(b.apart), axis=-1) / 2, 1.0))
