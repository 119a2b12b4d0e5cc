"""Domain classifier: how much an event looks like the data that a reference was told apart from.

A logistic regression, fitted between the reference and other data at `reference build --against`: a later period that
was suspicious, another region, another version's log. The score is the logit, 0 where both are equally likely, larger
where the event looks like the others. Its distribution moves when live data move towards them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monitor.drift.bins import Floats
from monitor.drift.derived.standard import weighted, weights
from monitor.errors import DriftlineError

TITLE = "logit that an event is of the data that the reference was compared with"
TAKES = "columns"


def prepare(parameters: Mapping[str, Any], *, columns: int) -> Callable[[Sequence[Floats]], Floats]:
    """A function of standardized columns: intercept + Σ weight · column.

    >>> import numpy as np
    >>> prepare({"intercept": 1.0, "weights": [[2.0]]}, columns=1)([np.array([0.0, 1.5])]).tolist()
    [1.0, 4.0]
    """
    rows = weights(parameters, "weights", columns)
    (intercept,) = weights({"intercept": [[parameters.get("intercept")]]}, "intercept", 1)[0]
    if len(rows) != 1:
        raise DriftlineError(f"domain: expected one row of `weights`, got {len(rows)}")
    return lambda values: weighted(rows[0], values) + intercept
