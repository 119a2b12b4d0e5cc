"""Wasserstein distance: how far an event must be carried on average to turn one sample into the other.

From 0 (equal shares) upwards, in the column's own unit; larger is more drift. No customary threshold, because it has
a unit: without a configured number it informs and does not decide. Source: Vallender 1974, which gives it as the area
between the cumulative shares.
"""

from __future__ import annotations

import numpy as np

from monitor.drift.bins import Counts, Floats
from monitor.drift.scores import Score, check, undefined
from monitor.errors import DriftlineError

TITLE = "Wasserstein distance"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
POSITIONS = True


def score(reference: Counts, current: Counts, *, positions: Floats | None = None) -> Score:
    """Σ |P - Q| · gap to the next bin, P and Q the cumulative shares; shape of all: (bins,).

    positions: a value for every bin, finite and never decreasing; by default the bins' ranks. Here all events are
    carried from 0 to 2, and half of them from 0 to 10:

    >>> score(np.array([1, 0, 0]), np.array([0, 0, 1])).statistic
    2.0
    >>> score(np.array([4, 0]), np.array([2, 2]), positions=np.array([0.0, 10.0])).statistic
    5.0
    """
    n, m = check(reference, current)
    if positions is not None:
        _check_positions(positions, bins=len(reference))
    if not n or not m:
        return undefined(n, m)
    apart = np.abs(reference[:-1].cumsum() / n - current[:-1].cumsum() / m)
    if positions is None:
        return Score(float(apart.sum()), None, n, m)
    quarters = positions * 0.25  # so that the gap between the largest floats does not overflow
    return Score(4.0 * float(apart @ (quarters[1:] - quarters[:-1])), None, n, m)


def _check_positions(positions: Floats, *, bins: int) -> None:
    if positions.shape != (bins,):
        raise DriftlineError(f"wasserstein: expected a position for each of {bins} bins, got shape {positions.shape}")
    # nan compares as false, and what is sorted is finite where its ends are.
    if not (positions[1:] >= positions[:-1]).all() or not np.isfinite(positions[:: max(bins - 1, 1)]).all():
        raise DriftlineError("wasserstein: expected finite positions that never decrease, one per bin in their order")
