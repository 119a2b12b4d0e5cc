"""Batches that say which positions they cover, and the check that none was lost on the way.

Between the fetch and our agents Faust may drop a batch: around a rebalance, when a stream is restarted, when a queue is
cleared. The next batch then looks like a gap in the offsets, and gaps are normal (compaction, transaction markers). So
a batch carries `[start, stop)` from the consumer's own position: true gaps lie inside ranges, and a batch that does
not begin where the last one ended is a loss.

A *reading* is a stretch in which a partition is read on and on: it begins with an assignment or with a seek, at a known
position, and its number is on each of its batches. What was fetched before a seek is thereby told from what was
fetched after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol


class Record(Protocol):
    """The driver's own record. `timestamp` is the broker's, in ms; `timestamp_type` 1 means that the broker set it."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def timestamp_type(self) -> int: ...
    @property
    def offset(self) -> int: ...


class Partition(NamedTuple):
    """A partition of a topic; equal to the tuples by which Faust and its driver know it."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one fetch brought of one partition: every record in `[start, stop)`, which may be none.

    The first batch of a reading is empty, `start == stop`, and comes also where no record ever will. `end_offset` is
    the log's end as known at the fetch (open transactions included), None before the first answer of the broker.
    """

    topic: str
    partition: int
    start: int
    stop: int
    generation: int
    reading: int
    records: Sequence[Record]
    end_offset: int | None

    @property
    def tp(self) -> Partition:
        return Partition(self.topic, self.partition)


class Verdict(Enum):
    """What to do with a batch: count it, forget it (it was fetched before the last seek), or seek back (a loss)."""

    ACCEPT = "accept"
    STALE = "stale"
    JUMP = "jump"


class Check(NamedTuple):
    """A verdict, with the position at which the batch should have begun and the one at which it did."""

    verdict: Verdict
    expected: int
    got: int


@dataclass(slots=True)
class _Expected:
    reading: int
    position: int
    announced: bool = False


class Ranges:
    """Where the next batch of each partition has to begin.

    >>> ranges = Ranges()
    >>> ranges.begin(Partition("logs", 0), reading=1, start=50)
    >>> [ranges.check(Batch("logs", 0, 50, stop, 3, 1, [], None)).verdict.value for stop in (50, 60)]
    ['accept', 'accept']
    >>> ranges.check(Batch("logs", 0, 65, 70, 3, 1, [], None))
    Check(verdict=<Verdict.JUMP: 'jump'>, expected=60, got=65)
    """

    def __init__(self) -> None:
        self._expected: dict[Partition, _Expected] = {}

    def begin(self, tp: Partition, *, reading: int, start: int) -> None:
        """From now on only batches of this reading count; the first of them is empty and stands at `start`."""
        self._expected[tp] = _Expected(reading, start)

    def end(self, tp: Partition) -> None:
        """The partition is no longer read: whatever still comes of it is stale."""
        self._expected.pop(tp, None)

    def check(self, batch: Batch) -> Check:
        """Judge a batch; an accepted one moves the position, a refused one changes nothing."""
        expected = self._expected.get(batch.tp)
        if expected is None or expected.reading != batch.reading:
            return Check(Verdict.STALE, batch.start if expected is None else expected.position, batch.start)
        if batch.start != expected.position or not (expected.announced or batch.start == batch.stop):
            return Check(Verdict.JUMP, expected.position, batch.start)
        expected.position, expected.announced = batch.stop, True
        return Check(Verdict.ACCEPT, batch.start, batch.start)

    def position(self, tp: Partition) -> int | None:
        """Where the next batch has to begin; None where nothing is read."""
        expected = self._expected.get(tp)
        return None if expected is None else expected.position
