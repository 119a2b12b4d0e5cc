"""Batches of a log become envelopes: integer counts per block, model, version, segment and pane.

A block is a run of offsets ``[k·size, (k+1)·size)`` of one source partition. It is read from its start, so whoever
reads it finds the same; while it is open, snapshots tell what is known so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from monitor.errors import DriftlineError
from monitor.logs.contract import Counted, Decoder, PaneKey
from monitor.pipeline.envelopes import FORMAT, Envelope, Part, partition_of
from monitor.pipeline.panes import Panes


class SourcePartition:
    """One source partition's open block. `start` is where reading begins: the block's start, or the log's."""

    def __init__(
        self,
        topic: str,
        partition: int,
        *,
        partitions: int,
        start: int,
        size: int,
        epoch: str,
        decoder: Decoder,
        summaries: int,
    ) -> None:
        self.topic, self.partition = topic, partition
        self._partitions, self._size, self._epoch = partitions, size, epoch
        self._decoder, self._summaries = decoder, summaries
        self._narrow = np.min_scalar_type(size)  # 16 bits hold a block of 50,000: open blocks fill the memory
        self.end = start
        self._open()

    def begin(self, start: int) -> None:
        """Begin at `start` instead, before anything was counted."""
        if self._events or self._counts:
            raise DriftlineError(f"{self.topic}[{self.partition}]: cannot begin at {start}, counted up to {self.end}")
        self.end = start
        self._open()

    def _open(self) -> None:
        self.block, self.start, self._told = self.end // self._size, self.end, self.end
        self._counts = Panes(self._narrow)
        self._panes: dict[tuple[str, str, str], set[int]] = {}
        self._changed: set[PaneKey] = set()
        self._latest: int | None = None
        self._events = 0
        self._skipped: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self.snapshot_due = False

    @property
    def stop(self) -> int:
        """The offset at which the open block is full."""
        return (self.block + 1) * self._size

    @property
    def full(self) -> bool:
        """Whether every offset of the block is counted."""
        return self.end == self.stop

    def add(self, values: Sequence[bytes | None], timestamps: Sequence[int] | None, *, stop: int) -> Counted:
        """Count the records that lie in ``[end, stop)``; offsets in between without a record are normal."""
        if not self.end <= stop <= self.stop:
            raise DriftlineError(
                f"{self.topic}[{self.partition}]: a batch up to {stop} does not fit the block [{self.end}, {self.stop})"
            )
        counted = self._decoder.count(values, timestamps, opened=self._panes)
        for key, counts in counted.counts.items():
            self._panes.setdefault(key[:3], set()).add(key.pane)
            self._counts.add(key, counts)
        self._changed |= counted.counts.keys()
        if counted.latest is not None:
            self._latest = counted.latest if self._latest is None else max(self._latest, counted.latest)
        self._events += counted.events
        self._skipped += counted.skipped
        self._rejected.update(rejected.reason for rejected in counted.rejected)
        self.end, self.snapshot_due = stop, True
        return counted

    def snapshot(self, *, idle: int | None = None) -> list[Envelope]:
        """What the open block has counted so far: an envelope per partition of the summaries topic."""
        made = self._envelopes(self._changed, since=self._told, closed=False, idle=idle)
        self._changed, self._told, self.snapshot_due = set(), self.end, False
        return made

    def seal(self) -> list[Envelope]:
        """The full block's envelopes; the next block is open afterwards."""
        if not self.full:
            raise DriftlineError(
                f"{self.topic}[{self.partition}]: block {self.block} is counted up to {self.end}, not to {self.stop}"
            )
        made = self._envelopes(self._counts.keys(), since=self.start, closed=True, idle=None)
        self._open()
        return made

    def _envelopes(self, keys: Iterable[PaneKey], *, since: int, closed: bool, idle: int | None) -> list[Envelope]:
        parts: list[list[Part]] = [[] for _ in range(self._summaries)]
        for key in sorted(keys):
            parts[partition_of(key.model, self._summaries)].append(Part(key, self._counts.packed(key)))
        return [
            Envelope(
                FORMAT,
                self.topic,
                self.partition,
                self._partitions,
                self.block,
                self.start,
                since,
                self.end,
                closed,
                self._epoch,
                self._latest,
                idle,
                self._events,
                dict(sorted(self._skipped.items())),
                dict(sorted(self._rejected.items())),
                share,
            )
            for share in parts
        ]
