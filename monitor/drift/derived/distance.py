"""How far an embedding lies from the centroid of the reference's: Euclid's distance.

It tells that embeddings have spread or moved away, and is blind to a move around the centroid.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

from monitor.errors import DriftlineError

TITLE = "distance of an embedding to the reference's centroid"
TAKES = "numbers"
NUMBERS = frozenset({float, int})


def prepare(parameters: Mapping[str, Any]) -> Callable[[object], float]:
    """A function of a logged value: a list of as many numbers as the centroid has; anything else is invalid.

    >>> distance = prepare({"centroid": [1.0, 1.0]})
    >>> [distance(value) for value in ([4.0, 5.0], [1, 1], [1.0], None)]
    [5.0, 0.0, inf, nan]
    """
    centroid = parameters.get("centroid")
    if not isinstance(centroid, list) or not all(type(x) in (int, float) and math.isfinite(x) for x in centroid):
        raise DriftlineError("distance: expected `centroid`, a list of numbers")

    def distance(value: object) -> float:
        if value is None:
            return math.nan
        if not isinstance(value, list) or len(value) != len(centroid) or not {*map(type, value)} <= NUMBERS:
            return math.inf
        try:
            return min(math.dist(value, centroid), sys.float_info.max)
        except OverflowError:  # a whole number that no float holds
            return math.inf

    return distance
