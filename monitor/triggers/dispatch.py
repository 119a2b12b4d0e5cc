"""From an episode that opens to one call per webhook, however often the worker crashes in between.

The ledger lies in the state topic beside merge's checkpoints: a trigger is written there as pending before it counts
as taken, and as done after the receiver has answered. What is pending after a restart is called again, under the same
id; receivers treat the id as the key. An entry leaves the ledger when it is done, a checkpoint has passed the event
that made it, and a later one tells the cooldown: so the ledger holds what waits, and the last call of each model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from monitor.config import Config, Webhook
from monitor.delivery import Outgoing, Sender, deliver
from monitor.errors import DriftlineError
from monitor.metrics_pipeline import Outcome, Pipeline
from monitor.pipeline.checkpoints import Record, seal, unseal
from monitor.pipeline.results import EpisodeEvent
from monitor.triggers.payload import due, payload

logger = logging.getLogger(__name__)

LEDGER = b"trigger|"
AT_ONCE = 8  # calls of one webhook at a time
WAITING = 1_000  # triggers of a summaries partition that wait for one webhook; more are given up at once

Call = Callable[[Webhook, bytes, str], Awaitable[Outcome]]


class Entry(msgspec.Struct):
    """A trigger for one webhook: pending while it holds a payload, done when it has an outcome."""

    id: str
    webhook: int
    model: str
    end: int
    payload: bytes | None = None
    outcome: str | None = None


class Dispatcher:
    """Records triggers and calls webhooks, each in a task of its own: a dead receiver delays nobody else."""

    def __init__(self, config: Config, sender: Sender, metrics: Pipeline, call: Call) -> None:
        self._config, self._sender, self._metrics, self._call = config, sender, metrics, call
        self._entries: dict[int, dict[tuple[str, int], Entry]] = {}
        self._waiting: dict[int, list[Entry]] = {}  # to be called once their records are confirmed
        self._calls: dict[int, set[asyncio.Task[None]]] = {}  # to be given up with their partition
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: dict[int, asyncio.Semaphore] = {}

    def owns(self, key: bytes) -> bool:
        """Whether a record of the state topic belongs to the ledger."""
        return key.startswith(LEDGER)

    def restore(self, partition: int, records: Iterable[Record]) -> None:
        """Read the ledger of a partition and call what is pending; a damaged entry is said and left out."""
        entries: dict[tuple[str, int], Entry] = {}
        for key, value in dict(records).items():
            if self.owns(key) and value is not None:
                try:
                    entry = _read(key, value)
                except (DriftlineError, ValueError) as error:
                    logger.error(
                        "ledger entry %r in %s is damaged, or another version's, and was left out: %s; if its call was "
                        "pending, it is not made: the request itself is in %s",
                        key,
                        self._config.kafka.topics.state,
                        error,
                        self._config.kafka.topics.triggers,
                    )
                    continue
                entries[entry.id, entry.webhook] = entry
        self._entries[partition] = entries
        self._waiting[partition] = [entry for entry in entries.values() if entry.outcome is None]
        self.start(partition)

    def drop(self, partition: int) -> None:
        """The partition is another worker's, and so are its triggers: what is in flight is given up here."""
        self._entries.pop(partition, None)
        self._waiting.pop(partition, None)
        for task in self._calls.pop(partition, set()):
            task.cancel()

    def take(self, partition: int, event: EpisodeEvent) -> list[Outgoing]:
        """The records that make the trigger of an opened episode count; `start` calls once they are confirmed."""
        if event.kind != "opened":
            return []
        body = payload(event)
        records = [Outgoing(self._config.kafka.topics.triggers, event.model.encode(), body)]
        entries = self._entries.setdefault(partition, {})
        for number, webhook in enumerate(self._config.triggers):
            if (event.trigger_id, number) in entries:
                continue
            entry = Entry(event.trigger_id, number, event.model, event.evidence.end, body)
            last = max((e.end for e in self._called(partition, event.model, number)), default=None)
            if not due(last, entry.end, webhook.cooldown):
                entry.outcome, entry.payload = "suppressed", None
                self._metrics.trigger(event.model, "suppressed")
                logger.info("trigger %s of model %r: suppressed by the cooldown", entry.id, entry.model)
            elif sum(e.webhook == number and e.outcome is None for e in entries.values()) >= WAITING:
                entry.outcome, entry.payload = "failed", None
                self._metrics.trigger(event.model, "failed")
                logger.error("trigger %s of model %r: %d wait for its webhook already", entry.id, entry.model, WAITING)
            entries[entry.id, number] = entry
            records.append(self._ledger(partition, entry))
            if entry.outcome is None:
                self._waiting.setdefault(partition, []).append(entry)
        return records

    def start(self, partition: int) -> None:
        """Call what waits: it is written down as pending, so that a crash from now on repeats it."""
        for entry in self._waiting.pop(partition, []):
            if entry.webhook >= len(self._config.triggers):
                logger.warning("trigger %s of model %r: its webhook is configured no more", entry.id, entry.model)
                continue
            task = asyncio.ensure_future(self._run(partition, entry))
            for tasks in (self._tasks, self._calls.setdefault(partition, set())):
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    def settled(self, partition: int) -> list[Outgoing]:
        """The tombstones of entries that nobody needs once a checkpoint has passed the events that made them.

        To be sent after that checkpoint is confirmed. The last call of a model stays: it begins the cooldown.
        """
        entries = self._entries.get(partition, {})
        last: dict[tuple[str, int], int] = {}
        for entry in entries.values():
            if entry.outcome != "suppressed":
                last[entry.model, entry.webhook] = max(entry.end, last.get((entry.model, entry.webhook), entry.end))
        useless = [
            entry
            for entry in entries.values()
            if entry.outcome == "suppressed"
            or (entry.outcome is not None and entry.end < last[entry.model, entry.webhook])
        ]
        for entry in useless:
            del entries[entry.id, entry.webhook]
        return [self._ledger(partition, entry)._replace(value=None) for entry in useless]

    def _called(self, partition: int, model: str, webhook: int) -> list[Entry]:
        entries = self._entries.get(partition, {}).values()
        return [e for e in entries if (e.model, e.webhook) == (model, webhook) and e.outcome != "suppressed"]

    async def _run(self, partition: int, entry: Entry) -> None:
        """Call one webhook and write down what came of it."""
        try:
            async with self._turns.setdefault(entry.webhook, asyncio.Semaphore(AT_ONCE)):
                outcome = await self._call(self._config.triggers[entry.webhook], entry.payload or b"", entry.id)
            task = asyncio.current_task()
            if task is not None:  # from here on it is not given up: what was done is written down
                self._calls.get(partition, set()).discard(task)
            self._metrics.trigger(entry.model, outcome)
            logger.info("trigger %s of model %r: %s", entry.id, entry.model, outcome)
            entry.outcome, entry.payload = outcome, None
            await deliver(self._sender, [self._ledger(partition, entry)])
        except Exception:  # it stays pending: at worst the next owner repeats it under the same id
            logger.exception("trigger %s could not be carried through", entry.id)

    def _ledger(self, partition: int, entry: Entry) -> Outgoing:
        value = seal(msgspec.msgpack.encode(entry))
        return Outgoing(self._config.kafka.topics.state, _key(entry), value, partition)

    async def stop(self) -> None:
        """Give up what is in flight: it stays pending in the ledger, and the next owner calls again."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _key(entry: Entry) -> bytes:
    return LEDGER + f"{entry.id}|{entry.webhook}".encode()


def _read(key: bytes, value: bytes) -> Entry:
    entry = msgspec.msgpack.decode(unseal(value), type=Entry)
    if key != _key(entry):
        raise DriftlineError(f"it is the entry {_key(entry)!r}")
    return entry
