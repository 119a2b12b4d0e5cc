"""The number of characters of a text: the simplest sign that people, or the system before, write other things."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

TITLE = "characters of a text"
TAKES = "text"
MOST = 1_000_000  # characters that are told apart


def prepare(parameters: Mapping[str, Any]) -> Callable[[object], float]:
    """A function of a logged value: its length in characters (Unicode code points); what is no text is invalid.

    >>> [prepare({})(value) for value in ("", "Grüße", None, 7)]
    [0.0, 5.0, nan, inf]
    """
    return _length


def _length(value: object) -> float:
    if isinstance(value, str):
        return float(min(len(value), MOST))
    return math.nan if value is None else math.inf
