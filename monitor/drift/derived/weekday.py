"""The day of the week of the event's time, in UTC: what a model that never sees the time may still depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt

TITLE = "day of the week, UTC"
TAKES = "time"
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = 86_400_000  # ms


def prepare(parameters: Mapping[str, Any]) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """A function of times (UTC ms, whole numbers) that gives places in `NAMES`; 1 January 1970 was a Thursday.

    >>> import numpy as np
    >>> [NAMES[day] for day in prepare({})(np.array([0, 345_600_000]))]
    ['Thursday', 'Monday']
    """
    return lambda times: (times // DAY + 3) % 7
