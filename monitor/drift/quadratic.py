"""Upper tails of the two limit laws that squared differences of cumulative shares have, for many events without ties.

Both are sums of Z²/μ over independent normal Z: μ is j²π² for Cramér and von Mises, j(j + 1) for Anderson and Darling,
j = 1, 2, … (Anderson and Darling 1952). Smirnov's formula (1937) gives the tail beyond x as an alternating sum of
integrals of exp(-ux/2) / (πu √|D(u)|) over every second gap between the μ, D(u) the product of all 1 - u/μ; each is
Gauss and Chebyshev's, as the integrand is infinite at both ends. It holds far out, where 1 - F has no digits left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
from scipy.special import cosdg, sindg

from monitor.drift.bins import Floats
from monitor.drift.sums import dot, exp

Law = Callable[[Floats], tuple[Floats, Floats]]

GAPS, NODES = 24, 48  # integrals that are added, and points of each
STEPS = 2_048  # of the table of a tail, equal in √x
SMALLEST = 1e-300  # probability where the tables end


def cramer_von_mises(nodes: Floats) -> tuple[Floats, Floats]:
    """At nodes -1 < t < 1 of every gap: u, and du / (u √|D|) over dt. In s = √u, D is sin(s)/s."""
    turns = 2 * np.arange(1, GAPS + 1)[:, None] - 0.5 + nodes / 2
    s = math.pi * turns
    return s * s, math.pi / np.sqrt(s * np.abs(sindg(turns * 180)))


def anderson_darling(nodes: Floats) -> tuple[Floats, Floats]:
    """The same in s = √(1 + 4u), where D is cos(πs/2) / (πu)."""
    s = 4.0 * np.arange(1, GAPS + 1)[:, None] + nodes
    u = (s * s - 1) / 4
    return u, s / 2 * np.sqrt(math.pi / (u * np.abs(cosdg(s * 90))))


def tail(law: Law, x: Floats) -> Floats:
    """The probability that a variable of the law exceeds x, to a ten-thousandth of it; 0 below 1e-300.

    The 5 % points are 0.461 (Anderson and Darling 1952) and 2.492 (Anderson and Darling 1954):

    >>> [round(float(tail(law, np.float64(x))), 3) for law, x in ((cramer_von_mises, 0.461), (anderson_darling, 2.492))]
    [0.05, 0.05]
    """
    logs, scale = _table(law)
    place = np.minimum(np.sqrt(x) * scale, STEPS)
    i = np.minimum(place, STEPS - 1).astype(np.intp)
    found: Floats = np.where(place < STEPS, exp(logs[i] + (place - i) * (logs[i + 1] - logs[i])), 0.0)
    return found


@lru_cache(maxsize=1_000)
def quantile(law: Law, alpha: float) -> float:
    """The x that is exceeded with probability `alpha`, to nine digits."""
    low, high = 0.0, 1.0
    while _exact(law, high) > alpha:
        low, high = high, high * 2
    for _ in range(34):
        middle = (low + high) / 2
        low, high = (middle, high) if _exact(law, middle) > alpha else (low, middle)
    return (low + high) / 2


@cache
def _table(law: Law) -> tuple[Floats, float]:
    """Logarithms of the tail at x = (i / scale)², i from 0 to STEPS."""
    scale = STEPS / math.sqrt(quantile(law, SMALLEST))
    tails = [_exact(law, (i / scale) ** 2) for i in range(STEPS + 1)]
    return np.array([math.log(max(found, SMALLEST)) for found in tails]), scale


def _exact(law: Law, x: float) -> float:
    u, weights, signs = _integrals(law)
    found = float(dot(signs, (exp(u * (-x / 2)) * weights).sum(axis=1))) / NODES
    return min(max(found, 0.0), 1.0) if x > 0.005 else 1.0  # below, more gaps would count


@cache
def _integrals(law: Law) -> tuple[Floats, Floats, Floats]:
    """u at all points, their weights, and the sign of each gap."""
    angles = (np.arange(NODES) + 0.5) * (180 / NODES)
    u, slopes = law(cosdg(angles))
    return u, slopes * sindg(angles), np.where(np.arange(GAPS) % 2, -1.0, 1.0)
