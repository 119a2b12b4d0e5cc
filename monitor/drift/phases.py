"""What a window of an hour or a day is compared with: the reference's counts of the same phase of a season.

Of a segment no counts by phase are known: there may be a thousand segments. Where one swings as all events do, a number
is expected to move in it as the one of the same rank does in all events, so that it does not matter where the segment
lies: F(x | phase) = F(W⁻¹(P(x))), of the segment F, of all events W at any time and P in the phase. A category is
expected to have its share in the segment, times what all events have of it in the phase over what they ever have.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from monitor.drift.bins import Counts, Floats
from monitor.drift.stretches import Moments, Season


@dataclass(frozen=True, slots=True)
class Phases:
    """The reference's counts of the value bins by phase, packed: a week of hours would be a megabyte.

    `whole` are those of all phases together.
    """

    season: Season
    packed: tuple[bytes, ...]
    whole: Counts

    @classmethod
    def of(cls, season: Season, middles: Moments, values: Counts) -> Phases:
        """Those of stretches around these moments; values: shape (stretches, bins)."""
        which = season.phase(middles)
        sums = [np.add.reduce(values[which == phase], axis=0) for phase in range(season.phases)]
        packed = tuple(zlib.compress(counts.astype("<i8").tobytes(), 6) for counts in sums)
        return cls(season, packed, np.add.reduce(sums))

    def counts(self, moment: int) -> Counts:
        """Those of the phase in which a moment lies."""
        return np.frombuffer(zlib.decompress(self.packed[_place(self.season, moment)]), dtype="<i8").astype(np.int64)


@dataclass(frozen=True, slots=True)
class PartPhases:
    """The counts that a part of the events is expected to have by phase, where it swings as all of them do.

    `own` are its counts of all phases. What to expect is as uncertain as the phase of all events and as what tells the
    part from all of them (`apart`) together, and a phase has as many events as are as uncertain. How many of those in
    it are the part's does not matter: one that is awake at night has few others to share the hour with.
    """

    everything: Phases
    own: Counts
    ordered: bool

    @property
    def season(self) -> Season:
        """That of all events."""
        return self.everything.season

    @property
    def apart(self) -> float:
        """What sampling adds to how the part differs from all events, the same in all phases; infinite if it is empty.

        The part is among them, so the variance of a share is 1/n - 1/N times that of a single event: 0 if it is all.
        """
        own, whole = int(self.own.sum()), int(self.everything.whole.sum())
        return max(1 / own - 1 / max(whole, 1), 0.0) if own else math.inf

    def counts(self, moment: int) -> Counts:
        """Those of the phase in which a moment lies; cumulative sums are rounded, none by more than half an event."""
        phase, whole = self.everything.counts(moment), self.everything.whole
        size = round(1 / (self.apart + 1 / phase.sum())) if phase.any() and self.own.any() else 0
        (shares,) = swung(self.own[None], phase[None], whole, ordered=self.ordered)
        made: Counts = np.rint(size * shares).astype(np.int64)
        made[1:] -= made[:-1].copy()
        return made


@lru_cache(maxsize=1_000)  # that of a window is the same for all columns
def _place(season: Season, moment: int) -> int:
    return int(season.phase(np.array([moment]))[0])


def swung(own: Counts | Floats, phase: Counts | Floats, whole: Counts, *, ordered: bool) -> Floats:
    """The cumulative shares of a part's bins in phases of all events; all 0 where the part is empty.

    own, phase: of shape (rows, bins); whole: (bins,). Where all events of a phase are of categories that the part never
    had, its shares are as at any time.

    >>> own, whole = np.array([[0, 20, 60, 20]]), np.array([100, 100, 100, 100])
    >>> swung(own, np.array([[50, 100, 100, 50]]), whole, ordered=False).tolist()
    [[0.0, 0.2222222222222222, 0.8888888888888888, 1.0]]
    >>> swung(own, np.array([[0, 50, 100, 150]]), whole, ordered=True).tolist()
    [[0.0, 0.0, 0.2, 1.0]]
    """
    if ordered:
        ranks = np.append(0.0, _cumulative(whole))
        sums = np.concatenate((np.zeros((len(own), 1)), _cumulative(own)), axis=1)
        return np.array([np.interp(at, ranks, row) for at, row in zip(_cumulative(phase), sums, strict=True)])
    made = own * (phase / np.maximum(whole, 1))
    return _cumulative(np.where(made.any(axis=1, keepdims=True), made, own))


def _cumulative(counts: Counts | Floats) -> Floats:
    sums = counts.cumsum(axis=-1)
    found: Floats = sums / np.maximum(sums[..., -1:], 1e-300)
    return found
