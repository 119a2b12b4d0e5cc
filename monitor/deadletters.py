"""Records that could not be used, kept with the reason: key, value and headers as they came, and headers of ours.

A dead letter's own key is ``topic-partition-offset``, so that sending it again after a crash replaces itself; the
record's key, where it had one, is kept in the header `driftline.error.key`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from monitor.brokers import consumer
from monitor.config import Config
from monitor.errors import OutsideError

PREFIX = "driftline.error."
EXAMPLE = 60  # characters of a value that are shown

Headers = list[tuple[str, bytes]]


class DeadLetter(NamedTuple):
    """A record for the dead-letter topic, as a producer takes it."""

    key: bytes
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Letter:
    """What `show` reads of a dead letter. `time` is the record's own, in UTC milliseconds."""

    reason: str
    topic: str
    time: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Row:
    """The dead letters of one topic and reason; `example` is the newest value, escaped and cut."""

    topic: str
    reason: str
    count: int
    first: int
    last: int
    example: str


def record(
    *,
    topic: str,
    partition: int,
    offset: int,
    timestamp: int,
    stage: str,
    reason: str,
    message: str,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] = (),
) -> DeadLetter:
    """The dead letter of a record: its value and headers untouched, ours after them. timestamp: UTC milliseconds."""
    about = {
        "topic": topic,
        "partition": str(partition),
        "offset": str(offset),
        "timestamp": str(timestamp),
        "stage": stage,
        "reason": reason,
        "message": message,
    }
    ours = [(PREFIX + name, text.encode("utf-8", "backslashreplace")) for name, text in about.items()]
    if key is not None:
        ours.append((PREFIX + "key", key))
    return DeadLetter(f"{topic}-{partition}-{offset}".encode(), value, [*headers, *ours])


def show(config: Config, *, deadline: float = 10.0) -> list[Row]:
    """What lies in the dead-letter topic, most frequent first. Raises OutsideError if it cannot be read."""
    return rows(_read(config, deadline))


def rows(letters: Iterable[Letter]) -> list[Row]:
    """Dead letters by topic and reason, most frequent first."""
    found: dict[tuple[str, str], Row] = {}
    for letter in letters:
        key = letter.topic, letter.reason
        row = found.get(key, Row(*key, 0, letter.time, letter.time, ""))
        newest = letter.time >= row.last
        found[key] = Row(
            *key,
            row.count + 1,
            min(row.first, letter.time),
            max(row.last, letter.time),
            escaped(letter.value) if newest else row.example,
        )
    return sorted(found.values(), key=lambda row: (-row.count, row.topic, row.reason))


def escaped(value: bytes | None) -> str:
    """A value that is safe on a terminal: printable ASCII, cut to EXAMPLE characters.

    >>> escaped(b'{"model": "\\x1b[31m\\xc3\\xa9"}'), escaped(None), escaped(b"")
    ('{"model": "\\\\x1b[31m\\\\xc3\\\\xa9"}', 'no value', 'empty')
    """
    if value is None:
        return "no value"
    text = repr(value[: EXAMPLE + 1])[2:-1]
    return (text if len(text) <= EXAMPLE else text[: EXAMPLE - 1] + "…") or "empty"


def _read(config: Config, deadline: float) -> Iterator[Letter]:
    """Every dead letter up to the topic's present end; `deadline` seconds without progress are an error."""
    from kafka import TopicPartition

    topic = config.kafka.topics.dead_letters
    with consumer(config.kafka, deadline) as client:
        numbers = client.partitions_for_topic(topic)
        if not numbers:
            raise OutsideError(f"topic {topic!r} does not exist; create it with `driftline topics create`")
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        client.assign(partitions)
        client.seek_to_beginning(*partitions)
        ends = client.end_offsets(partitions)
        moved = time.monotonic()
        while any(client.position(partition) < end for partition, end in ends.items()):
            polled = client.poll(timeout_ms=200)
            for partition, records in polled.items():
                yield from (_letter(found) for found in records if found.offset < ends[partition])
            if polled:
                moved = time.monotonic()
            elif time.monotonic() - moved > deadline:
                raise OutsideError(f"topic {topic!r}: nothing more came for {deadline:g} s before its end; try again")


def _letter(found: Any) -> Letter:
    """The reason may be missing or odd, if somebody else wrote here: then it is `unknown`, escaped."""
    ours = {name: value or b"" for name, value in found.headers or () if name.startswith(PREFIX)}
    reason, topic = (escaped(ours.get(PREFIX + name, b"unknown")) for name in ("reason", "topic"))
    stamp = ours.get(PREFIX + "timestamp", b"")
    return Letter(reason, topic, int(stamp[:15]) if stamp.isdigit() else found.timestamp, found.value)
