"""PCA reconstruction error: how much of an event the reference's principal components do not explain.

It sees what no single column shows: values that are each usual, in an unusual combination. The columns are standardized
(`standard.py`), the components hold 65 % of the variance, and the error is the Euclidean distance between the event and
its projection on them, in standard deviations. Source: NannyML's data reconstruction error (documentation of 0.13),
which follows Nannyml 2023; the components are those of Pearson 1901.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from monitor.drift.bins import Floats
from monitor.drift.derived.standard import weighted, weights

TITLE = "PCA reconstruction error"
TAKES = "columns"
EXPLAINED = 0.65  # share of the variance that the components hold


def prepare(parameters: Mapping[str, Any], *, columns: int) -> Callable[[Sequence[Floats]], Floats]:
    """A function of standardized columns: √Σ (what lies along each direction that the components leave out)².

    `rest`: these directions, unit vectors. Here the event's second column:

    >>> error = prepare({"rest": [[0.0, 1.0]]}, columns=2)
    >>> error([np.array([3.0]), np.array([-4.0])]).tolist()
    [4.0]
    """
    rest = weights(parameters, "rest", columns)

    def error(values: Sequence[Floats]) -> Floats:
        total = np.zeros(len(values[0]))
        for direction in rest:
            along = weighted(direction, values)
            total += along * along
        return np.sqrt(total)

    return error
