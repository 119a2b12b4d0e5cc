"""A sample is one side of a comparison: its counts, and what several methods make of them, each made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import Counts, Floats
from monitor.drift.scores import check
from monitor.drift.sums import dot, log
from monitor.errors import DriftlineError

T = TypeVar("T")


class once(Generic[T]):
    """A property that is made when first asked for; unlike `cached_property` (before Python 3.12) without a lock."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self._name, self.__doc__ = make, make.__name__, make.__doc__

    def __get__(self, instance: object, owner: type | None = None) -> T:
        made = self._make(instance)
        instance.__dict__[self._name] = made  # found there from now on
        return made


class Sample:
    """Counts of `n` events on the reference's bins; shape of all: (..., bins). Do not change the counts afterwards.

    With more than one axis there is a sample in every row, and each has what it would have alone: one operation for
    many columns costs little more than for one. positions: a value for every bin, finite and never decreasing; by
    default the bins' ranks. Of two samples the reference's are taken. A sample without events has shares of 0.
    """

    def __init__(self, counts: Counts, *, positions: Floats | None = None) -> None:
        self.counts = counts
        self.n: Counts = np.add.reduce(counts, axis=-1)
        self.events = self.n[..., None]
        self._positions = positions
        self._smoothed: dict[float, Floats] = {}

    @staticmethod
    def pair(reference: Side, current: Side, positions: Floats | None = None) -> tuple[Sample, Compared]:
        """Both sides as samples; `positions` are for rows of counts. Raises DriftlineError where rows do not fit."""
        rows = [side.counts if isinstance(side, Sample) else side for side in (reference, current)]
        check(*rows)
        a = reference if isinstance(reference, Sample) else Sample(reference, positions=positions)
        if positions is not None:
            _ = a.positions  # wrong ones are told, also where a sample is empty
        return a, Compared(a, rows[1])

    def smoothed(self, smoothing: float = 0.5) -> Floats:
        """Shares with that many events more in every bin, so that none is 0; half an event is Jeffreys' prior."""
        if smoothing not in self._smoothed:
            total = self.events + smoothing * self.counts.shape[-1]
            self._smoothed[smoothing] = np.divide(self.counts + smoothing, total)
        return self._smoothed[smoothing]

    @once
    def shares(self) -> Floats:
        """Share of the events in each bin."""
        made: Floats = self.counts / np.maximum(self.events, 1)
        return made

    @once
    def below(self) -> Floats:
        """Cumulative share: of the events in a bin or before it."""
        made: Floats = self.counts.cumsum(axis=-1) / np.maximum(self.events, 1)
        return made

    @once
    def middle(self) -> Floats:
        """Cumulative share up to the middle of a bin: the mid-rank of its events, which are tied, over n."""
        return self.below - self.shares * 0.5

    @once
    def roots(self) -> Floats:
        """Roots of the shares."""
        return np.sqrt(self.shares)

    @once
    def positions(self) -> Floats:
        """A value for every bin. Raises DriftlineError where the given ones do not fit."""
        found, shape = self._positions, self.counts.shape
        if found is None:
            return np.broadcast_to(np.arange(shape[-1], dtype=np.float64), shape)
        if found.shape != shape:
            raise DriftlineError(f"positions: expected one for each of {shape[-1]} bins, got shape {found.shape}")
        # nan compares as false, and what is sorted is finite where its ends are.
        ends = found[..., :: max(shape[-1] - 1, 1)]
        if not (found[..., 1:] >= found[..., :-1]).all() or not np.isfinite(ends).all():
            raise DriftlineError("positions: expected finite ones that never decrease, one per bin in their order")
        return found

    @once
    def quarters(self) -> Floats:
        """A quarter of the way from each bin to the next, and 0: between the largest floats a half would overflow."""
        places, quarters = self.positions * 0.25, np.zeros(self.counts.shape)
        np.subtract(places[..., 1:], places[..., :-1], out=quarters[..., :-1])
        return quarters

    @once
    def scale(self) -> Floats:
        """The largest position, signs left out; at least the smallest float. Shape (..., 1)."""
        ends = np.maximum(np.abs(self.positions[..., :1]), np.abs(self.positions[..., -1:]))
        return np.maximum(ends, 5e-324)

    @once
    def centred(self) -> Floats:
        """Positions over `scale`, less their mean over the events: their squares cannot overflow.

        Counted from the bin with most events, so that events of one value have exactly no variance.
        """
        scaled = self.positions / self.scale
        most = self.counts.argmax(axis=-1)[..., None]
        scaled -= np.take_along_axis(scaled, most, axis=-1)
        return scaled - dot(self.shares, scaled)[..., None]

    @once
    def variance(self) -> Floats:
        """Variance of `centred` over the events, as of a population."""
        return dot(self.shares, self.centred * self.centred)


class Compared(Sample):
    """A sample beside its reference; differences are the reference's less its own. `size` is the effective one of both,
    0 where one is empty, and `part` its own part of all events.
    """

    def __init__(self, reference: Sample, counts: Counts) -> None:
        super().__init__(counts)
        self.reference = reference
        total = np.maximum(reference.n + self.n, 1)
        self.size: Floats = reference.n * 1.0 * self.n / total  # counts may be too large to be multiplied
        self.part = (self.n / total)[..., None]
        self._logarithms: dict[float, Floats] = {}

    def logarithms(self, smoothing: float = 0.5) -> Floats:
        """Of the reference's smoothed share over its own, in each bin."""
        if smoothing not in self._logarithms:
            self._logarithms[smoothing] = log(self.reference.smoothed(smoothing) / self.smoothed(smoothing))
        return self._logarithms[smoothing]

    @once
    def apart(self) -> Floats:
        """Differences of the shares."""
        return self.reference.shares - self.shares

    @once
    def apart_below(self) -> Floats:
        """Differences of the cumulative shares; 0 at the end."""
        return self.reference.below - self.below

    @once
    def gaps(self) -> Floats:
        """The same without their signs."""
        return np.abs(self.apart_below)

    @once
    def apart_middle(self) -> Floats:
        """Differences of the cumulative shares up to the middle of a bin."""
        return self.reference.middle - self.middle

    @once
    def squares_middle(self) -> Floats:
        """Squares of these."""
        return self.apart_middle * self.apart_middle

    @once
    def pooled(self) -> Floats:
        """Share of all events of both samples in each bin."""
        made: Floats = (self.reference.counts + self.counts) / np.maximum(self.reference.events + self.events, 1)
        return made

    @once
    def hits(self) -> tuple[npt.NDArray[np.bool_], Counts, Counts]:
        """Whether the reference has one or two filled cells, and events in the fuller one, of both samples.

        Whatever the window brings that is new counts as the other cell.
        """
        counts = self.reference.counts
        cell = counts.argmax(axis=-1)[..., None]
        then, now = (np.take_along_axis(side, cell, axis=-1)[..., 0] for side in (counts, self.counts))
        return (np.count_nonzero(counts, axis=-1) <= 2) & (self.size > 0), then, now


Side = Counts | Sample
