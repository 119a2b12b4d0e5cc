"""A worker's merge that dies between any two records that it writes, and goes on from what it wrote before.

The whole agent runs, with its checkpoints and its ledger of triggers in one topic; only Kafka is a list in memory.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Clock, Config, Kafka, Model, Webhook
from monitor.drift.windows import Windows
from monitor.merging import Merging
from monitor.metrics import Metrics
from monitor.metrics_pipeline import Outcome
from monitor.pipeline import assemble, results
from monitor.pipeline.checkpoints import Record, restore
from monitor.pipeline.envelopes import decode, encode
from monitor.pipeline.results import EpisodeEvent, Result
from monitor.summarising import GENERATION
from monitor.triggers.dispatch import LEDGER, Dispatcher
from monitor.triggers.payload import payload
from tests import examples
from tests.examples import HOUR, START
from tests.memory import Killed, Producer, Read, Topics, batch
from tests.services.small import event

CONFIG = Config(
    (Model("credit", {"3": examples.profile()}, Windows(HOUR, HOUR, HOUR // 4)),),
    kafka=Kafka(block=250, checkpoint=0),
    clock=Clock(disorder=0),
    triggers=(Webhook("http://localhost/retrain", cooldown=0),),
)
PLAYED = "dcccd"  # windows with drift, and calm ones until the episode has closed
TOPICS = CONFIG.kafka.topics


@cache
def summaries() -> list[Read]:
    """The log of summaries: five windows with an event that is late for each, in small snapshots and closed blocks."""
    source = assemble.source_partition(
        CONFIG, "predictions", 0, of=1, start=0, decoder=assemble.decoder(CONFIG), summaries=1
    )
    found: list[Read] = []
    for number, kind in enumerate(PLAYED):
        start = START + number * HOUR
        values = [event(start, i=i, drifted=kind == "d") for i in range(200)]
        values += [event(start + HOUR), event(start + 1), event(start + HOUR * 3 // 2), event(start + 2)]
        for piece in (values[:120], values[120:201], values[201:202], values[202:]):
            for first, last, reached in assemble.pieces(range(source.end, 10**6), source.end + len(piece), source):
                source.add(piece[first:last], None, stop=reached)
                for envelope in source.seal() if source.full else source.snapshot():
                    found.append(Read(len(found), encode(envelope), [(GENERATION, b"1")]))
    return found


@dataclass
class Life:
    """What happened over all incarnations of a worker."""

    topics: Topics = field(default_factory=Topics)
    calls: list[tuple[str, bytes]] = field(default_factory=list)

    def started(self, producer: Producer) -> tuple[Merging, Dispatcher]:
        """The agent of a new process."""
        metrics = Metrics(CONFIG.max_series)
        metrics.configure(CONFIG)

        async def call(webhook: Webhook, body: bytes, trigger_id: str) -> Outcome:
            self.calls.append((trigger_id, body))
            return "sent"

        async def read_state(partition: int) -> list[Record]:
            return self.topics.state(TOPICS.state, partition)

        dispatcher = Dispatcher(CONFIG, producer, metrics.pipeline, call)
        return Merging(CONFIG, producer, metrics, dispatcher, read_state=read_state), dispatcher

    async def run(self, *, lives: float = float("inf"), sizes: Iterable[int] = (3,)) -> int:
        """Go on from what was written, in batches of these sizes, to the log's end or to the death; records sent."""
        producer = Producer(self.topics, lives)
        merging, dispatcher = self.started(producer)
        log = summaries()
        reached = await merging.begin(batch(TOPICS.summaries, [], start=0)) or 0
        try:
            for size in itertools.cycle(sizes):
                if reached == len(log):
                    break
                await merging.take(batch(TOPICS.summaries, log[reached : reached + size], start=reached))
                reached = min(reached + size, len(log))
                for _ in range(3):
                    await asyncio.sleep(0)  # the calls of webhooks go on meanwhile
        except Killed:
            pass
        finally:
            await dispatcher.stop()
        return producer.sent

    def windows(self) -> dict[str, bytes | None]:
        """The published results by id; whatever came twice was the same."""
        found: dict[str, bytes | None] = {}
        for record in self.topics.records[TOPICS.windows]:
            assert found.setdefault(record.key.decode(), record.value) == record.value
        return found

    def requests(self) -> set[bytes | None]:
        return {record.value for record in self.topics.records[TOPICS.triggers]}


