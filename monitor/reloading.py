"""Which configuration may follow another one in a running worker: SIGHUP reads the file again, all of it or nothing.

What was counted stays with the reference that it was counted on. So a reference is not exchanged but followed by
another one, from an event time on that nobody has reached yet; and it stays listed until its last window has retired.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

from monitor import settings
from monitor.config import Config, Model, Reference
from monitor.errors import DriftlineError
from monitor.merging import Merging
from monitor.metrics import Metrics
from monitor.pipeline.results import rfc3339
from monitor.summarising import Summarising

logger = logging.getLogger(__name__)

FREE = {"models", "budget", "logs", "path"}  # what may change in a running worker; of models, see below

Holds = Callable[[str, str, Reference], bool]


class Reloading:
    """Reads the configuration again for the parts of a worker that go by it; `app` is the Faust app around them."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        summarising: Summarising,
        merging: Merging,
        app: Any,
    ) -> None:
        self._config, self._metrics = config, metrics
        self._summarising, self._merging, self._app = summarising, merging, app

    async def when_told(self, told: asyncio.Event) -> None:
        """Go on under what the file says now; where that is wrong, nothing changes."""
        await told.wait()
        told.clear()
        try:
            new = await self._read()
        except DriftlineError as error:
            self._metrics.pipeline.reload_refused()
            logger.error("the configuration was not taken, the one before stays in force: %s", error)
            return
        self._config = new
        self._metrics.configure(new)
        await self._merging.reconfigure(new)  # first, so that it knows what is counted from now on
        for tp, start in self._summarising.reconfigure(new).items():
            await self._app.consumer.reread(tp, start)  # the open block, under the new epoch
        self._metrics.pipeline.configured(new.epoch, time.time())
        logger.info("the configuration was read again: epoch %s", new.epoch)

    async def _read(self) -> Config:
        """The configuration in the file. Raises DriftlineError with every reason why it may not follow the present."""
        if self._config.path is None:
            raise DriftlineError("the configuration was not read from a file, so there is nothing to read again")
        new = await asyncio.to_thread(settings.load, self._config.path)
        times = [time for time in (self._summarising.reached, self._merging.watermark) if time is not None]
        reasons = list(refused(self._config, new, reached=max(times, default=None), holds=self._merging.holds))
        if reasons:
            raise DriftlineError("\n".join(f"{self._config.path}: {reason}" for reason in reasons))
        return new


def refused(current: Config, new: Config, *, reached: int | None, holds: Holds) -> Iterator[str]:
    """Why a configuration may not follow the current one in a running worker, by the path of each reason.

    reached: the event time up to which counts or windows are final (UTC ms). holds: whether windows of a reference are
    still open.
    """
    for field in fields(Config):
        if field.name not in FREE and getattr(current, field.name) != getattr(new, field.name):
            yield f"{field.name}: cannot change while a worker runs; restart needed, of all workers together"
    known = {model.name: model for model in current.models}
    for i, model in enumerate(new.models):
        if model.name not in known:
            continue
        before, place = known[model.name], f"models[{i}]"
        if before.windows != model.windows:
            yield f"{place}.window: cannot change while a worker runs; restart needed, of all workers together"
        for version in sorted(model.versions.keys() & before.versions.keys()):
            for why in _references(before, model, version, reached, holds):
                yield f"{place}.versions.{version}: {why}"


def _references(before: Model, after: Model, version: str, reached: int | None, holds: Holds) -> Iterator[str]:
    """Why one version's references may not follow those before."""
    old, new = before.references(version), after.references(version)
    names, followers = [_name(reference) for reference in old], [_name(reference) for reference in new]
    first = next((i for i in range(len(old)) if followers[: len(old) - i] == names[i:]), None)
    if first is None:
        yield (
            "a reference that is in force was exchanged or removed; keep its file, and list the new one after it with "
            "the time `from` which on it follows"
        )
        return
    if any(holds(before.name, version, reference) for reference in old[:first]):
        yield "a reference was removed whose windows are still open; keep it listed until the last one has retired"
    for reference in new[len(old) - first :]:
        if reached is not None and reference.since is not None and reference.since <= reached:
            yield (
                f"expected a `from` that is still to come, got {rfc3339(reference.since)}, but event time has reached "
                f"{rfc3339(reached)} here; take a later one"
            )


def _name(reference: Reference) -> tuple[str, int | None]:
    return reference.profile.fingerprint, reference.since
