"""A worker with its exactness switched off, to see what that costs: `python -m benchmarks.careless worker …`.

Envelopes go to merge in this process and are never sent, a snapshot is made every five seconds, nothing is waited for,
no checkpoint is written, and an offset is committed when the timer says so. What a crash would leave behind is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from monitor import cli, worker
from monitor.delivery import Outgoing, Sender
from monitor.merging import Merging
from monitor.pipeline import assemble, results
from monitor.pipeline.envelopes import Envelope
from monitor.pipeline.merge import Merge
from monitor.pipeline.results import Result
from monitor.summarising import Summarising
from monitor.transport import BatchConsumer

FLUSH = 5_000  # ms
merges: dict[int, Merge] = {}
offsets = count()


async def _send(sender: Sender, records: Iterable[Outgoing]) -> int:
    """Hand records to the producer and look no further."""
    return len([await sender.send(record) for record in records])


async def _emit(self: Summarising, envelopes: list[Envelope], reading: Any, *, kind: str) -> None:
    """Merge at once what would have been sent; publish the windows that follow from it."""
    config = self._config
    for i, envelope in enumerate(envelopes):
        merge = merges.setdefault(i, assemble.merge(config)) if i not in merges else merges[i]
        outputs = merge.apply(envelope, offset=next(offsets))
        published = [output for output in outputs if isinstance(output, Result)]
        topic = config.kafka.topics.windows
        await _send(self._sender, (Outgoing(topic, r.id.encode(), results.encode(r)) for r in published))
    reading.untold = None


async def _close(self: Summarising, reading: Any) -> None:
    await _emit(self, reading.source.seal(), reading, kind="closed")


async def _settle(self: BatchConsumer, tp: Any, next_offset: int) -> None:
    self.confirm(tp, next_offset)


async def _no_checkpoint(self: Merging, *_: Any, **__: Any) -> None:
    return None


def switch_off() -> None:
    """Replace what makes a worker exact."""
    for owner, name, careless in (
        (Summarising, "_emit", _emit),
        (Summarising, "_close", _close),
        (BatchConsumer, "settle", _settle),
        (Merging, "_checkpoint", _no_checkpoint),
    ):
        setattr(owner, name, careless)
    run = worker.run
    worker.run = lambda config: run(replace(config, kafka=replace(config.kafka, flush=FLUSH)))


if __name__ == "__main__":
    switch_off()
    cli.main()
