"""JSON logs: bytes to counts, by the contract of `contract.py`.

Nearly all events of a batch come from the target that the previous ones came from, so they are decoded by its typed
reader straight away, and the reader's own types check that they are. What it refuses is read with care, one by one.
Where a topic mixes models, events are sorted by target first. The way an event takes never changes what it counts as.

Grammar is checked for every byte of an event; what its fields hold matters only where something reads them. Duplicate
names: the last one counts. Any string is a category's name, however long: what the reference never had is `unseen`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.errors import DriftlineError
from monitor.logs.batch import CHUNK, Batch
from monitor.logs.contract import MAX_BYTES, MAX_PANES, Counted, Opened, Target, note_unknown
from monitor.logs.events import Key
from monitor.logs.routes import Routes
from monitor.logs.screen import Screen


class JsonDecoder:
    """Decodes canonical JSON events of the targets, which stand by model (or feature view) and version.

    max_future: an event may be this many milliseconds ahead of the broker. max_bytes, max_depth: limits of one value.
    max_panes: a block may open so many panes of each target; events that need another one are rejected.
    What it remembers between batches (the likely target, columns of odd type) changes its speed, never its results.
    """

    def __init__(
        self,
        targets: Mapping[tuple[str, str], Target],
        *,
        max_future: int = 300_000,
        max_bytes: int = MAX_BYTES,
        max_depth: int = 64,
        max_panes: int = MAX_PANES,
    ) -> None:
        if min(max_bytes, max_depth, max_panes) < 1:
            raise DriftlineError(
                "expected max_bytes, max_depth and max_panes of at least 1, "
                f"got {max_bytes}, {max_depth} and {max_panes}"
            )
        self._references = list(_references(targets))
        self._usual = 0  # the references that most events are of: they are tried first
        self._screen = Screen(max_bytes, max_depth)
        self._max_future, self._max_panes = max_future, max_panes
        self._likely: Key | None = None

    def count(
        self, values: Sequence[bytes | None], timestamps: Sequence[int] | None, *, opened: Opened | None = None
    ) -> Counted:
        """Counts of a batch. timestamps: the broker's, in milliseconds, negative where unknown; None for files."""
        usual = self._usual
        whole, left = self._count(usual, values, timestamps, opened or {})
        most = whole.events
        for level in (level for level in range(len(self._references)) if level != usual):
            if not left:
                break
            times = None if timestamps is None else [timestamps[place] for place in left]
            counted, further = self._count(level, [values[place] for place in left], times, opened or {})
            if counted.events > most:
                self._usual, most = level, counted.events
            _join(whole, counted, left)
            left = [left[place] for place in further]
        return whole

    def _count(
        self, level: int, values: Sequence[bytes | None], timestamps: Sequence[int] | None, opened: Opened
    ) -> tuple[Counted, list[int]]:
        """Counts on one reference of each target, and the places of events that are of another one's time."""
        batch = Batch(self._references[level], self._screen)
        for start in range(0, len(values), CHUNK):
            self._likely = batch.read(start, values[start : start + CHUNK], self._likely)
        finished = batch.finish(timestamps, max_future=self._max_future, max_panes=self._max_panes, opened=opened)
        return finished, sorted(batch.elsewhere)


def _references(targets: Mapping[tuple[str, str], Target]) -> Iterator[Routes]:
    """The first reference of every target, then the second (of those that have no more: the last), and so on."""
    chains = {owner: list(target.all()) for owner, target in targets.items()}
    for level in range(max(map(len, chains.values()), default=1)):
        succeeding = {owner for owner, chain in chains.items() if level and len(chain) > 1}
        yield Routes({owner: chain[min(level, len(chain) - 1)] for owner, chain in chains.items()}, succeeding)


def _join(whole: Counted, counted: Counted, places: Sequence[int]) -> None:
    """Add the counts of some values, which stood at these places. Nothing is skipped a second time."""
    whole.counts |= counted.counts  # on other references: no key is in both
    whole.events += counted.events
    whole.rejected += [replace(rejected, index=places[rejected.index]) for rejected in counted.rejected]
    whole.rejected.sort(key=lambda rejected: rejected.index)
    whole.latest = max((time for time in (whole.latest, counted.latest) if time is not None), default=None)
    note_unknown(whole.unknown_columns, counted.unknown_columns)
