"""Sums and functions that give the same bits on every kind of processor.

A result may be sent twice, by two workers on two kinds of machines, and must have one content. BLAS adds in an order
that depends on the processor, and numpy's own exp, log, sin and cos are other programs on other processors. So here
products are added by numpy's pairwise summation, whose order depends on the length alone, and functions are scipy's,
plain C. The logarithm among them is the C library's, which differs in the last bit where a processor cannot multiply
and add at once (x86 before 2013); `rounded` leaves such bits behind.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import exp10, xlogy

from monitor.drift.bins import Floats


def dot(a: Floats, b: Floats) -> float:
    """Σ a·b; shape of both: (n,).

    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    return float(np.add.reduce(a * b))


def exp(x: Floats) -> Floats:
    """e to the power of x, to 13 digits near 0 and 10 digits at the ends of a float's range."""
    found: Floats = exp10(x * (1 / math.log(10)))
    return found


def log(x: Floats) -> Floats:
    """The natural logarithm of x > 0."""
    found: Floats = xlogy(1.0, x)
    return found


def rounded(x: float) -> float:
    """x to ten significant digits: what differs only in the last of sixteen is the same.

    >>> rounded(0.1 + 0.2), rounded(math.nan)
    (0.3, nan)
    """
    found = float(f"{x:.10g}")
    return x if math.isinf(found) else found  # the largest floats would leave their range


def published(x: float | None) -> float | None:
    """x so rounded; None for what is no finite number.

    >>> published(0.1 + 0.2), published(math.inf), published(None)
    (0.3, None, None)
    """
    if x is None or x - x != 0.0:  # of infinities and of nan nan
        return None
    found = float(f"{x:.10g}")
    return found if found - found == 0.0 else x  # as above
