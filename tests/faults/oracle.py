"""Compares what Driftline published with the ledger, bin by bin, and looks into the summaries for conflicts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from monitor.pipeline import results
from monitor.pipeline.envelopes import Envelope, decode
from monitor.pipeline.results import Result
from monitor.summarising import GENERATION
from tests.faults.events import Expected
from tests.services.deployment import Deployment


@dataclass
class Findings:
    """`more` and `less` are counts over all cells; whatever else is not zero but `repeats` is a defect too."""

    windows: int = 0
    more: int = 0
    less: int = 0
    conflicts: int = 0  # closed blocks with two contents
    short: int = 0  # closed blocks that do not account for all their records
    strangers: int = 0  # windows of which the ledger knows nothing
    repeats: int = 0  # envelopes that said again what was known
    reprocessed: int = 0  # events that were counted again, at most, by one new owner of one partition
    details: list[str] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        return not (self.more or self.less or self.conflicts or self.short or self.strangers)


def compare(found: Findings, windows: dict[tuple[str, int], Result], expected: Expected) -> None:
    """Add up how many events each cell of each window has too many or too few."""
    for key, columns in expected.items():
        shown = windows.get(key)
        for name, cells in columns.items():
            counts = (shown.columns[name].counts if shown else None) or [0] * len(cells)
            differences = [got - want for got, want in zip(counts, cells, strict=True)]
            more, less = sum(d for d in differences if d > 0), -sum(d for d in differences if d < 0)
            found.more, found.less = found.more + more, found.less + less
            if more or less:
                found.details.append(f"{key} {name}: expected {cells}, got {counts}")
    found.windows = len(windows)


def newest(deployed: Deployment) -> dict[tuple[str, int], Result]:
    """The last revision of each window, by model and start (ms); an id with two contents is an AssertionError."""
    latest: dict[tuple[str, int], Result] = {}
    for line in deployed.windows().values():
        result = results.decode(line)
        key = result.model, result.start
        if key not in latest or latest[key].revision < result.revision:
            latest[key] = result
    return latest


def look_at_summaries(found: Findings, deployed: Deployment, *, gaps: bool = False) -> None:
    """Conflicts, short blocks and repeats among the envelopes; with `gaps` offsets need not all have a record."""
    block = deployed.settings["kafka"]["block"]
    closed: dict[tuple[int, int, int], set[bytes]] = defaultdict(set)
    rows: dict[tuple[int, int], list[tuple[int, Envelope]]] = defaultdict(list)
    for record in deployed.broker.records(deployed.topic("summaries"), deadline=120):
        envelope = decode(record.value)
        generation = int(dict(record.headers)[GENERATION])
        rows[record.partition, envelope.partition].append((generation, envelope))
        if envelope.closed:
            closed[record.partition, envelope.partition, envelope.block].add(record.value)
            told = envelope.events + sum(envelope.skipped.values()) + sum(envelope.rejected.values())
            if not gaps and told != block:
                found.short += 1
                found.details.append(f"block {envelope.block} of {envelope.partition} holds {told} of {block} records")
    for where, contents in closed.items():
        found.conflicts += len(contents) > 1
        if len(contents) > 1:
            found.details.append(f"summaries, partition and block {where}: {len(contents)} contents")
    for told_of in rows.values():
        seen = Counter((envelope.block, envelope.end, envelope.closed) for _, envelope in told_of)
        found.repeats += sum(times - 1 for times in seen.values())
        found.reprocessed = max(found.reprocessed, _reprocessed(told_of))


def _reprocessed(told: list[tuple[int, Envelope]]) -> int:
    """The most events that a new owner counted although they were known: from its first block's start to there."""
    known, most = 0, 0
    for (before, earlier), (now, envelope) in pairwise(told):
        known = max(known, earlier.end)
        if now > before:
            most = max(most, known - envelope.start)
    return most
