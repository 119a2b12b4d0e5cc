"""Topics: what ours must be like, and how one that differs is told; the broker's part is in tests/services."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from monitor import topics
from monitor.brokers import reach
from monitor.config import Kafka, Topics
from monitor.errors import OutsideError
from monitor.pipeline.envelopes import partition_of
from monitor.topics import Found, Topic, differences
from tests.examples import config


@pytest.fixture
def closed_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_topic_of_the_configuration_is_ours_once() -> None:
    names = Topics("a", "b", "c", "d", "e")
    made = topics.ours(replace(config(), kafka=Kafka(topics=names, partitions=8)))

    assert [topic.name for topic in made] == ["a", "b", "c", "d", "e"]


def test_summaries_and_state_have_as_many_partitions_as_models_are_spread_over() -> None:
    summaries, state, *_ = topics.ours(replace(config(), kafka=Kafka(partitions=8)))

    assert summaries.partitions == state.partitions == 8
    assert {partition_of(f"model {i}", 8) for i in range(1_000)} == set(range(summaries.partitions))


def test_only_the_checkpoints_are_compacted_and_summaries_take_large_records() -> None:
    policies = {topic.name: topic.settings["cleanup.policy"] for topic in topics.ours(config())}

    assert [name for name, policy in policies.items() if policy == "compact"] == ["driftline.state"]
    assert topics.ours(config())[0].settings["max.message.bytes"] == str(8 * 1024 * 1024)
    assert topics.ours(config())[0].settings["retention.ms"] == "86400000"


def test_what_a_restart_reads_beyond_the_state_is_a_small_segment_that_still_holds_the_largest_record() -> None:
    settings = topics.ours(config())[1].settings

    assert int(settings["max.message.bytes"]) < int(settings["segment.bytes"]) <= 32 * 1024 * 1024
    assert float(settings["min.cleanable.dirty.ratio"]) <= 0.1


WANTED = Topic("t", 4, {"cleanup.policy": "delete", "retention.ms": "1000", "max.message.bytes": "500"})
RIGHT = {"cleanup.policy": "delete", "retention.ms": "1000", "max.message.bytes": "500"}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Found(4, 3, RIGHT), []),
        (Found(4, 3, RIGHT | {"retention.ms": "-1", "max.message.bytes": "501", "segment.ms": "1"}), []),
        (
            Found(2, 3, RIGHT),
            [
                "topic 't': expected 4 partitions, got 2; delete the topic and create it again, "
                "or change kafka.partitions"
            ],
        ),
        (
            Found(4, 1, RIGHT),
            [
                "topic 't': expected 3 replicas, got 1; add replicas with kafka-reassign-partitions, "
                "or lower kafka.replication"
            ],
        ),
        (
            Found(4, 3, RIGHT | {"cleanup.policy": "compact,delete"}),
            [
                "topic 't': expected cleanup.policy delete, got compact,delete; set it with "
                "`kafka-configs --alter --entity-type topics --entity-name t --add-config cleanup.policy=delete`"
            ],
        ),
        (
            Found(4, 3, RIGHT | {"retention.ms": "999"}),
            [
                "topic 't': expected retention.ms at least 1000, got 999; set it with "
                "`kafka-configs --alter --entity-type topics --entity-name t --add-config retention.ms=1000`"
            ],
        ),
    ],
)
def test_what_differs_is_told_with_what_to_do(found: Found, said: list[str]) -> None:
    assert differences(WANTED, found, replication=3) == said


def test_without_a_broker_the_error_names_each_and_comes_within_the_deadline(closed_port: int) -> None:
    made = replace(config(), kafka=Kafka(brokers=(f"127.0.0.1:{closed_port}", "nowhere.invalid:9092")))
    began = time.monotonic()

    with pytest.raises(OutsideError) as caught:
        topics.check(made, deadline=4)

    assert time.monotonic() - began < 10
    assert f"127.0.0.1:{closed_port} (Connection refused), nowhere.invalid:9092 (" in str(caught.value)
    assert str(caught.value).endswith("start one, or correct kafka.brokers or kafka.security")


def test_one_broker_that_answers_is_enough(closed_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        reach(Kafka((f"127.0.0.1:{closed_port}", f"127.0.0.1:{listening.getsockname()[1]}")), 2)
