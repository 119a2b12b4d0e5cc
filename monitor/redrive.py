"""Sends dead letters back to their topics after a fix: each once, however often, and by however many, it is asked for.

A letter's record and its mark are one transaction, so that a crash leaves both or none. A producer is opened before
the marks are read: that ends what another one had begun, so two of them never send the same letter.

The record goes back with its own timestamp, because that is what it is judged by (`future_time`): a copy means the same
as the record it was made from, wherever it is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from monitor import deadletters
from monitor.brokers import admin, transactions
from monitor.config import Config
from monitor.deadletters import MIB, OVERHEAD, Letter, Notes, Row
from monitor.errors import DriftlineError
from monitor.logs.contract import REASONS
from monitor.topics import LARGEST, Found, look

HEADER = "driftline.redriven"  # names the record that this one is a copy of, as topic-partition-offset
PIECE = 500  # letters in a transaction, at most
PIECE_BYTES = 32 * MIB
BATCH = 1024  # bytes that Kafka and our header add to a record, at most

CUT = "only a part of it was kept"
FOREIGN = "it is no dead letter of ours"
OPEN = "its block is still open, and is read again by itself when a worker starts"
COUNTED = "its block was read again since, and it counted or has a newer letter"
ELSEWHERE = "its topic is not among the logs of the configuration, or does not exist"
TOO_LARGE = "it is larger than its topic takes; raise the topic's max.message.bytes"


@dataclass(frozen=True, slots=True)
class Redriven:
    """What was sent, or would be; how many had been sent before; and how many cannot be, by the reason why."""

    rows: list[Row]
    done: int
    refused: Counter[str]

    @property
    def sent(self) -> int:
        """How many letters were sent, or would be."""
        return sum(row.count for row in self.rows)


def redrive(
    config: Config,
    *,
    reason: str | None = None,
    topic: str | None = None,
    dry_run: bool = False,
    deadline: float = 10.0,
) -> Redriven:
    """Send every dead letter of the reason and topic, or of all, that was not sent yet; a dry run only looks.

    Raises DriftlineError for a reason or topic that cannot be, OutsideError if Kafka fails; run it again then.
    """
    for name, value, known in (("reason", reason, REASONS), ("topic", topic, config.kafka.sources)):
        if value is not None and value not in known:
            raise DriftlineError(f"unknown {name} {value!r}; known are {', '.join(known)}")
    refused = Counter[str]()
    with ExitStack() as stack:
        with admin(config.kafka, deadline) as client:
            logs = look(client, config.kafka.sources)
        sender = None if dry_run else stack.enter_context(_sender(config, logs, deadline))
        notes = deadletters.notes(config, deadline=deadline)
        waiting = stack.enter_context(closing(deadletters.waiting(config, notes.marks, deadline=deadline)))
        wanted = (found for found in waiting if reason in {None, found.reason} and topic in {None, found.topic})
        fit = deadletters.once(_fitting(wanted, notes, logs, refused))
        sent = fit if sender is None else (letter for piece in _pieces(fit) for letter in sender.send(piece))
        return Redriven(deadletters.rows(sent), len(notes.marks), refused)


class _Sender:
    """Sends letters back, and marks them in the topic `home`."""

    def __init__(self, producer: Any, logs: Mapping[str, Found], home: str) -> None:
        self._producer, self._logs, self._home = producer, logs, home

    def send(self, letters: Sequence[Letter]) -> Sequence[Letter]:
        """Send letters and their marks in one transaction; returns them. Raises KafkaError where none was sent."""
        self._producer.begin_transaction()
        for waiting in [future for letter in letters for future in self._one(letter)]:
            waiting.get()
        self._producer.commit_transaction()
        return letters

    def _one(self, letter: Letter) -> tuple[Any, Any]:
        """The record, into its partition where that still exists; its mark beside the letter, to outlive it there."""
        mark = (HEADER, (letter.place or "").encode())
        partition = letter.source if letter.source < self._logs[letter.topic].partitions else None
        stamp = letter.time if letter.time >= 0 else None
        headers = [*letter.headers, mark]
        record = self._producer.send(letter.topic, letter.value, letter.key, headers, partition, stamp)
        return record, self._producer.send(self._home, b"", letter.mark, [mark], letter.home)


@contextmanager
def _sender(config: Config, logs: Mapping[str, Found], deadline: float) -> Iterator[_Sender]:
    name = f"driftline-redrive-{config.kafka.group}"
    largest = LARGEST + MIB  # a letter, and the header that it gets
    with transactions(config.kafka, deadline, name=name, largest=largest) as producer:
        yield _Sender(producer, logs, config.kafka.topics.dead_letters)


def _fitting(
    letters: Iterable[Letter], notes: Notes, logs: Mapping[str, Found], refused: Counter[str]
) -> Iterator[Letter]:
    """Those that can be sent: whole ones of ours, of logs that exist and take them. The others are counted."""
    for letter in letters:
        if letter.place is None:
            refused[FOREIGN] += 1
        elif letter.topic not in logs:
            refused[ELSEWHERE] += 1
        elif not (final := notes.final(letter)):
            refused[OPEN if final is None else COUNTED] += 1
        elif letter.cut:
            refused[CUT] += 1
        elif _size(letter) > int(logs[letter.topic].settings.get("max.message.bytes", LARGEST)):
            refused[TOO_LARGE] += 1
        else:
            yield letter


def _size(letter: Letter) -> int:
    """Bytes of the record with its new header, at most."""
    headers = sum(len(name.encode()) + len(value) + OVERHEAD for name, value in letter.headers)
    return len(letter.value or b"") + len(letter.key or b"") + headers + BATCH


def _pieces(letters: Iterable[Letter]) -> Iterator[list[Letter]]:
    """Letters by transaction: few enough to be in memory, many enough to be quick."""
    piece: list[Letter] = []
    size = 0
    for letter in letters:
        piece.append(letter)
        size += len(letter.value or b"")
        if len(piece) == PIECE or size > PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
