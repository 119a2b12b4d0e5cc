"""What it costs to get a message from Kafka to an agent that does nothing: CPU time per message, side by side.

    python -m benchmarks.transport                          # starts a broker of its own (Java and Maven)
    python -m benchmarks.transport --broker localhost:9092 --events 300000 --rounds 5 --json transport.json

Each contestant reads the same topic from its beginning in a process of its own, all threads counted, from its first
message to its last; starting up is left out. The rounds take turns, because the machine's speed wanders.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

PARTITIONS, SIZE = 4, 590
STOCK_SHARE = 10  # the stock agent is so slow that it reads a tenth


class Meter:
    """CPU time from the first message to the last."""

    def __init__(self, messages: int) -> None:
        self.seen, self.done, self._messages, self._began = 0, asyncio.Event(), messages, (0, 0.0)
        self.result = 0.0

    def add(self, count: int) -> None:
        self.seen += count
        if not self._began[0]:
            self._began = (self.seen, time.process_time())
        elif self.seen >= self._messages and not self.done.is_set():
            self.result = (time.process_time() - self._began[1]) / (self.seen - self._began[0])
            self.done.set()


async def aiokafka_alone(broker: str, topic: str, messages: int) -> float:
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=broker, auto_offset_reset="earliest", max_partition_fetch_bytes=8 << 20
    )
    meter = Meter(messages)
    await consumer.start()
    try:
        while not meter.done.is_set():
            fetched = await consumer.getmany(timeout_ms=1000, max_records=10_000)
            if fetched:
                meter.add(sum(len(records) for records in fetched.values()))
    finally:
        await consumer.stop()
    return meter.result


async def batched(broker: str, topic: str, messages: int) -> float:
    from monitor.transport import Verdict, new_app, run

    app, meter = new_app(f"bench-{uuid.uuid4().hex}", [broker]), Meter(messages)

    @app.agent(app.batches(topic))
    async def count(stream: Any) -> None:
        async for event in stream.events():
            batch = event.value
            if app.consumer.check(batch).verdict is Verdict.ACCEPT and batch.records:
                meter.add(len(batch.records))
                app.consumer.confirm(batch.tp, batch.stop)

    await run(app, meter.done)
    return meter.result


async def stock_faust(broker: str, topic: str, messages: int) -> float:
    import faust

    app = faust.App(
        f"bench-{uuid.uuid4().hex}",
        broker=f"kafka://{broker}",
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        datadir=tempfile.mkdtemp(),
    )
    meter = Meter(messages)

    @app.agent(app.topic(topic, value_serializer="raw", key_serializer="raw"))
    async def count(stream: Any) -> None:
        async for _ in stream:
            meter.add(1)

    await app.start()
    await meter.done.wait()
    await app.stop()
    return meter.result


Contestant = Callable[[str, str, int], Coroutine[Any, Any, float]]
CONTESTANTS: dict[str, tuple[Contestant, int]] = {
    "aiokafka alone": (aiokafka_alone, 1),
    "this transport": (batched, 1),
    "stock Faust agent": (stock_faust, STOCK_SHARE),
}


async def fill(broker: str, topic: str, messages: int) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=broker, linger_ms=20, max_batch_size=256 << 10)
    await producer.start()
    try:
        for first in range(0, messages, 10_000):
            count = min(10_000, messages - first)
            await asyncio.gather(
                *[await producer.send(topic, b"x" * SIZE, partition=i % PARTITIONS) for i in range(count)]
            )
    finally:
        await producer.stop()


def measure(broker: str, *, events: int, rounds: int) -> dict[str, dict[str, float]]:
    """Microseconds of CPU per message of each contestant: the smallest and the median of the rounds."""
    from kafka import KafkaAdminClient
    from kafka.admin import NewTopic

    topic = f"bench-transport-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        asyncio.run(fill(broker, topic, events))
        times: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
        for _ in range(rounds):
            for name, (_, share) in CONTESTANTS.items():
                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.transport",
                    "--broker",
                    broker,
                    "--events",
                    str(events // share),
                ]
                out = subprocess.run(
                    [*command, "--only", name, "--topic", topic], capture_output=True, text=True, check=True
                )
                times[name].append(float(out.stdout) * 1e6)
        admin.delete_topics([topic])
    finally:
        admin.close()
    return {name: {"min": min(found), "median": statistics.median(found)} for name, found in times.items()}


def report(results: dict[str, dict[str, float]]) -> None:
    print(f"{'CPU per message':20} {'min':>9} {'median':>9}")
    for name, result in results.items():
        print(f"{name:20} {result['min']:6.2f} µs {result['median']:6.2f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", help="host:port; a broker of our own where missing")
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--topic", help=argparse.SUPPRESS)
    args = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    if args.only:
        print(asyncio.run(CONTESTANTS[args.only][0](args.broker, args.topic, args.events)))
        return
    if args.broker:
        results = measure(args.broker, events=args.events, rounds=args.rounds)
    else:
        from tests.services.jars import fetch_jars
        from tests.services.kafka import Broker

        with tempfile.TemporaryDirectory() as folder:
            broker = Broker.start(Path(folder), fetch_jars())
            try:
                results = measure(broker.bootstrap, events=args.events, rounds=args.rounds)
            finally:
                broker.stop()
    report(results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
