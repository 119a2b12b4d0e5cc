"""What a worker must be allowed to do in Kafka, and what it is not: asked before it starts."""

from __future__ import annotations

import re
from typing import Any

from monitor.config import Config

REFUSED = 29  # Kafka's error code for a topic that we may not even look at


def needed(config: Config) -> dict[str, tuple[str, ...]]:
    """The operations on each topic that a worker cannot do without; of the group it is Read."""
    topics = config.kafka.topics
    return {
        **dict.fromkeys(config.kafka.sources, ("Read",)),
        topics.summaries: ("Read", "Write", "DescribeConfigs"),  # the last tells how large an envelope may be
        topics.state: ("Read", "Write"),
        topics.windows: ("Write",),
        topics.triggers: ("Write",),
        topics.dead_letters: ("Write",),
    }


def lacking(client: Any, config: Config) -> list[str]:
    """What we may not do though we must, each with the command that allows it; nothing where Kafka does not tell."""
    wanted = needed(config)
    found = [
        (operation, f"--topic {topic['name']}")
        for topic in client.describe_topics(list(wanted))
        for operation in wanted[topic["name"]]
        if not _allowed(topic, operation)
    ]
    if not _may_join(client, config.kafka.group):
        found.append(("Read", f"--group {config.kafka.group}"))
    name = config.kafka.security.sasl.username if config.kafka.security.sasl else "NAME"
    return [
        f"{resource.removeprefix('--')}: {operation} is not allowed; let an administrator run "
        f"`kafka-acls.sh --add --allow-principal User:{name} --operation {operation} {resource}`"
        for operation, resource in found
    ]


def _allowed(topic: dict[str, Any], operation: str) -> bool:
    told = topic.get("authorized_operations")
    if topic["error_code"]:
        return bool(topic["error_code"] != REFUSED)  # it does not exist: another's message
    return told is None or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper() in told


def _may_join(client: Any, group: str) -> bool:
    from kafka.errors import GroupAuthorizationFailedError, RetriableError

    try:
        told = client.describe_groups([group])[group]
    except GroupAuthorizationFailedError:
        return False
    except RetriableError:  # a cluster that never had a group has nobody to tell yet
        return True
    allowed = told.get("authorized_operations")
    return bool(told["error"]) or not allowed or "READ" in allowed
