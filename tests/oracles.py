"""What other people's code says, made quiet where it warns of what we do not ask it."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
from scipy import stats


def ks_distance(left: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """The Kolmogorov-Smirnov statistic of two samples by scipy; its p-value, which may fail for tiny ones, is left."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return float(stats.ks_2samp(np.asarray(left), np.asarray(right), method="asymp").statistic)
