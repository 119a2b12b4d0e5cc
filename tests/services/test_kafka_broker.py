"""The broker that tests rely on is a real one."""

import threading
from collections.abc import Callable

import pytest

from tests.services.kafka import Broker


def test_a_record_sent_to_the_broker_is_read_back(broker: Broker, new_topic: Callable[..., str]) -> None:
    topic = new_topic("echo", partitions=2)
    (confirmed,) = broker.send(topic, [b"hello"], partition=1)
    (record,) = broker.records(topic)
    assert (record.value, record.partition, record.offset) == (b"hello", 1, confirmed.offset)
    assert broker.end_offsets(topic) == {0: 0, 1: 1}


def test_a_tombstone_is_a_record_without_a_value(broker: Broker, new_topic: Callable[..., str]) -> None:
    topic = new_topic("tombstone", partitions=1)
    broker.send(topic, [None])
    assert [record.value for record in broker.records(topic)] == [None]


@pytest.mark.timeout(180)
def test_a_killed_broker_comes_back_with_its_records(own_broker: Broker) -> None:
    topic = own_broker.create_topic("kept", partitions=1)
    own_broker.send(topic, [b"before"])
    own_broker.kill()
    own_broker.start_again()
    own_broker.send(topic, [b"after"])
    assert [record.value for record in own_broker.records(topic)] == [b"before", b"after"]


@pytest.mark.timeout(180)
def test_a_paused_broker_answers_nothing_until_it_is_resumed(own_broker: Broker) -> None:
    topic = own_broker.create_topic("paused", partitions=1)
    own_broker.pause()
    sender = threading.Thread(target=own_broker.send, args=(topic, [b"late"]))
    sender.start()
    sender.join(1)
    assert sender.is_alive()
    own_broker.resume()
    sender.join(60)
    assert [record.value for record in own_broker.records(topic)] == [b"late"]
