"""How `merge` finds its checkpoint again: all of the partition, whatever else the machine is doing."""

import asyncio
from collections.abc import Callable

from kafka import KafkaProducer

from monitor.config import Kafka
from monitor.statelog import read_partition
from tests.services.kafka import Broker


def test_a_partition_is_read_from_its_beginning_however_busy_the_reader_is(
    broker: Broker, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("state", partitions=2)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for i in range(20):
        producer.send(topic, key=b"%d" % i, value=b"x", partition=i % 2)
    producer.close()

    async def busy() -> list[list[bytes]]:
        read = await asyncio.gather(*[read_partition(Kafka((broker.bootstrap,)), topic, i % 2) for i in range(40)])
        return [[record.key for record in records] for records in read]

    expected = [[b"%d" % i for i in range(partition, 20, 2)] for partition in (0, 1)]
    assert asyncio.run(busy()) == expected * 20


def test_of_a_log_that_is_not_compacted_yet_only_what_counts_is_kept(
    broker: Broker, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("state", partitions=1)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for key, value in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"gone", b"1"), (b"gone", None), (b"b", b"3")):
        producer.send(topic, key=key, value=value)
    producer.close()
    assert asyncio.run(read_partition(Kafka((broker.bootstrap,)), topic, 0)) == [(b"a", b"2"), (b"b", b"3")]
