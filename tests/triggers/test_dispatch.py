"""The ledger of triggers stays small, and no webhook is called by more than a few at a time, however slow it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from prometheus_client.registry import CollectorRegistry

from monitor.config import DAY, Webhook
from monitor.delivery import Outgoing
from monitor.metrics_pipeline import Outcome, Pipeline
from monitor.pipeline.checkpoints import Record
from monitor.pipeline.results import EpisodeEvent
from monitor.triggers.dispatch import AT_ONCE, WAITING, Dispatcher
from tests.examples import HOUR, config, opened
from tests.services.waiting import until

PARTITION = 3


@dataclass
class Topic:
    """A compacted topic in memory: what was sent last under each key."""

    latest: dict[bytes, bytes | None] = field(default_factory=dict)

    async def send(self, record: Outgoing) -> Awaitable[Any]:
        if record.partition == PARTITION:
            self.latest[record.key] = record.value
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        confirmed.set_result(None)
        return confirmed

    @property
    def ledger(self) -> list[bytes]:
        return [key for key, value in self.latest.items() if value is not None]


class Rig:
    """A dispatcher of one webhook whose receiver answers when it is told to."""

    def __init__(self, *, cooldown: int = 0, topic: Topic | None = None) -> None:
        settings = replace(config(), triggers=(Webhook("http://127.0.0.1:1/retrain", cooldown=cooldown),))
        self.topic, self.called, self.answer = topic or Topic(), list[str](), asyncio.Event()
        self.metrics = Pipeline(CollectorRegistry())
        self.dispatcher = Dispatcher(settings, self.topic, self.metrics, self._call)
        records = [Record(key, value) for key, value in self.topic.latest.items()]
        self.dispatcher.restore(PARTITION, records)

    async def _call(self, webhook: Webhook, body: bytes, trigger_id: str) -> Outcome:
        self.called.append(trigger_id)
        await self.answer.wait()
        return "sent"

    async def take(self, *events: EpisodeEvent) -> None:
        for event in events:
            for record in self.dispatcher.take(PARTITION, event):
                await self.topic.send(record)
        self.dispatcher.start(PARTITION)

    async def checkpoint(self) -> None:
        for record in self.dispatcher.settled(PARTITION):
            await self.topic.send(record)

    def count(self, outcome: str) -> float:
        return float(self.metrics.made["triggers_total"].labels("credit", outcome)._value.get())


def episode(number: int) -> EpisodeEvent:
    """The model's episodes, an hour after one another."""
    event = opened()
    end = event.evidence.end + number * HOUR
    evidence = msgspec.structs.replace(event.evidence, end=end)
    return msgspec.structs.replace(event, id=f"{event.id}-{number}", evidence=evidence)


def test_the_ledger_keeps_the_last_call_of_a_model_and_what_still_waits() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.take(*map(episode, range(5)))
        await rig.checkpoint()
        assert len(rig.topic.ledger) == 5
        rig.answer.set()
        await until(lambda: rig.count("sent") == 5, 5, "five calls")
        await rig.dispatcher.stop()
        await rig.checkpoint()
        assert len(rig.topic.ledger) == 1
        again = Rig(topic=rig.topic)
        await again.take(episode(4))
        assert again.called == []

    asyncio.run(scenario())


def test_a_hundred_episodes_within_the_cooldown_leave_one_entry_and_one_call_and_the_cooldown_holds() -> None:
    async def scenario() -> None:
        rig = Rig(cooldown=DAY * 30)
        rig.answer.set()
        for number in range(100):
            await rig.take(episode(number))
            await until(lambda: rig.count("sent") == 1, 5, "the call")
            await rig.checkpoint()
            assert len(rig.topic.ledger) == 1
        again = Rig(cooldown=DAY * 30, topic=rig.topic)
        await again.take(episode(200))
        assert (len(rig.called), again.called) == (1, [])
        assert rig.count("suppressed") == 99

    asyncio.run(scenario())


def test_a_webhook_that_hangs_is_called_by_a_few_at_a_time_and_the_others_wait_in_the_ledger() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.take(*map(episode, range(3 * AT_ONCE)))
        await until(lambda: len(rig.called) == AT_ONCE, 5, "the first calls")
        for _ in range(10):
            await asyncio.sleep(0)  # whoever could go on has had its turn
        assert len(rig.called) == AT_ONCE
        await rig.checkpoint()
        assert len(rig.topic.ledger) == 3 * AT_ONCE
        rig.answer.set()
        await until(lambda: rig.count("sent") == 3 * AT_ONCE, 5, "all calls")
        assert sorted(rig.called) == sorted({episode(i).trigger_id for i in range(3 * AT_ONCE)})

    asyncio.run(scenario())


def test_what_a_crash_left_waiting_is_called_by_the_next_owner() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.take(*map(episode, range(2 * AT_ONCE)))
        await rig.checkpoint()
        await rig.dispatcher.stop()
        again = Rig(topic=rig.topic)
        again.answer.set()
        await until(lambda: again.count("sent") == 2 * AT_ONCE, 5, "all calls")

    asyncio.run(scenario())


def test_more_triggers_than_may_wait_are_counted_as_failed(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.take(*map(episode, range(WAITING + 2)))
        assert rig.count("failed") == 2
        assert caplog.text.count("1000 wait for its webhook already") == 2
        await rig.dispatcher.stop()

    asyncio.run(scenario())
