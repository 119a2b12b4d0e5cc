"""Records that could not be used, kept with the reason: key, value and headers as they came, and headers of ours.

A dead letter's own key is ``topic-partition-offset``, so that sending it again after a crash replaces itself; the
record's key, where it had one, is kept in the header `driftline.error.key`. Two more kinds of records lie in the topic:

``redriven|topic-partition-offset|timestamp`` marks a letter that was sent back to its topic (`redrive.py`).
``closed|topic-partition-start-stop-reading`` says which reading of a block is the one that counts. Whoever reads an
open block again, perhaps under another configuration, has letters of his own; only those of that reading are for good.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from monitor.brokers import consumer
from monitor.config import Config
from monitor.errors import OutsideError
from monitor.topics import LARGEST

PREFIX = "driftline.error."
REQUIRED = ("topic", "partition", "offset", "timestamp", "reading", "stage", "reason", "message")
OPTIONAL = ("cut", "key")  # they follow in this order, where there are any
MARK = b"redriven|"
CLOSED = b"closed|"
BLOCK = re.compile(
    CLOSED.replace(b"|", b"\\|") + rb"([a-zA-Z0-9._-]{1,249})-(\d{1,9})-(\d{1,19})-(\d{1,19})-([^-]{1,99})"
)
TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
EXAMPLE = 60  # characters of a value that are shown
MESSAGE = 1_024  # most bytes of a message
MIB = 1024 * 1024
LONGEST = LARGEST - MIB  # of a dead letter's value: its key and headers need room too
ROOM = MIB - 16 * 1024  # of its key and headers, ours left out
OVERHEAD = 10  # bytes that a header costs beyond its name and value, at most

Headers = list[tuple[str, bytes]]


class DeadLetter(NamedTuple):
    """A record for the dead-letter topic, as a producer takes it."""

    key: bytes
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it is read. `time` is the record's own, in UTC milliseconds; `place` its topic-partition-offset.

    place: None if somebody else wrote this: then nothing but the reason and the value mean anything.
    """

    reason: str
    topic: str
    time: int
    value: bytes | None
    place: str | None = None
    source: int = -1  # the partition that the record was in
    offset: int = -1
    reading: str = ""
    home: int = -1  # the partition of the dead letter
    cut: bool = False
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def mark(self) -> bytes:
        """The key of the mark that says it was sent back; the time tells a topic from one made anew under its name."""
        return MARK + f"{self.place}|{self.time}".encode()


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
    reading: str,
    stage: str,
    reason: str,
    message: str,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] = (),
) -> DeadLetter:
    """The dead letter of a record: its value and headers untouched, ours after them. timestamp: UTC milliseconds.

    reading: who read its block, as `closed` names it.
    What the dead letters cannot take is cut, because it would stop the worker for ever: a value beyond LONGEST, a key
    and headers beyond ROOM. The message is cut to MESSAGE bytes.
    """
    cut = []
    if value is not None and len(value) > LONGEST:
        cut.append(f"the first {LONGEST:,} of {len(value):,} bytes")
        value = value[:LONGEST]
    if len(key or b"") + sum(len(name.encode()) + len(text or b"") + OVERHEAD for name, text in headers) > ROOM:
        cut.append(f"none of {len(headers):,} headers and {len((key or b'')[:MESSAGE]):,} bytes of the key")
        key, headers = key and key[:MESSAGE], ()
    about = (topic, partition, offset, timestamp, reading, stage, reason, message)
    ours = [
        (PREFIX + name, str(text).encode("utf-8", "backslashreplace"))
        for name, text in zip(REQUIRED, about, strict=True)
    ]
    ours[-1] = (PREFIX + "message", ours[-1][1][:MESSAGE].decode(errors="ignore").encode())
    if cut:
        ours.append((PREFIX + "cut", f"kept are {' and '.join(cut)}".encode()))
    if key is not None:
        ours.append((PREFIX + "key", key))
    return DeadLetter(f"{topic}-{partition}-{offset}".encode(), value, [*headers, *ours])


def closed(topic: str, partition: int, start: int, stop: int, reading: str) -> DeadLetter:
    """Says that a reading has closed the block ``[start, stop)``."""
    return DeadLetter(CLOSED + f"{topic}-{partition}-{start}-{stop}-{reading}".encode(), b"", [])


