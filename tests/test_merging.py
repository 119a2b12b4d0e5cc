"""The agent `merge` on a log in memory: wherever it dies, the next owner goes on as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.config import Config
from monitor.delivery import Outgoing
from monitor.merging import Merging
from monitor.metrics import Metrics
from monitor.pipeline import assemble, fragments
from monitor.pipeline.checkpoints import Record
from monitor.pipeline.envelopes import encode
from monitor.summarising import GENERATION
from monitor.transport import Batch
from monitor.triggers.dispatch import Dispatcher
from tests.examples import HOUR, START, config
from tests.services.small import event

LARGEST = 30  # bytes of a record of the summaries: every envelope is cut


@dataclass
class Kept:
    """A record as the driver hands it on."""

    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


@dataclass
class Broker:
    """What was sent to each topic, in order."""

    topics: dict[str, list[Outgoing]] = field(default_factory=dict)

    async def send(self, record: Outgoing) -> Awaitable[Any]:
        self.topics.setdefault(record.topic, []).append(record)
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        confirmed.set_result(None)
        return confirmed

    async def state(self, partition: int) -> list[Record]:
        return [Record(record.key, record.value) for record in self.topics.get("driftline.state", [])]

    def results(self) -> dict[bytes, bytes]:
        """The published windows; one id must always have one content."""
        found: dict[bytes, bytes] = {}
        for record in self.topics.get("driftline.windows", []):
            assert record.value is not None
            assert found.setdefault(record.key, record.value) == record.value
        return found


def summaries(settings: Config) -> list[Kept]:
    """Snapshots of one source partition over four windows, each cut into several records."""
    decoder = assemble.decoder(settings)
    source = assemble.source_partition(settings, "predictions", 0, of=1, start=0, decoder=decoder, summaries=1)
    log: list[Kept] = []
    for hour in range(4):
        values = [event(START + hour * HOUR + i, i=i) for i in range(50)]
        source.add(values, None, stop=source.end + 50)
        pieces = fragments.split(encode(source.snapshot()[0]), LARGEST)
        assert len(pieces) > 2
        for piece in pieces:
            headers = [(GENERATION, b"1"), (fragments.HEADER, piece.header)]
            log.append(Kept(len(log), b"predictions-0", piece.data, headers))
    return log


def owner(settings: Config, broker: Broker) -> Merging:
    metrics = Metrics()
    metrics.configure(settings)

    async def nobody(*_: object) -> Any:
        raise AssertionError("no webhook is configured")

    dispatcher = Dispatcher(settings, broker, metrics.pipeline, nobody)
    return Merging(settings, broker, metrics, dispatcher, read_state=broker.state)


def batch(log: Sequence[Kept], start: int, stop: int) -> Batch:
    return Batch("driftline.summaries", 0, start, stop, 1, 1, log[start:stop], None)  # type: ignore[arg-type]  # a record


async def merged(settings: Config, log: Sequence[Kept], cut: int) -> tuple[Broker, int]:
    """Merge the log by two owners, the second of which begins where the first one's checkpoint at `cut` said."""
    broker = Broker()
    first, second = owner(settings, broker), owner(settings, broker)
    await first.begin(batch(log, 0, 0))
    await first.take(batch(log, 0, cut))
    await first.checkpoint(now=True)
    resume = await second.begin(batch(log, 0, 0)) or 0
    await second.take(batch(log, resume, len(log)))
    return broker, resume


def test_a_checkpoint_never_lies_between_the_fragments_of_an_envelope() -> None:
    settings = config()
    log = summaries(settings)
    begins = {kept.offset for kept in log if fragments.read(kept.headers[1][1], b"").number == 0} | {len(log)}
    resumes = {asyncio.run(merged(settings, log, cut))[1] for cut in range(len(log) + 1)}
    assert resumes == begins


def test_wherever_the_owner_dies_the_next_one_publishes_the_same() -> None:
    settings = config()
    log = summaries(settings)
    whole = asyncio.run(merged(settings, log, len(log)))[0].results()
    assert [json.loads(value)["events"] for value in whole.values()] == [50, 50]  # disorder holds the third
    for cut in range(len(log)):
        assert asyncio.run(merged(settings, log, cut))[0].results() == whole
