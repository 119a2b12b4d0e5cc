"""A sample is one side of a comparison, a pair both: counts, and what several methods make of them, each made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from monitor.drift.bins import Counts, Floats
from monitor.drift.scores import check, check_counts, effective_size
from monitor.drift.sums import dot, log
from monitor.errors import DriftlineError

T = TypeVar("T")


class once(Generic[T]):  # a decorator, as property
    """A property that is made when first asked for; unlike `cached_property` (before Python 3.12) without a lock."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self._name, self.__doc__ = make, make.__name__, make.__doc__

    def __get__(self, instance: object, owner: type | None = None) -> T:
        made = self._make(instance)
        instance.__dict__[self._name] = made  # found there from now on
        return made


class Sample:
    """Counts of `n` events on the reference's bins; shape of all: (bins,). Do not change the counts afterwards.

    positions: a value for every bin, finite and never decreasing; by default the bins' ranks. Of two samples the
    reference's are taken. Shares and what follows from them are for samples with events.
    """

    def __init__(self, counts: Counts, *, positions: Floats | None = None, n: int | None = None) -> None:
        self.counts = counts
        self.n = check_counts(counts) if n is None else n
        self._positions = positions
        self._smoothed: dict[float, Floats] = {}

    def smoothed(self, smoothing: float = 0.5) -> Floats:
        """Shares with that many events more in every bin, so that none is 0; half an event is Jeffreys' prior."""
        if smoothing not in self._smoothed:
            shares = (self.counts + smoothing) / (self.n + smoothing * len(self.counts))
            self._smoothed[smoothing] = np.asarray(shares, dtype=np.float64)
        return self._smoothed[smoothing]

    @once
    def shares(self) -> Floats:
        """Share of the events in each bin."""
        return self.counts / self.n

    @once
    def below(self) -> Floats:
        """Cumulative share: of the events in a bin or before it."""
        return self.counts.cumsum() / self.n

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
        found, bins = self._positions, len(self.counts)
        if found is None:
            return np.arange(bins, dtype=np.float64)
        if found.shape != (bins,):
            raise DriftlineError(f"positions: expected one for each of {bins} bins, got shape {found.shape}")
        # nan compares as false, and what is sorted is finite where its ends are.
        if not (found[1:] >= found[:-1]).all() or not np.isfinite(found[:: max(bins - 1, 1)]).all():
            raise DriftlineError("positions: expected finite ones that never decrease, one per bin in their order")
        return found

    @once
    def quarters(self) -> Floats:
        """A quarter of the way from each bin to the next, and 0: between the largest floats a half would overflow."""
        places, quarters = self.positions * 0.25, np.zeros(len(self.counts))
        np.subtract(places[1:], places[:-1], out=quarters[:-1])
        return quarters

    @once
    def scale(self) -> float:
        """The largest position, signs left out; at least the smallest float."""
        return max(float(abs(self.positions[0])), float(abs(self.positions[-1])), 5e-324)

    @once
    def centred(self) -> Floats:
        """Positions over `scale`, less their mean over the events: their squares cannot overflow.

        Counted from the bin with most events, so that events of one value have exactly no variance.
        """
        scaled = self.positions / self.scale
        scaled -= scaled[self.counts.argmax()]
        return scaled - dot(self.shares, scaled)

    @once
    def variance(self) -> float:
        """Variance of `centred` over the events, as of a population."""
        return dot(self.shares, self.centred * self.centred)


class Compared(Sample):
    """A sample beside its reference; differences are the reference's less its own. `size` is the effective one of both,
    0 where one is empty, and the differences are for samples with events.
    """

    def __init__(self, reference: Sample, counts: Counts, *, n: int) -> None:
        super().__init__(counts, n=n)
        self.reference = reference
        self.size = effective_size(reference.n, n)
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
    def squares_below(self) -> Floats:
        """Squares of the differences of the cumulative shares."""
        return self.apart_below * self.apart_below

    @once
    def pooled(self) -> Floats:
        """Share of all events of both samples in each bin."""
        return (self.reference.counts + self.counts) / (self.reference.n + self.n)

    @once
    def hits(self) -> tuple[int, int] | None:
        """Events in the cell that most of the reference's are in, of both samples; None unless it has one or two.

        Whatever the window brings that is new counts as the other cell.
        """
        counts = self.reference.counts
        if not self.reference.n or np.count_nonzero(counts) > 2:
            return None
        cell = int(counts.argmax())
        return int(counts[cell]), int(self.counts[cell])


Side = Counts | Sample


def samples(reference: Side, current: Side, positions: Floats | None = None) -> tuple[Sample, Compared]:
    """Both sides as samples; `positions` are for rows of counts. Raises DriftlineError where rows do not fit."""
    if type(current) is Compared and current.reference is reference:
        return current.reference, current
    rows = [side.counts if isinstance(side, Sample) else side for side in (reference, current)]
    n, m = check(*rows)
    a = reference if isinstance(reference, Sample) else Sample(reference, positions=positions, n=n)
    if positions is not None:
        _ = a.positions  # wrong ones are told, also where a sample is empty
    return a, Compared(a, rows[1], n=m)
