"""The `kafka` section of a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from monitor import config
from monitor.nodes import Node
from monitor.settings_security import read_security

TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
BROKER = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})")

NUMBERS = {
    "partitions": (1, 10_000),
    "replication": (1, 100),
    "block": (100, 10_000_000),
    "panes": (1, 1_000_000),
    "event": (1_000, 15_000_000),  # the dead letters take no more
}
DURATIONS = {"flush": 10, "checkpoint": 100, "session_timeout": 1_000, "patience": 5_000}
TOPICS = ("summaries", "state", "windows", "triggers", "dead_letters")


def read_kafka(node: Node, folder: Path) -> config.Kafka:
    """Brokers, topics and numbers; no topic may have two uses. Files of `security` are found relative to `folder`."""
    default = config.Kafka()
    fields = node.fields("brokers", "predictions", "features", "group", "security", "topics", *NUMBERS, *DURATIONS)
    numbers = {
        key: fields[key].integer(getattr(default, key), least=least, most=most)
        for key, (least, most) in NUMBERS.items()
    }
    durations = {key: fields[key].duration(getattr(default, key), least=least) for key, least in DURATIONS.items()}
    predictions = fields["predictions"].texts(default.predictions)
    features = fields["features"].texts(default.features)
    own = _own(fields["topics"], default.topics)
    if not predictions and not features and fields["predictions"].value == [] and not fields["features"].value:
        fields["predictions"].wrong("expected at least one topic of predictions or features, got none")
    _check_topics([*predictions.items(), *features.items(), *((name, child) for name, child in own.values())])
    return config.Kafka(
        brokers=_brokers(fields["brokers"], default.brokers),
        predictions=tuple(predictions),
        features=tuple(features),
        group=fields["group"].text(default.group, most=200),
        security=read_security(fields["security"].hidden(), folder),
        topics=config.Topics(**{key: name for key, (name, _) in own.items()}),
        **numbers,
        **durations,
    )


def _brokers(node: Node, default: tuple[str, ...]) -> tuple[str, ...]:
    found = node.texts(default, at_least=1)
    for broker, child in found.items():
        written = BROKER.fullmatch(broker)
        if not written or not 0 < int(written[1]) <= 65_535:
            child.wrong(f"expected host:port, got {broker!r}; write several brokers as a list")
    return tuple(found)


def _own(node: Node, default: config.Topics) -> dict[str, tuple[str, Node]]:
    children = node.fields(*TOPICS)
    return {key: (child.text(getattr(default, key)), child) for key, child in children.items()}


def _check_topics(topics: Iterable[tuple[str, Node]]) -> None:
    """A topic with two uses would be read as what it is not, or for ever."""
    places: dict[str, str] = {}
    for name, child in topics:
        if name and not TOPIC.fullmatch(name):
            child.wrong(f"expected a Kafka topic of letters, digits, '.', '_' and '-', got {name!r}")
        elif name in places:
            child.wrong(f"topic {name!r} is used already by {places[name]}; give each use its own")
        elif name:
            places[name] = child.path
