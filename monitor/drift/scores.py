"""A score is what a method makes of two count vectors on the same bins; here is what all methods share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from monitor.drift.bins import Counts, Floats
from monitor.errors import DriftlineError


class Score(NamedTuple):
    """A statistic with the sizes of both samples; nan where undefined. `pvalue` is None without a known null."""

    statistic: float
    pvalue: float | None
    n_reference: int
    n_current: int


class Computed(NamedTuple):
    """What a method makes of samples in rows: a statistic and, where the null is known, a p-value of each; nan where
    undefined. Of samples without events they mean nothing.
    """

    statistic: Floats
    pvalue: Floats | None = None


def check(reference: Counts, current: Counts) -> tuple[int, int]:
    """The sizes of both samples. Raises DriftlineError unless both are rows of integers >= 0 of one length."""
    if reference.ndim != 1 or reference.shape != current.shape:
        raise DriftlineError(
            f"expected two rows of counts of one length, got shapes {reference.shape} and {current.shape}; "
            "count both on the reference's bins"
        )
    return check_counts(reference), check_counts(current)


def check_counts(counts: Counts) -> int:
    """The size of a sample. Raises DriftlineError unless the counts are integers >= 0."""
    if counts.dtype.kind not in "iu":
        raise DriftlineError(f"expected integer counts, got {counts.dtype}; give counts, not shares")
    if len(counts) and (least := np.minimum.reduce(counts)) < 0:
        raise DriftlineError(f"expected counts of at least 0, got {least} among {len(counts)} bins")
    return int(np.add.reduce(counts))


def effective_size(n_reference: int, n_current: int) -> float:
    """Size of the one sample that is as noisy as the difference of both, nN / (n + N); 0 where one is empty.

    >>> effective_size(300, 100)
    75.0
    """
    return n_reference * n_current / (n_reference + n_current) if n_reference and n_current else 0.0


def check_alpha(alpha: float) -> None:
    """Raises DriftlineError unless `alpha` is a probability that a threshold can be made of."""
    if not 0 < alpha < 1:
        raise DriftlineError(f"alpha: expected a probability between 0 and 1, got {alpha}")
