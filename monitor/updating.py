"""Which published windows a reference is updated with: read from files or from the topic, the newest of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from monitor.brokers import consumer
from monitor.config import Kafka, LogFields
from monitor.drift.bins import Counts
from monitor.drift.profiles import Profile
from monitor.drift.segments import named
from monitor.drift.updates import Window, unlike_segments
from monitor.drift.verdicts import Verdict
from monitor.errors import DriftlineError
from monitor.logs.files import events
from monitor.pipeline.results import Result, decode

PATIENCE = 30.0  # seconds that a broker may stay silent

Narrow = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which windows are accepted: their verdicts, and where they begin and end at most (UTC ms)."""

    verdicts: Collection[Verdict] = ("ok", "warning")
    since: int | None = None
    until: int | None = None


@dataclass(slots=True)
class Read:
    """The windows found, and how many results were left out, by what they are."""

    windows: list[Window] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def from_files(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Lines of files with the place of each; blank ones are left out."""
    for path in paths:
        number = 0
        for lines in events(path, LogFields()):
            for line in lines:
                number += 1
                if line:
                    yield f"{path}: line {number}", line


def from_topic(kafka: Kafka) -> Iterator[tuple[str, bytes]]:
    """Records of the windows topic up to its present end, with the place of each."""
    from kafka import TopicPartition

    topic = kafka.topics.windows
    with consumer(kafka, PATIENCE) as client:
        numbers = client.partitions_for_topic(topic)
        if not numbers:
            raise DriftlineError(f"topic {topic} does not exist; create it with `driftline topics create`")
        for where in [TopicPartition(topic, number) for number in sorted(numbers)]:
            client.assign([where])
            stop = client.end_offsets([where])[where]
            client.seek_to_beginning(where)
            while client.position(where) < stop:
                for record in client.poll(timeout_ms=1_000).get(where, []):
                    if record.value:
                        yield f"{topic}[{where.partition}] offset {record.offset}", record.value


def read(profile: Profile, lines: Iterable[tuple[str, bytes]], wanted: Wanted) -> Read:
    """The accepted windows of the profile's model version that were made on its bins, with those of its segments.

    Raises DriftlineError for a line that is no result, or whose counts are not on the profile's bins.
    """
    lineage = {profile.fingerprint, *(update.parent for update in profile.history)}
    newest: dict[tuple[int, int], tuple[str, Result]] = {}
    parts: dict[tuple[int, int, str], dict[str, tuple[int, Narrow]]] = defaultdict(dict)
    names = {name for segmentation in profile.segmentations for name in segmentation.segments}
    found = Read()
    for place, line in lines:
        try:
            result = decode(line)
        except DriftlineError as error:
            raise DriftlineError(f"{place}: {error}") from error
        segment = None if result.segment is None else named(result.segment)
        other = _not_ours(profile, result, lineage)
        if other or (segment is not None and segment not in names):
            found.left_out[other or "of a segment"] += 1
            continue
        if segment is not None:
            own = parts[result.start, result.end, result.reference]
            if segment not in own or result.revision >= own[segment][0]:
                own[segment] = result.revision, _narrow(_counts(profile, place, result))
            continue
        known = newest.get((result.start, result.end))
        if known is None or result.revision >= known[1].revision:
            newest[result.start, result.end] = place, result
    for place, result in newest.values():
        refused = _refused(result, wanted)
        if refused:
            found.left_out[refused] += 1
            continue
        own = parts.get((result.start, result.end, result.reference), {})
        segments = {name: counts for name, (_, counts) in own.items()}
        window = Window(result.start, result.end, _counts(profile, place, result), segments)
        unlike = unlike_segments(profile, window)
        if unlike:
            found.left_out[
                f"whose segments by {unlike} do not add up to all events: not all of them were monitored"
            ] += 1
        else:
            found.windows.append(window)
    return found


def _not_ours(profile: Profile, result: Result, lineage: Collection[str]) -> str | None:
    if (result.model, result.version) != (profile.model, profile.version):
        return "of another model or version"
    return None if result.reference in lineage else "on another reference"


def _refused(result: Result, wanted: Wanted) -> str | None:
    """Why a window is not accepted; None if it is."""
    if wanted.since is not None and result.start < wanted.since:
        return "before --since"
    if wanted.until is not None and result.end > wanted.until:
        return "after --until"
    return None if result.verdict in wanted.verdicts else f"in {result.verdict}"


def _counts(profile: Profile, place: str, result: Result) -> Counts:
    """A result's flat vector of counts."""
    parts: list[int] = []
    for column in profile.columns:
        counts = result.columns[column.name].counts if column.name in result.columns else None
        if counts is None:
            raise DriftlineError(f"{place}: column {column.name!r} has no counts; a profile this wide publishes none")
        if len(counts) != column.size:
            raise DriftlineError(
                f"{place}: column {column.name!r}: expected {column.size} counts for its bins, got {len(counts)}"
            )
        parts += counts
    if not all(0 <= count < 2**53 for count in parts) or result.start >= result.end:
        raise DriftlineError(f"{place}: expected a window that ends after it begins, with counts of events, got others")
    return np.array(parts, dtype=np.int64)


def _narrow(counts: Counts) -> Narrow:
    """The same in as few bytes as hold them: there may be very many segments."""
    return counts.astype(np.min_scalar_type(int(counts.max())))
