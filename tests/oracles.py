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


def anderson_darling(left: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """The two-sample Anderson-Darling statistic with mid-ranks by scipy, which shows it less 1 over its deviation.

    The deviation is that of Scholz and Stephens 1987, equation 4, for k = 2.
    """
    sizes = [len(np.asarray(side)) for side in (left, right)]
    total, inverse = sum(sizes), sum(1 / size for size in sizes)
    parts = 1 / np.arange(1, total)
    h, g = float(parts.sum()), float(parts[:0:-1] @ (parts[::-1].cumsum()[::-1][1:]))
    a = (4 * g - 6) + (10 - 6 * g) * inverse
    b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * inverse + 4 * h
    d = (2 * h + 6) * 4 - 8 * h
    variance = (a * total**3 + b * total**2 + c * total + d) / ((total - 1) * (total - 2) * (total - 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown = stats.anderson_ksamp([np.asarray(left), np.asarray(right)]).statistic
    return float(shown) * variance**0.5 + 1
