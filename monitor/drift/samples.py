"""A sample is one side of a comparison: its counts, and what several methods make of them, each made once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from monitor.drift.bins import Counts, Floats
from monitor.drift.scores import check, check_counts
from monitor.drift.sums import dot
from monitor.errors import DriftlineError


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

    @cached_property
    def shares(self) -> Floats:
        """Share of the events in each bin."""
        return self.counts / self.n

    @cached_property
    def below(self) -> Floats:
        """Cumulative share: of the events in a bin or before it."""
        return self.counts.cumsum() / self.n

    @cached_property
    def middle(self) -> Floats:
        """Cumulative share up to the middle of a bin: the mid-rank of its events, which are tied, over n."""
        return self.below - self.shares * 0.5

    @cached_property
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

    @cached_property
    def quarters(self) -> Floats:
        """A quarter of the way from each bin to the next, and 0: between the largest floats a half would overflow."""
        places, quarters = self.positions * 0.25, np.zeros(len(self.counts))
        np.subtract(places[1:], places[:-1], out=quarters[:-1])
        return quarters

    @cached_property
    def scale(self) -> float:
        """The largest position, signs left out; at least the smallest float."""
        return max(float(abs(self.positions[0])), float(abs(self.positions[-1])), 5e-324)

    @cached_property
    def centred(self) -> Floats:
        """Positions over `scale`, less their mean over the events: their squares cannot overflow.

        Counted from the bin with most events, so that events of one value have exactly no variance.
        """
        scaled = self.positions / self.scale
        scaled -= scaled[self.counts.argmax()]
        return scaled - dot(self.shares, scaled)

    @cached_property
    def variance(self) -> float:
        """Variance of `centred` over the events, as of a population."""
        return dot(self.shares, self.centred * self.centred)


Side = Counts | Sample


def samples(reference: Side, current: Side, positions: Floats | None = None) -> tuple[Sample, Sample]:
    """Both sides as samples; `positions` are for rows of counts. Raises DriftlineError where rows do not fit."""
    if isinstance(reference, Sample) and isinstance(current, Sample) and len(reference.counts) == len(current.counts):
        return reference, current
    rows = [side.counts if isinstance(side, Sample) else side for side in (reference, current)]
    n, m = check(*rows)
    a = reference if isinstance(reference, Sample) else Sample(reference, positions=positions, n=n)
    if positions is not None:
        _ = a.positions  # wrong ones are told, also where a sample is empty
    return a, current if isinstance(current, Sample) else Sample(current, n=m)


def pooled(reference: Sample, current: Sample) -> Floats:
    """Share of all events of both samples in each bin."""
    return (reference.counts + current.counts) / (reference.n + current.n)


def hits(reference: Sample, current: Sample) -> tuple[int, int] | None:
    """Events in the cell that most of the reference's are in, of both samples; None unless it has one or two.

    Whatever the window brings that is new counts as the other cell.
    """
    if not reference.n or np.count_nonzero(reference.counts) > 2:
        return None
    cell = int(reference.counts.argmax())
    return int(reference.counts[cell]), int(current.counts[cell])
