"""Topics and dead letters on a real broker: made once, compared for ever, read to their end."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from monitor import deadletters, topics
from monitor.cli import app
from monitor.config import Config, Kafka, Topics
from monitor.errors import OutsideError
from tests import examples
from tests.services.kafka import Broker


def configured(broker: Broker, **options: object) -> Config:
    """A configuration whose topics nobody else uses."""
    own = uuid.uuid4().hex[:8]
    names = Topics(*(f"{own}.{name}" for name in ("summaries", "state", "windows", "triggers", "dead-letters")))
    made = Kafka(brokers=(broker.bootstrap,), topics=names, predictions=(f"{own}.predictions",), partitions=3)
    return replace(examples.config(), kafka=replace(made, **options))  # type: ignore[arg-type]  # options of a test


def test_missing_topics_are_made_as_they_should_be_and_a_second_run_changes_nothing(broker: Broker) -> None:
    config = configured(broker)
    names = tuple(topic.name for topic in topics.ours(config))

    assert topics.create(config) == topics.Created(names, (), ())
    assert topics.create(config) == topics.Created((), names, ())
    broker.create_topic(*config.kafka.predictions, partitions=2)
    assert topics.check(config) == []


def test_every_missing_topic_is_named_and_log_topics_are_never_made(broker: Broker) -> None:
    config = configured(broker)

    missing = [problem.split("'")[1] for problem in topics.check(config)]
    assert missing == [topic.name for topic in topics.ours(config)] + list(config.kafka.predictions)

    topics.create(config)
    (left,) = topics.check(config)
    assert left.startswith(f"log topic '{config.kafka.predictions[0]}' does not exist")


def test_a_topic_that_differs_is_told_and_left_alone(broker: Broker) -> None:
    config = configured(broker)
    broker.create_topic(config.kafka.topics.state, partitions=1, config={"cleanup.policy": "delete"})

    done = topics.create(config)

    assert [text.split(": ")[1].split(",")[0] for text in done.problems] == [
        "expected 3 partitions",
        "expected cleanup.policy compact",
        "expected max.message.bytes at least 8388608",
        "expected segment.bytes 33554432",
        "expected min.cleanable.dirty.ratio 0.1",
    ]
    assert topics.create(config).problems == done.problems


def test_a_topic_that_the_broker_refuses_is_told_with_its_reason(broker: Broker) -> None:
    done = topics.create(configured(broker, replication=3))

    assert done.made == ()
    assert len(done.problems) == 5
    assert "could not be created" in done.problems[0]
    assert "replication factor" in done.problems[0]


def test_logs_with_larger_records_than_dead_letters_can_hold_are_a_problem(broker: Broker) -> None:
    config = configured(broker)
    topics.create(config)
    broker.create_topic(*config.kafka.predictions, config={"max.message.bytes": str(32 * 1024 * 1024)})

    (problem,) = topics.check(config)
    assert "expected max.message.bytes above the 33554432 of log topic" in problem


def test_dead_letters_are_shown_by_reason_whatever_else_lies_in_the_topic(broker: Broker, tmp_path: Path) -> None:
    config = configured(broker)
    topics.create(config)
    topic = config.kafka.topics.dead_letters
    assert list(deadletters.waiting(config, ())) == []

    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for offset in range(1_200):
        letter = deadletters.record(
            topic="predictions",
            partition=0,
            offset=offset,
            timestamp=1_700_000_000_000 + offset,
            reading="1/e",
            stage="summarise",
            reason="not_json",
            message="bad",
            key=b"k",
            value=b"{\x1b%d" % offset,
            headers=[("trace", b"1")],
        )
        producer.send(topic, key=letter.key, value=letter.value, headers=letter.headers)
    producer.send(topic, key=b"not ours", value=None).get(30)
    producer.close()

    ours, other = deadletters.rows(deadletters.waiting(config, ()))
    assert ours == deadletters.Row("predictions", "not_json", 1_200, 1_700_000_000_000, 1_700_000_001_199, "{\\x1b1199")
    assert (other.topic, other.reason, other.count, other.example) == ("unknown", "unknown", 1, "no value")


def test_what_was_sent_with_a_dead_letter_comes_back_untouched(broker: Broker) -> None:
    config = configured(broker)
    topics.create(config)
    topic = config.kafka.topics.dead_letters
    letter = deadletters.record(
        topic="p",
        partition=1,
        offset=2,
        timestamp=3,
        reading="1/e",
        stage="s",
        reason="r",
        message="é",
        key=b"\x00",
        value=b"\xff" * 9,
    )

    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    producer.send(topic, key=letter.key, value=letter.value, headers=letter.headers).get(30)
    producer.close()

    (found,) = broker.records(topic)
    assert (found.key, found.value, list(found.headers)) == (letter.key, letter.value, letter.headers)


def test_dead_letters_without_their_topic_say_what_to_do(broker: Broker) -> None:
    with pytest.raises(OutsideError, match="does not exist; create it with `driftline topics create`"):
        deadletters.notes(configured(broker))


def test_the_commands_do_it_from_a_file(broker: Broker, new_topic: Callable[..., str], tmp_path: Path) -> None:
    names = configured(broker).kafka.topics
    examples.profile_file(tmp_path, examples.profile())
    path = tmp_path / "driftline.yaml"
    path.write_text(
        "models: [{name: credit, versions: {'3': credit-3.json}, window: {size: 1h}}]\n"
        f"kafka: {{brokers: '{broker.bootstrap}', predictions: {new_topic('predictions')}, topics: {{"
        f"summaries: {names.summaries}, state: {names.state}, windows: {names.windows}, "
        f"triggers: {names.triggers}, dead_letters: {names.dead_letters}}}}}\n"
    )

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*arguments, "--config", str(path)])
        return result.exit_code, result.output

    assert run("check")[0] == 3
    assert run("topics", "create")[1].count("created ") == 5
    assert run("topics", "create")[1].count("exists ") == 5
    assert run("topics", "check") == (0, "all topics are as they should be\n")
    assert run("dead-letters", "show") == (0, f"no dead letters in {names.dead_letters}\n")
    code, output = run("check")
    assert code == 0
    assert output.endswith(f"{path}: the configuration is right, and Kafka has what it needs\n")
