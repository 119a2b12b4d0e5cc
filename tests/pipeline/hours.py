"""A log of hours of events about as in the reference, some of which drift, through the whole pipeline."""

from __future__ import annotations

import json

from monitor.config import Config
from monitor.pipeline.assemble import Embedded, LogBatch
from monitor.pipeline.merge import Output
from tests.examples import HOUR, START

USUAL = [
    ({"age0": age, "country": land}, score)
    for age in (25, 25, 40, 40, 60)
    for land in ("DE", "DE", "FR")
    for score in (25, 25, 40, 40, 60)
]  # about as in the reference


def hour(number: int, *, drift: int = 0) -> list[bytes]:
    """The events of an hour, nobody older than 25 in the first `drift` of them; every 25th has no age."""
    found = []
    for i, (features, score) in enumerate(USUAL * 4):
        event = {"model": "credit", "version": "3", "time": START + number * HOUR + i, "prediction": score}
        holes: dict[str, str | None] = {"age0": None} if i % 25 == 24 else {"age0": "?"} if i % 100 == 50 else {}
        holes |= {"country": None} if i % 50 == 48 else {}
        young = {"age0": 25} if i < drift and not holes else {}
        found.append(json.dumps(event | {"features": {**features, **holes, **young}}).encode())
    return found


def told(configured: Config, hours: list[int]) -> list[Output]:
    """What follows from a log with these hours: the number of events in each that drift."""
    log = [event for number, drift in enumerate(hours) for event in hour(number, drift=drift)]
    embedded = Embedded(configured, {"log": 1}, lambda *counted: None)
    batch = LogBatch("log", 0, log, None, range(len(log)), len(log))
    return [*embedded.feed(batch), *embedded.end("log", 0)]