@dataclass(frozen=True, slots=True)
class Notes:
    """What the topic says beside the letters: marks of those sent back, and the blocks that were closed.

    blocks: (start, stop, reading) by (topic, partition).
    """

    marks: set[bytes] = field(default_factory=set)
    blocks: dict[tuple[str, int], set[tuple[int, int, str]]] = field(default_factory=dict)

    def final(self, letter: Letter) -> bool | None:
        """Whether a letter is for good; False: its record counted when it was read again; None: its block is open."""
        blocks = self.blocks.get((letter.topic, letter.source), ())
        readings = {reading for start, stop, reading in blocks if start <= letter.offset < stop}
        return letter.reading in readings if readings else None


def notes(config: Config, *, deadline: float = 10.0) -> Notes:
    """What was noted so far. Raises OutsideError if the topic cannot be read."""
    made = Notes()
    for found in _read(config, deadline):
        if found.key and found.key.startswith(MARK):
            made.marks.add(bytes(found.key))
        elif found.key and (block := BLOCK.fullmatch(found.key)):
            topic, partition, start, stop, reading = (part.decode() for part in block.groups())
            made.blocks.setdefault((topic, int(partition)), set()).add((int(start), int(stop), reading))
    return made


def waiting(config: Config, done: Collection[bytes], *, deadline: float = 10.0) -> Generator[Letter, None, None]:
    """The letters without a mark among `done`, as often as they were sent. Raises as `notes` does."""
    for found in _read(config, deadline):
        if not (found.key or b"").startswith((MARK, CLOSED)):
            letter = _letter(found)
            if letter.place is None or letter.mark not in done:
                yield letter


def once(letters: Iterable[Letter]) -> Iterator[Letter]:
    """Each letter once: after a crash its block is read, and it is sent, again."""
    seen = set[bytes]()
    for letter in letters:
        if letter.place is None or letter.mark not in seen:
            seen.add(letter.mark)
            yield letter


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


def _read(config: Config, deadline: float) -> Iterator[Any]:
    """Every record up to the topic's present end; `deadline` seconds without progress are an error."""
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
                yield from (found for found in records if found.offset < ends[partition])
            if polled:
                moved = time.monotonic()
            elif time.monotonic() - moved > deadline:
                raise OutsideError(f"topic {topic!r}: nothing more came for {deadline:g} s before its end; try again")


def _letter(found: Any) -> Letter:
    """A record of the topic. Somebody else may have written it: then its reason and topic are escaped, or `unknown`."""
    theirs = [(name, value or b"") for name, value in found.headers or ()]
    ours = _ours(theirs)
    reason = escaped(ours.get("reason") or b"unknown")
    topic = ours.get("topic", b"unknown").decode("latin-1")
    stamp, partition, offset = (_number(ours.get(name, b"")) for name in ("timestamp", "partition", "offset"))
    place = f"{topic}-{partition}-{offset}"
    if (
        stamp is None
        or partition is None
        or offset is None
        or not TOPIC.fullmatch(topic)
        or found.key != place.encode()
    ):
        return Letter(reason, escaped(topic.encode()), found.timestamp if stamp is None else stamp, found.value)
    return Letter(
        reason,
        topic,
        int(stamp or 0),
        found.value,
        place=place,
        source=int(partition or 0),
        offset=int(offset or 0),
        reading=ours.get("reading", b"").decode("latin-1"),
        home=found.partition,
        cut="cut" in ours,
        key=ours.get("key"),
        headers=tuple(theirs[: len(theirs) - len(ours)]),
    )


def _ours(headers: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """Our headers by name: the last ones, in their order. The record may have brought some of the same names."""
    found: dict[str, bytes] = {}
    for name in reversed(REQUIRED + OPTIONAL):
        if len(found) < len(headers) and headers[-1 - len(found)][0] == PREFIX + name:
            found[name] = headers[-1 - len(found)][1]
    return found


def _number(text: bytes) -> int | None:
    """A number as `record` writes it, -1 where Kafka had no time."""
    return int(text) if text == b"-1" or (text.isdigit() and len(text) < 20) else None
