"""The agent `summarise` beside a slow broker: no offset before a delivery report, nothing of what was lost."""

from __future__ import annotations

import asyncio

from monitor.config import Clock, Config, Kafka, Model
from monitor.drift.windows import Windows
from monitor.metrics import Metrics
from monitor.pipeline.envelopes import decode
from monitor.summarising import Summarising
from monitor.transport import Batch, Partition
from tests import examples
from tests.examples import HOUR, START
from tests.memory import Producer, Read, Topics, batch
from tests.services.small import event

CONFIG = Config(
    (Model("credit", {"3": examples.profile()}, Windows(HOUR, HOUR)),),
    kafka=Kafka(block=10),
    clock=Clock(disorder=0, idle=0),
)
TOPICS = CONFIG.kafka.topics


def log(n: int, *, start: int = 0, wrong: int = 0) -> list[Read]:
    """Records of the log, the first `wrong` of them unusable."""
    values = [b"{" if i < wrong else event(START, i=i) for i in range(n)]
    return [Read(start + i, value, timestamp=START) for i, value in enumerate(values)]


def reading(producer: Producer, *, generation: int = 1) -> Summarising:
    """An agent that owns the partition from its start."""
    metrics = Metrics(CONFIG.max_series)
    metrics.configure(CONFIG)
    made = Summarising(CONFIG, producer, metrics.pipeline, partitions_of=lambda topic: 1, largest=1 << 20)
    made.begin(batch("predictions", [], start=0, generation=generation))
    return made


async def taken(agent: Summarising, read: Batch) -> int | None:
    """Take a batch; the last offset that became safe."""
    safe = [offset async for offset in agent.take(read)]
    return safe[-1] if safe else None


async def finished(taking: asyncio.Task[int | None], producer: Producer) -> int | None:
    """What comes of it once the broker confirms everything."""
    while not taking.done():
        producer.confirm()
        await turn()
    return await taking


async def turn() -> None:
    """Let everything run that can."""
    for _ in range(30):
        await asyncio.sleep(0)


def test_a_block_is_safe_only_once_the_broker_has_confirmed_its_envelopes() -> None:
    async def run() -> None:
        producer = Producer(Topics(), slow=True)
        taking = asyncio.create_task(taken(reading(producer), batch("predictions", log(12), start=0)))
        await turn()
        assert [decode(r.value or b"").closed for r in producer.topics.records[TOPICS.summaries]] == [True]
        assert not taking.done()
        assert await finished(taking, producer) == 10

    asyncio.run(run())


def test_nothing_is_said_of_a_block_before_its_dead_letters_are_confirmed() -> None:
    async def run() -> None:
        producer = Producer(Topics(), slow=True)
        taking = asyncio.create_task(taken(reading(producer), batch("predictions", log(10, wrong=3), start=0)))
        await turn()
        assert (len(producer.topics.records[TOPICS.dead_letters]), taking.done()) == (3, False)
        assert producer.topics.records[TOPICS.summaries] == []
        producer.confirm()
        await turn()
        (record,) = producer.topics.records[TOPICS.summaries]
        assert (decode(record.value or b"").events, sum(decode(record.value or b"").rejected.values())) == (7, 3)
        assert await finished(taking, producer) == 10

    asyncio.run(run())


def test_an_open_block_moves_no_offset() -> None:
    async def run() -> None:
        producer = Producer(Topics())
        agent = reading(producer)
        assert await taken(agent, batch("predictions", log(9), start=0)) is None
        await agent.flush(force=True)
        (record,) = producer.topics.records[TOPICS.summaries]
        assert (decode(record.value or b"").closed, decode(record.value or b"").end) == (False, 9)

    asyncio.run(run())


def test_a_partition_that_was_lost_while_its_envelopes_were_on_their_way_moves_no_offset() -> None:
    async def run() -> None:
        producer = Producer(Topics(), slow=True)
        agent = reading(producer)
        taking = asyncio.create_task(taken(agent, batch("predictions", log(12), start=0)))
        await turn()
        agent.drop("predictions", 0)
        assert await finished(taking, producer) is None

    asyncio.run(run())


def test_of_a_partition_that_was_lost_nothing_more_is_said_and_its_next_assignment_begins_anew() -> None:
    async def run() -> None:
        producer = Producer(Topics())
        agent = reading(producer)
        await taken(agent, batch("predictions", log(4), start=0))
        agent.drop("predictions", 0)
        await agent.flush(force=True)
        assert producer.topics.records[TOPICS.summaries] == []
        assert not agent.reads(batch("predictions", [], start=0, reading=1))
        agent.begin(batch("predictions", [], start=0, reading=2, generation=3))
        await taken(agent, batch("predictions", log(10), start=0, reading=2, generation=3))
        (record,) = producer.topics.records[TOPICS.summaries]
        assert decode(record.value or b"").events == 10

    asyncio.run(run())


def test_a_partition_is_idle_only_at_the_end_of_its_log() -> None:
    async def run() -> None:
        producer = Producer(Topics())
        agent = reading(producer)
        await taken(agent, batch("predictions", log(4), start=0))
        said = []
        for end in (5, 4):
            agent.at({Partition("predictions", 0): end})
            await agent.flush(force=True)
            said.append(decode(producer.topics.records[TOPICS.summaries][-1].value or b"").idle)
        assert said[0] is None
        assert said[1] is not None

    asyncio.run(run())
