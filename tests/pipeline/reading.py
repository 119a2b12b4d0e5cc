"""A program that reads one log and prints what comes of it: the digest of each closed envelope, then every result.

python -m tests.pipeline.reading BATCH WORKERS    # records in a batch; workers who read the blocks in turn
"""

from __future__ import annotations

import json
import random
import sys
from hashlib import sha256
from typing import Any

from monitor.config import Clock, Config, Kafka, Model
from monitor.drift.calendars import DAY, Calendar
from monitor.drift.windows import Windows
from monitor.logs.json import JsonDecoder
from monitor.pipeline import assemble, results
from monitor.pipeline.assemble import ENDED
from monitor.pipeline.envelopes import Envelope, encode
from monitor.pipeline.results import Result
from tests.examples import HOUR, START, profile, segmented

BLOCK, PARTITIONS, RECORDS = 97, 2, 600
CONFIG = Config(
    (
        Model("credit", {"3": segmented(profile("credit", features=3))}, Windows(HOUR, HOUR // 2, HOUR // 4)),
        Model("été", {"1": profile("été", "1")}, Windows(HOUR, HOUR)),
        Model("dia", {"1": profile("dia", "1")}, Windows(DAY, DAY, scale=Calendar("Atlantic/Cape_Verde"))),
        Model("few", {"1": segmented(profile("few", "1"))}, Windows(HOUR // 4, HOUR // 4, events=40)),
    ),
    kafka=Kafka(block=BLOCK),
    clock=Clock(disorder=60_000),
)
OWNERS = [("credit", "3"), ("credit", "3"), ("été", "1"), ("dia", "1"), ("few", "1"), ("nobody", "1")]
COUNTRIES = ("DE", "FR", "İstanbul", "ß", "ﬀ", "日本", "", None, 7, True)
NUMBERS: tuple[object, ...] = (25.0, 40, 60.5, -0.0, 1e300, "40", "4,5", None, [], True, 2**70)


def values(partition: int) -> list[tuple[bytes | None, int]]:
    """Records and the broker's timestamps: good events of some models, and every kind of odd one between them."""
    rng = random.Random(partition)
    made: list[tuple[bytes | None, int]] = []
    for i in range(RECORDS):
        when = START + i * 20_000 + rng.randrange(-90_000, 90_000) - (2 * HOUR if i % 50 == 49 else 0)
        model, version = rng.choice(OWNERS)
        features: dict[str, Any] = {f"age{j}": rng.choice(NUMBERS[: rng.choice([3, 11])]) for j in range(4)}
        features["country"] = rng.choice(COUNTRIES[: rng.choice([2, 10])])
        event = {"model": model, "version": version, "features": features, "prediction": rng.choice(NUMBERS)}
        value = json.dumps(event | {"time": when}, ensure_ascii=rng.random() < 0.5).encode()
        value = rng.choice([value] * 12 + [b"", b"{", b"\xff", b"[1]"])
        made.append((None if rng.random() < 0.02 else value, when - (400_000 if rng.random() < 0.02 else 0)))
    return made


def closed(partition: int, *, batch: int, decoders: list[JsonDecoder]) -> list[Envelope]:
    """The partition's envelopes; the blocks are read from their start, by one worker after the other."""
    log, found = values(partition), []
    for block in range(RECORDS // BLOCK + 1):
        start, stop = block * BLOCK, min((block + 1) * BLOCK, RECORDS)
        source = assemble.source_partition(
            CONFIG,
            "predictions",
            partition,
            of=PARTITIONS,
            start=start,
            decoder=decoders[(block + partition) % len(decoders)],
            summaries=1,
        )
        for first in range(start, stop, batch):
            piece = log[first : min(first + batch, stop)]
            source.add([value for value, _ in piece], [when for _, when in piece], stop=first + len(piece))
        found += source.seal() if source.full else source.snapshot(idle=ENDED)
    return found


def main(batch: int, workers: int) -> None:
    decoders = [assemble.decoder(CONFIG) for _ in range(workers)]
    envelopes = [closed(partition, batch=batch, decoders=decoders) for partition in range(PARTITIONS)]
    merge = assemble.merge(CONFIG)
    # One block of each partition in turn: as event time goes, nothing waits long for the other partition.
    for offset, envelope in enumerate(e for blocks in zip(*envelopes, strict=True) for e in blocks):
        print(envelope.block, envelope.partition, sha256(encode(envelope)).hexdigest())
        for output in merge.apply(envelope, offset=offset):
            print(results.encode(output).hex() if isinstance(output, Result) else ascii(output))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
