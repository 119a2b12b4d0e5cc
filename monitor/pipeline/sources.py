"""Which envelopes say something new of their source partition: repeats are dropped, what comes after a hole is refused.

    block    ──── k ────┬── k + 1 ──┬── k + 2 ──     closed blocks are final
    offset   ...........│ ......▲...│                `end` of the open block: what is known of it

A snapshot tells what changed since the one before it, so it is taken only where all before it is known. What was
refused heals when the missing block comes, or when the open one is closed: a closed block tells everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from monitor.pipeline.envelopes import Envelope, unpack
from monitor.pipeline.state import Source, State

EPOCHS = 8  # past epochs that are remembered for each source partition

Answer = Literal["new", "repeat", "hole"]


@dataclass(slots=True)
class Tally:
    """What merge saw since it started: for metrics, not part of its state."""

    repeats: int = 0
    holes: int = 0
    strangers: int = 0  # envelopes of topics, and parts on reference profiles, that are not configured
    superseded: int = 0  # parts of closed blocks on a reference after the next one had come into force


def accept(state: State, envelope: Envelope, *, generation: int, tally: Tally) -> Source | None:
    """The source partition whose envelope is to be counted; None where it is not, and noted why."""
    source = _source(state, envelope)
    if source.epoch != envelope.epoch and not _takes_over(source, envelope, generation):
        tally.repeats += 1
        return None
    if source.epoch != envelope.epoch:
        _begin_epoch(state, source, envelope.epoch)
    answer = _judge(source, envelope)
    if answer == "new":
        if source.closed is None:
            source.closed = envelope.block - 1  # the first block that was heard of: what is before was never ours
        source.hole, source.generation = False, generation
        return source
    tally.holes += answer == "hole"
    tally.repeats += answer == "repeat"
    source.hole = source.hole or answer == "hole"
    return source if answer == "repeat" and _idles(source, envelope, generation) else None


def refuse(state: State, envelope: Envelope, tally: Tally) -> None:
    """Treat an envelope whose counts cannot be read as one that never came."""
    _source(state, envelope).hole = True
    tally.holes += 1


def _source(state: State, envelope: Envelope) -> Source:
    """The source partition; its siblings hold the watermark until they are heard of."""
    for partition in range(envelope.partitions):
        state.sources.setdefault((envelope.topic, partition), Source())
    return state.sources.setdefault((envelope.topic, envelope.partition), Source())


def _takes_over(source: Source, envelope: Envelope, generation: int) -> bool:
    """Whether another epoch is that of a successor, not of a zombie.

    The generations of a consumer group that was forgotten begin again, so an epoch never seen is a successor's too.
    """
    return generation >= source.generation or envelope.epoch not in source.past


def _begin_epoch(state: State, source: Source, epoch: str) -> None:
    """Take an open block's counts out again: a new epoch counts the block anew, and windows wait for as much of it.

    Until it has come as far as the old one was, nothing is said of any window: counts are missing from them. `spent`
    stays: what a pane held when it retired has been published, and is not late as well.
    """
    for key, counts in source.open.items():
        if key in state.panes:
            state.panes.add(key, -unpack(counts))
    if source.block is not None:
        source.redo = max(source.redo, source.end)
    source.open, source.block, source.end = {}, None, -1
    if source.epoch:
        source.past = [*source.past, source.epoch][-EPOCHS:]
    source.epoch = epoch


def _judge(source: Source, envelope: Envelope) -> Answer:
    """Whether the envelope adds to what is known, says it again, or comes after something that is missing."""
    if source.closed is not None and envelope.block != source.closed + 1:
        return "hole" if envelope.block > source.closed else "repeat"
    known = source.end if source.block == envelope.block else envelope.start
    if source.block == envelope.block and envelope.end <= known and not envelope.closed:
        return "repeat"
    return "hole" if envelope.since > known else "new"


def _idles(source: Source, envelope: Envelope, generation: int) -> bool:
    """Take what a repeat says of idleness; whether that is news. Somebody whose generation has passed is not heard."""
    if generation < source.generation:
        return False
    source.generation = generation
    if source.block != envelope.block:
        return False
    if envelope.idle is not None and envelope.end < source.end:
        return False
    source.idle = envelope.idle  # None: somebody reads this partition again, and is not at its end
    return envelope.idle is not None
