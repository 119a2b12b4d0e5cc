"""The effects that decide on a column's distribution, in the terms of its budget."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from scipy.special import chdtri, kolmogi

from monitor.drift.decisions import Effect
from monitor.drift.thresholds import FLOORS
from monitor.drift.variation import Variation

DECIDING = 0.7  # of what a column may spend; its shares have the rest
KOLMOGOROV = math.pi**2 / 12  # mean of the squared distance of samples alike, over 1/ne


class Lasting(NamedTuple):
    """The test of a shift that began with the m-th newest window."""

    windows: int
    test: Effect


def effect(squared: float, noise: float, variation: Variation, weight: float, *, freedom: int | None) -> Effect:
    """A distance of cumulative shares whose variance is `noise` times that of a Brownian bridge or, with a freedom, of
    shares, where it is `noise` times chi-square.
    """
    if freedom is None:
        floor = KOLMOGOROV * noise + FLOORS["ks"] ** 2
        return Effect(squared, lambda alpha: _kolmogorov(alpha) * noise, variation, floor, weight)
    floor = freedom * noise + FLOORS["chi2"] ** 2
    return Effect(squared, lambda alpha: _chi_square(freedom, alpha) * noise, variation, floor, weight)


@lru_cache(maxsize=1_000)  # most windows are decided at the same level
def _kolmogorov(alpha: float) -> float:
    """The squared distance that a Brownian bridge reaches with this probability."""
    return float(kolmogi(alpha)) ** 2


@lru_cache(maxsize=1_000)
def _chi_square(freedom: int, alpha: float) -> float:
    return float(chdtri(freedom, alpha))
