"""A small model with windows of seconds, and events whose times a test sets: worker tests need no more."""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.examples import profile, profile_file
from tests.services.deployment import Deployment
from tests.services.kafka import Broker

SECOND = 1_000
Deploy = Callable[..., Deployment]
ENOUGH = 400  # events in a window, so that its verdict is not undecided


def settings(
    folder: Path,
    *,
    models: tuple[str, ...] = ("credit",),
    lateness: str = "0s",
    idle: str = "1s",
    triggers: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """A configuration of models with windows of two seconds; event time waits for no disorder."""
    for model in models:
        profile_file(folder, profile(model))
    return {
        "models": [
            {"name": name, "versions": {"3": f"{name}-3.json"}, "window": {"size": "2s", "lateness": lateness}}
            for name in models
        ],
        "clock": {"disorder": "0s", "idle": idle},
        "triggers": list(triggers),
    }


def deployment(
    broker: Broker, folder: Path, *, source_config: dict[str, str] | None = None, **options: Any
) -> Deployment:
    """The same, deployed under topics of its own."""
    name = f"t{uuid.uuid4().hex[:10]}"
    return Deployment(broker, folder, name, settings(folder, **options), source_config=source_config or {})


def past(seconds: int = 120) -> int:
    """The start of a window that lies so far back."""
    return (int(time.time()) - seconds) // 2 * 2 * SECOND


def event(when: int, *, model: str = "credit", i: int = 0, drifted: bool = False, **features: Any) -> bytes:
    """An event as the reference has them, or one whose ages are all in the last bin."""
    age = 65.0 if drifted else (25.0, 40.0, 40.0, 60.0)[i % 4]
    made = {"age0": age, "country": "DE" if i % 8 < 5 else "FR"} | features
    score = (25.0, 25.0, 40.0, 60.0)[i % 4]
    return json.dumps(
        {"model": model, "version": "3", "id": str(i), "time": when, "features": made, "prediction": score}
    ).encode()


def window(start: int, *, n: int = ENOUGH, model: str = "credit", drifted: bool = False) -> list[bytes]:
    """Events of the window that begins at `start`; `produce` spreads them over all partitions."""
    return [event(start, model=model, i=i // 4, drifted=drifted) for i in range(n)]
