"""How far the merging of one summaries partition has come, what waits in it, and what keeps its windows open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.drift.windows import SourcePartition
from monitor.liveness import Standstill
from monitor.pipeline.state import Source


@dataclass(slots=True)
class Progress:
    """Times are monotonic seconds. `reached` is the next offset that is not merged, with all that follows confirmed.

    `heard` is when a source partition last said anything, `holes` since when a block of it is missing, and `ahead` what
    is waited for where envelopes need a newer configuration.
    """

    reached: int
    moved: float = field(default_factory=time.monotonic)
    log_end: int | None = None
    ahead: str | None = None
    heard: dict[SourcePartition, float] = field(default_factory=dict)
    holes: dict[SourcePartition, float] = field(default_factory=dict)

    def merged(self, stop: int) -> None:
        """All before `stop` is merged."""
        self.reached, self.moved = stop, time.monotonic()

    def at(self, log_end: int | None, sources: dict[SourcePartition, Source]) -> None:
        """Note where the log ends (None: not known now), and which blocks are missing."""
        now = time.monotonic()
        if log_end is not None:
            self.log_end = log_end
            self.moved = now if self.reached >= log_end else self.moved
        missing = [where for where, source in sources.items() if source.hole]
        self.holes = {where: self.holes.get(where, now) for where in missing}
        self.heard = {where: self.heard.get(where, now) for where in sources}

    def standstills(
        self, topic: str, partition: int, sources: dict[SourcePartition, Source], *, quiet: float
    ) -> Iterator[Standstill]:
        """What stands still, from the first second on. quiet: seconds for which a source may say nothing."""
        now, place = time.monotonic(), f"{topic}[{partition}]"
        waiting = max((self.log_end or 0) - self.reached, 0)
        if waiting:
            seconds = now - self.moved
            text = self.ahead or f"{waiting:,} records wait, none merged for {seconds:.0f} s"
            yield Standstill("merge", topic, partition, seconds, f"{place}: {text}")
        reasons = []
        for where, since in self.holes.items():
            closed = sources[where].closed
            block = "a block" if closed is None else f"block {closed + 1}"
            reasons.append((now - since, f"{block} of {where[0]}[{where[1]}] is missing"))
        for where, heard in self.heard.items():
            if not waiting and where in sources and sources[where].idle is None:
                reasons.append((now - heard - quiet, f"{where[0]}[{where[1]}] says nothing; does a worker read it?"))
        for seconds, why in reasons:
            yield Standstill(
                "merge", topic, partition, seconds, f"merge of {place} holds windows for {seconds:.0f} s: {why}"
            )
