"""Our topics in Kafka: what they must be like, made where they are missing, compared where they exist.

The topics of logs are not ours: they are looked at, never made. An existing topic is never changed, because its data
may be somebody's; what differs is reported with what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from monitor import permissions
from monitor.brokers import admin
from monitor.config import DAY, Config
from monitor.errors import DriftlineError, OutsideError

LARGE = 8 * 1024 * 1024  # an envelope, a checkpoint's pane or a result of a wide model
SMALLEST = 2_000  # bytes of a record of the summaries: enough for its key, headers and a piece of an envelope
LARGEST = 16 * 1024 * 1024  # a dead letter holds whatever somebody managed to send, and our headers
SEGMENT = 32 * 1024 * 1024  # what is written last is not compacted, and a restart reads it; Kafka's own size is 1 GiB
LIMITS = ("max.message.bytes", "retention.ms")  # more is fine; everything else must be equal


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be."""

    name: str
    partitions: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as it is."""

    partitions: int
    replication: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Created:
    """Names of the topics that were made, of those that were there, and what is wrong with any."""

    made: tuple[str, ...]
    existing: tuple[str, ...]
    problems: tuple[str, ...]


def ours(config: Config) -> tuple[Topic, ...]:
    """Our topics. Models map to partitions of the summaries topic by name, so that many partitions it must have."""
    names, partitions = config.kafka.topics, config.kafka.partitions
    return (
        Topic(names.summaries, partitions, _deleted(1, LARGE)),  # what is older is in the checkpoints
        Topic(names.state, partitions, _compacted(LARGE)),
        Topic(names.windows, partitions, _deleted(90, LARGE)),
        Topic(names.triggers, 1, _deleted(30, LARGE)),
        Topic(names.dead_letters, partitions, _deleted(14, LARGEST)),
    )


def _compacted(largest: int) -> dict[str, str]:
    """Small segments, compacted soon: a restart reads the state and little more, however long the history."""
    return {
        "cleanup.policy": "compact",
        "max.message.bytes": str(largest),
        "segment.bytes": str(SEGMENT),
        "min.cleanable.dirty.ratio": "0.1",
    }


def create(config: Config, *, deadline: float = 10.0) -> Created:
    """Make the topics that are missing and compare the others; safe to repeat. Raises OutsideError without a broker."""
    wanted = {topic.name: topic for topic in ours(config)}
    with admin(config.kafka, deadline) as client:
        found = look(client, wanted)
        missing = {name: _request(topic, config) for name, topic in wanted.items() if name not in found}
        answers = client.create_topics(missing, raise_errors=False)["topics"] if missing else []
        refused = {a["name"]: a["error_message"] or f"error {a['error_code']}" for a in answers if a["error_code"]}
        made = [name for name in missing if name not in refused]
        client.wait_for_topics(made, timeout_ms=int(deadline * 1000))
    problems = [f"topic {name!r} could not be created: {reason}" for name, reason in refused.items()]
    problems += _differences([wanted[name] for name in found], found, config)
    return Created(tuple(made), tuple(name for name in wanted if name in found), tuple(problems))


def check(config: Config, *, deadline: float = 10.0) -> list[str]:
    """What is wrong with our topics and those of the logs, if anything. Raises OutsideError without a broker."""
    wanted = ours(config)
    with admin(config.kafka, deadline) as client:
        found = look(client, [topic.name for topic in wanted] + list(config.kafka.sources))
    missing = [topic.name for topic in wanted if topic.name not in found]
    problems = [f"topic {name!r} does not exist; create it with `driftline topics create`" for name in missing]
    problems += _differences(wanted, found, config)
    for name in config.kafka.sources:
        problems += _source_problems(name, found, config)
    return problems


def partition_counts(config: Config, *, deadline: float = 10.0) -> dict[str, int]:
    """Partitions of the topics that a worker reads.

    Raises DriftlineError where a topic that it needs is missing, OutsideError where it may not do all that it must.
    """
    needed = [*config.kafka.sources, *(topic.name for topic in ours(config))]
    with admin(config.kafka, deadline) as client:
        lacking = permissions.lacking(client, config)
        found = look(client, needed, settings=False)
    if lacking:
        raise OutsideError("Kafka does not let us do our work:\n  " + "\n  ".join(lacking))
    missing = [name for name in needed if name not in found]
    if missing:
        raise DriftlineError(f"topics {', '.join(missing)} do not exist; `driftline topics create` makes ours")
    return {name: found[name].partitions for name in (*config.kafka.sources, config.kafka.topics.summaries)}


def largest_summary(config: Config, *, deadline: float = 10.0) -> int:
    """Bytes that a record of the summaries topic may have.

    Raises OutsideError without a broker, and DriftlineError where they are too few even for a fragment of an envelope.
    """
    name = config.kafka.topics.summaries
    with admin(config.kafka, deadline) as client:
        found = look(client, [name])
    limit = found[name].settings.get("max.message.bytes", "") if name in found else ""
    if not limit.isdigit():
        return LARGE
    if int(limit) < SMALLEST:
        raise DriftlineError(
            f"topic {name!r}: expected max.message.bytes of at least {SMALLEST:,}, got {limit}; raise it to {LARGE:,}"
        )
    return min(int(limit), LARGEST)


def differences(topic: Topic, found: Found, *, replication: int) -> list[str]:
    """How a topic that exists differs from what it should be, and what to do about each."""
    place, said = f"topic {topic.name!r}", []
    if found.partitions != topic.partitions:
        said.append(
            f"{place}: expected {topic.partitions} partitions, got {found.partitions}; "
            "delete the topic and create it again, or change kafka.partitions"
        )
    if found.replication < replication:
        said.append(
            f"{place}: expected {replication} replicas, got {found.replication}; "
            "add replicas with kafka-reassign-partitions, or lower kafka.replication"
        )
    for name, value in topic.settings.items():
        got = found.settings.get(name, "nothing")
        if got != value and not (name in LIMITS and _enough(got, value)):
            least = "at least " if name in LIMITS else ""
            said.append(
                f"{place}: expected {name} {least}{value}, got {got}; set it with "
                f"`kafka-configs --alter --entity-type topics --entity-name {topic.name} --add-config {name}={value}`"
            )
    return said


def _differences(topics: Iterable[Topic], found: Mapping[str, Found], config: Config) -> list[str]:
    existing = [topic for topic in topics if topic.name in found]
    return [
        text
        for topic in existing
        for text in differences(topic, found[topic.name], replication=config.kafka.replication)
    ]


def _source_problems(name: str, found: Mapping[str, Found], config: Config) -> list[str]:
    letters = config.kafka.topics.dead_letters
    if name not in found:
        return [
            f"log topic {name!r} does not exist; create it where the logs are written, or correct the configuration"
        ]
    largest, room = (found[t].settings.get("max.message.bytes") if t in found else None for t in (name, letters))
    if largest and room and int(largest) >= int(room):
        return [
            f"topic {letters!r}: expected max.message.bytes above the {largest} of log topic {name!r}, got {room}; "
            "else its largest bad records cannot be kept"
        ]
    return []


def look(client: Any, names: Iterable[str], *, settings: bool = True) -> dict[str, Found]:
    """Those of the topics that exist; without `settings` no permission is needed but that of the work itself."""
    from kafka.admin import ConfigResource, ConfigResourceType

    described = [topic for topic in client.describe_topics(list(names)) if not topic["error_code"]]
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in described]
    values = client.describe_configs(resources, config_filter="all")["topic"] if resources and settings else {}
    return {
        topic["name"]: Found(
            len(topic["partitions"]),
            min(len(partition["replica_nodes"]) for partition in topic["partitions"]),
            {name: str(setting["value"]) for name, setting in values.get(topic["name"], {}).items()},
        )
        for topic in described
    }


def _request(topic: Topic, config: Config) -> dict[str, Any]:
    return {
        "num_partitions": topic.partitions,
        "replication_factor": config.kafka.replication,
        "configs": dict(topic.settings),
    }


def _deleted(days: int, largest: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY), "max.message.bytes": str(largest)}


def _enough(got: str, least: str) -> bool:
    """Whether a limit is as wide as we need; -1 is no limit."""
    return got == "-1" or (got.isdigit() and int(got) >= int(least))