@cache
def expected() -> tuple[dict[str, bytes], set[bytes]]:
    """The results, and the requests to retrain, of a pure merge that never stops."""
    merge, windows, requests = assemble.merge(CONFIG), {}, set()
    for record in summaries():
        for output in merge.apply(decode(record.value or b""), offset=record.offset, generation=1):
            if isinstance(output, Result):
                windows[output.id] = results.encode(output)
            elif isinstance(output, EpisodeEvent) and output.kind == "opened":
                requests.add(payload(output))
    return windows, requests


def check(life: Life) -> None:
    """Every window and every request is there, with the one content that it has, and each request was called."""
    windows, requests = expected()
    assert life.windows() == windows
    assert life.requests() == requests
    assert {body for _, body in life.calls} == requests
    assert len(set(life.calls)) == len(requests)


def test_what_is_played_has_late_events_revisions_and_two_episodes() -> None:
    windows, requests = expected()
    assert len(requests) == 2
    assert len([name for name in windows if name.endswith("/1")]) == len(PLAYED)


def test_a_worker_that_never_dies_says_everything_once() -> None:
    life = Life()
    asyncio.run(life.run())
    check(life)
    asyncio.run(life.run())
    assert len(life.topics.records[TOPICS.windows]) == len(expected()[0])
    assert len(life.calls) == 2


def test_a_death_between_any_two_records_loses_no_window_and_gives_no_id_two_contents() -> None:
    whole = Life()
    sent = asyncio.run(whole.run())
    final = restored(whole.topics)
    assert sent > 100
    for lives in range(sent):
        life = Life()
        assert asyncio.run(life.run(lives=lives)) == lives
        asyncio.run(life.run())
        check(life)
        assert restored(life.topics) == final


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=12), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_a_worker_that_dies_again_and_again_says_the_same(deaths: list[int], sizes: list[int]) -> None:
    life = Life()
    for lives in deaths:
        asyncio.run(life.run(lives=lives, sizes=sizes))
    asyncio.run(life.run(sizes=sizes))
    check(life)


def restored(topics: Topics) -> dict[str, bytes]:
    """The state that the newest checkpoint holds."""
    found = restore(r for r in topics.state(TOPICS.state) if not r.key.startswith(LEDGER))
    assert found is not None
    return found.items


def test_a_call_is_written_down_before_it_is_made() -> None:
    # Whatever was called when the process died is pending or done in the ledger: else a restart might call it never.
    for lives in range(asyncio.run(Life().run())):
        life = Life()
        asyncio.run(life.run(lives=lives))
        ledger = [record.key for record in life.topics.state(TOPICS.state) if record.key.startswith(LEDGER)]
        assert all(any(name.encode() in key for key in ledger) for name, _ in life.calls)


def test_an_offset_is_safe_only_once_marker_and_items_are_confirmed() -> None:
    async def run() -> None:
        producer = Producer(Topics(), slow=True)
        merging, _ = Life(producer.topics).started(producer)
        await merging.begin(batch(TOPICS.summaries, [], start=0))
        taking = asyncio.create_task(merging.take(batch(TOPICS.summaries, summaries()[:1], start=0)))
        steps = []
        while not taking.done():
            for _ in range(30):
                await asyncio.sleep(0)
            keys = [record.key.split(b"|", 2) for record in producer.topics.records[TOPICS.state]]
            steps.append([name.partition(b" ")[0] for _, _, name in keys])
            assert not taking.done() or not producer.unconfirmed
            producer.confirm()
        assert taking.result() == 1
        assert b"marker" not in steps[0]
        assert {b"head", b"pane", b"source"} <= set(steps[0])
        assert steps[1] == [*steps[0], b"marker"]

    asyncio.run(run())


def test_a_partition_that_was_lost_and_came_back_is_restored_anew() -> None:
    async def run() -> None:
        merging, _ = Life().started(Producer(Topics()))
        await merging.begin(batch(TOPICS.summaries, [], start=0, generation=3))
        asked = [merging.reads(batch(TOPICS.summaries, [], start=0, generation=number)) for number in (3, 4)]
        merging.drop(0, partitions=1)
        assert asked == [True, False]
        assert not merging.reads(batch(TOPICS.summaries, [], start=0, generation=3))

    asyncio.run(run())
