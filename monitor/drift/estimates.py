"""Quantiles, mean and spread of a column from its counts on ordered bins, each with how far off it may be.

For people to look at: what decides is a method. An event counts as its bin's centre, and lies between the bin's edges.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from monitor.drift.bins import Counts, Floats, Ordered
from monitor.drift.sums import dot
from monitor.errors import DriftlineError


class Estimate(NamedTuple):
    """A value in the column's unit. The true one is at most `error` away, if events in open bins lie at their centres.

    `open` is the share of these events: the first and the last bin have no end, and nothing bounds them.
    """

    value: float
    error: float
    open: float


def quantile(bins: Ordered, counts: Counts, share: float) -> Estimate:
    """The value below which a share of the events lies; counts have shape (bins.values,). nan without events.

    It lies in the same bin as the true one, so the error is the way to that bin's farther edge, infinite for an open
    bin; `open` is 1 for it and else 0. Where every value has a bin of its own it is exact:

    >>> quantile(Ordered(np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.5, 3.0, 5.0])), np.array([1, 2, 6, 1]), 0.5)
    Estimate(value=3.0, error=1.0, open=0.0)
    """
    if not 0 <= share <= 1:
        raise DriftlineError(f"share: expected a number from 0 to 1, got {share}")
    below = counts.cumsum()
    if not below[-1]:
        return Estimate(math.nan, math.nan, math.nan)
    rank = max(math.ceil(share * int(below[-1])), 1)
    place = int(below.searchsorted(rank))
    reach = float(_reaches(bins)[place])
    return Estimate(float(bins.centers[place]), reach, float(not math.isfinite(reach)))


def mean(bins: Ordered, counts: Counts) -> Estimate:
    """The mean of the events; of the reference itself it is exact, as centres are the means of its bins.

    The error is the mean way to the farther edge of an event's bin. Here (1.5 + 3) / 2 and (0.5 + 1) / 2:

    >>> mean(Ordered(np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.5, 3.0, 5.0])), np.array([0, 2, 2, 0]))
    Estimate(value=2.25, error=0.75, open=0.0)
    """
    n = int(counts.sum())
    if not n:
        return Estimate(math.nan, math.nan, math.nan)
    shares = counts / n
    error, beyond = _bounded(bins, shares, power=1)
    return Estimate(float(dot(shares, bins.centers)), error, beyond)


def spread(bins: Ordered, counts: Counts) -> Estimate:
    """The standard deviation of the events, as of a population.

    A deviation is a length: it changes by no more than the root of the mean squared way from the centres. Here the
    centres are 0.75 from their mean, and that root is √((0.25 + 1) / 2):

    >>> spread(Ordered(np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.5, 3.0, 5.0])), np.array([0, 2, 2, 0]))
    Estimate(value=0.75, error=0.7905694150420949, open=0.0)
    """
    n = int(counts.sum())
    if not n:
        return Estimate(math.nan, math.nan, math.nan)
    shares = counts / n
    scale = float(np.abs(bins.centers).max()) or 1.0  # squares of the largest floats would overflow
    scaled = bins.centers / scale
    around = scaled - dot(shares, scaled)
    error, beyond = _bounded(bins, shares, power=2)
    return Estimate(scale * math.sqrt(dot(shares, around * around)), error, beyond)


def _reaches(bins: Ordered) -> Floats:
    """How far a value of each bin may lie from its centre; infinite for open bins, 0 where one value has the bin."""
    edges = np.concatenate(([-np.inf], bins.edges, [np.inf]))
    alone = np.nextafter(edges[:-1], np.inf) == edges[1:]
    with np.errstate(over="ignore"):
        return np.where(alone, 0.0, np.maximum(bins.centers - edges[:-1], edges[1:] - bins.centers))


def _bounded(bins: Ordered, shares: Floats, *, power: int) -> tuple[float, float]:
    """The mean of the reaches (in the power) over the events, open bins left out, and the share of these."""
    reaches = _reaches(bins)
    closed = np.isfinite(reaches)
    scale = float(reaches[closed].max(initial=0.0)) or 1.0
    raised = (reaches[closed] / scale) ** power
    return scale * float(dot(shares[closed], raised)) ** (1 / power), float(shares[~closed].sum())
