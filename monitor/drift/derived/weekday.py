"""The day of the week of the event's time: what a model that never sees the time may still depend on.

Days are those of UTC, or those of a time zone as windows have them: a day begins when clocks there first show its date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt

from monitor.drift.calendars import DAY, Calendar
from monitor.errors import DriftlineError

TITLE = "day of the week, in UTC or a time zone"
TAKES = "time"
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def prepare(parameters: Mapping[str, Any]) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """A function of times (UTC ms, whole numbers) that gives places in `NAMES`; 1 January 1970 was a Thursday.

    parameters: `zone`, a time zone of the IANA database; UTC without one. Raises DriftlineError where there is none of
    this name.

    >>> import numpy as np
    >>> [NAMES[day] for day in prepare({})(np.array([0, 345_600_000]))]
    ['Thursday', 'Monday']
    >>> [NAMES[day] for day in prepare({"zone": "America/New_York"})(np.array([0, 345_600_000]))]
    ['Wednesday', 'Sunday']
    """
    if "zone" not in parameters:
        return lambda times: (times // DAY + 3) % 7
    zone = parameters["zone"]
    if not isinstance(zone, str):
        raise DriftlineError(f"weekday: expected `zone`, the name of a time zone, got {zone!r:.100}")
    days = Calendar(zone)
    return lambda times: (days.places(times) // DAY + 3) % 7
