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
