"""Runs logs that lie in files or topics through the very code of the worker, in one process.

Of several logs the one that is least far in event time is read next, so windows close as the replay goes on and
nothing is late that would not be late on time.

A copy of a dead letter that was sent back (`redrive.py`) is left out where the record itself is still in the log: both
mean the same now, and the event counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from monitor.brokers import consumer
from monitor.config import Config
from monitor.errors import DriftlineError
from monitor.logs.contract import Counted
from monitor.logs.files import events
from monitor.pipeline.assemble import Embedded, LogBatch
from monitor.pipeline.merge import Late, Output
from monitor.pipeline.results import EpisodeEvent, Result
from monitor.redrive import HEADER

REDRIVEN = "redriven"  # what is skipped because the log holds the record itself
FILES = "files"  # the topic that stands for all files of a replay
PATIENCE = 30.0  # seconds that a broker may stay silent


class Log(NamedTuple):
    """One log to replay: its place, what a person calls it, its batches in order, and what they leave out."""

    topic: str
    partition: int
    title: str
    batches: Iterator[LogBatch]
    skipped: Counter[str]


@dataclass(slots=True)
class Summary:
    """What a replay saw. events + skipped + rejected is everything that was read."""

    events: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    late: int = 0
    verdicts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    episodes: list[EpisodeEvent] = field(default_factory=list)

    @property
    def drifted(self) -> int:
        """Windows in drift."""
        return sum(n for (_, _, verdict), n in self.verdicts.items() if verdict == "drift")


def files(config: Config, paths: Sequence[Path], *, batch: int = 5_000) -> list[Log]:
    """The files as logs: CSV, Parquet and JSON lines, plain or compressed."""
    return [Log(FILES, i, str(path), _file(config, path, i, batch), Counter()) for i, path in enumerate(paths)]


def replay(
    config: Config,
    logs: Sequence[Log],
    *,
    on_output: Callable[[Output], None] = lambda output: None,
    on_counted: Callable[[Log, Sequence[int], Counted], None] = lambda log, offsets, counted: None,
) -> Summary:
    """Run the logs to their ends. `on_counted` gets the offsets of some records and what was counted of them."""
    summary = Summary()
    places = {(log.topic, log.partition): log for log in logs}

    def counted(topic: str, partition: int, offsets: Sequence[int], piece: Counted) -> None:
        summary.events += piece.events
        summary.skipped += piece.skipped
        summary.rejected.update(rejected.reason for rejected in piece.rejected)
        on_counted(places[topic, partition], offsets, piece)

    of = Counter(log.topic for log in logs)
    embedded = Embedded(config, of, counted)
    waiting = dict(places)
    while waiting:
        topic, partition = min(waiting, key=lambda where: (embedded.reached(*where) or -(2**63), where))
        following = next(waiting[topic, partition].batches, None)
        if following is None:
            del waiting[topic, partition]
            outputs = embedded.end(topic, partition)
        else:
            outputs = embedded.feed(following)
        for output in outputs:
            _note(summary, output)
            on_output(output)
    for log in logs:
        summary.skipped += log.skipped
    return summary


def _note(summary: Summary, output: Output) -> None:
    if isinstance(output, Result):
        if output.segment is not None:
            return  # what it says is in the verdict on all events
        summary.verdicts[output.model, output.version, output.verdict] += 1
    elif isinstance(output, EpisodeEvent):
        summary.episodes.append(output)
    elif isinstance(output, Late):
        summary.late += output.events


def _file(config: Config, path: Path, partition: int, batch: int) -> Iterator[LogBatch]:
    only = config.models[0] if len(config.models) == 1 else None
    version = next(iter(only.versions)) if only and len(only.versions) == 1 else None
    start = 0
    owner = {"model": only.name if only else None, "version": version}
    for values in events(path, config.logs, **owner, segments=config.segment_fields, batch=batch):
        stop = start + len(values)
        yield LogBatch(FILES, partition, values, None, range(start, stop), stop)
        start = stop


def topics(config: Config) -> list[Log]:
    """The configured log topics as logs, from their beginning to their present end."""
    from kafka import TopicPartition

    with consumer(config.kafka, PATIENCE) as client:
        found = {topic: client.partitions_for_topic(topic) for topic in config.kafka.sources}
    missing = sorted(topic for topic, partitions in found.items() if not partitions)
    if missing:
        raise DriftlineError(
            f"topic {', '.join(missing)} does not exist; create it, or mend kafka.predictions in the configuration"
        )
    places = [TopicPartition(topic, number) for topic, numbers in found.items() for number in sorted(numbers)]
    return [_log(config, place) for place in places]


def _log(config: Config, where: tuple[str, int]) -> Log:
    topic, partition = where
    skipped = Counter[str]()
    return Log(topic, partition, f"{topic}[{partition}]", _topic(config, where, skipped), skipped)


def _topic(config: Config, where: tuple[str, int], skipped: Counter[str]) -> Iterator[LogBatch]:
    with consumer(config.kafka, PATIENCE, max_poll_records=5_000, max_partition_fetch_bytes=8 << 20) as client:
        client.assign([where])
        stop = client.end_offsets([where])[where]
        begin = client.beginning_offsets([where])[where]
        client.seek_to_beginning(where)
        while (position := client.position(where)) < stop:
            records = [r for r in client.poll(timeout_ms=1_000).get(where, []) if r.offset < stop]
            reached = min(client.position(where), stop)
            if reached > position:
                skipped[REDRIVEN] += len(records)
                records = [r for r in records if not _is_copy(r, begin)]
                skipped[REDRIVEN] -= len(records)
                yield LogBatch(
                    *where,
                    [r.value for r in records],
                    [r.timestamp for r in records],
                    [r.offset for r in records],
                    reached,
                )


def _is_copy(record: Any, begin: int) -> bool:
    """Whether the record says that it is a copy of one that stands before it in the log, which begins at `begin`."""
    place = f"{record.topic}-{record.partition}-".encode()
    for name, value in record.headers or ():
        if name == HEADER and value and value.startswith(place):
            offset = value[len(place) :]
            if offset.isdigit() and begin <= int(offset[:20]) < record.offset:
                return True
    return False
