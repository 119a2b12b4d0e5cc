"""What a reference's chunks say about each of its columns: what to compare a window with, and how far it may be.

Learned once from a profile, from counts alone. A column whose reference moves with the hour or the weekday is compared
with the reference's counts of the same phase, where that takes away at least half of its variation.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import INVALID, MISSING, Counts, Unordered, coarse_starts, pooled_cells
from monitor.drift.clustering import design_effect
from monitor.drift.onsets import LEAST, SHARES, Onset, cells, coefficients
from monitor.drift.profiles import Column, Profile
from monitor.drift.shares import Expected, unseen
from monitor.drift.stretches import Moments, Season, Stretches, seasons, stretches
from monitor.drift.variation import CERTAIN, Deviations, Variation, deviations, dispersion, strongest, together

CELLS = 20  # of numbers, between which cumulative shares are watched
GAIN = 0.5  # most of the variation that a season may leave


@dataclass(frozen=True, slots=True)
class Phases:
    """The reference's counts of the value bins by phase, packed: a week of hours would be a megabyte."""

    season: Season
    packed: tuple[bytes, ...]

    def counts(self, moment: int) -> Counts:
        """Those of the phase in which a moment lies."""
        place = int(self.season.phase(np.array([moment]))[0])
        return np.frombuffer(zlib.decompress(self.packed[place]), dtype="<i8").astype(np.int64)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one column: how the deciding effect varies, the design effect, the season, and shares by kind.

    `onsets` are how shifts over several windows are estimated, the latest first, none where the reference is too short.
    `stretches` are those that it was learned from, 0 where the reference has no time.
    """

    variation: Variation = field(default_factory=Variation)
    design: float = 1.0
    phases: Phases | None = None
    shares: Mapping[str, Expected] = field(default_factory=dict)
    stretches: int = 0
    onsets: tuple[Onset, ...] = ()


def calibrate(
    profile: Profile, *, length: int | None = None, offset: int = 0, zone: str = "UTC", phases: bool = True
) -> tuple[Calibration, ...]:
    """The calibration of every column for windows of `length` (ms); without one they are taken to have no season.

    zone: by whose clocks hours and days are told apart. phases: whether a window may be compared with the reference's
    counts of its hour or day; else they vary more.
    """
    if profile.chunks is None:
        return tuple(Calibration(shares=expected_shares(column, None, 1.0)) for column in profile.columns)
    found = stretches(profile.chunks, length=length, offset=offset)
    return of_stretches(profile.columns, found, seasons(found.length, zone) if length and phases else ())


def of_stretches(
    columns: Sequence[Column], found: Stretches, possible: Sequence[Season] = ()
) -> tuple[Calibration, ...]:
    """The calibration of every column for windows as long as these stretches; possible: seasons that may be found."""
    offsets = np.cumsum([0, *(column.size for column in columns)]).tolist()
    places = list(zip(columns, offsets[:-1], offsets[1:], strict=True))
    designs = [
        design_effect(found.cells(first, stop + MISSING).counts) if column.ordered else math.nan
        for column, first, stop in places
    ]
    common = _middle([design for design in designs if not math.isnan(design)], 1.0)
    made = [
        _column(column, found.cells(first, stop), design, common, possible)
        for (column, first, stop), design in zip(places, designs, strict=True)
    ]
    return tuple(_as_usual(made))


def _as_usual(columns: Sequence[Calibration]) -> Iterator[Calibration]:
    """The columns with at least the memory, and the certainty to move, that are usual among them.

    In a single column a short reference may hide either; not in one that has always had the same value, or differed by
    less than sampling explains.
    """
    found = [column.variation for column in columns if column.variation.z]
    memory = _middle([variation.memory for variation in found if variation.z > CERTAIN], 0.0)
    z = _middle([variation.z for variation in found], 0.0)
    for column in columns:
        own = column.variation
        hidden = 0 < abs(own.z) <= CERTAIN
        usual = replace(own, memory=max(own.memory, memory), z=max(own.z, z) if hidden else own.z)
        onsets = [
            one._replace(variation=replace(one.variation, z=max(one.variation.z, usual.z))) for one in column.onsets
        ]
        yield replace(column, variation=usual, onsets=tuple(onsets))


def _middle(values: Sequence[float], default: float) -> float:
    return float(np.median(values)) if values else default


def _column(column: Column, part: Stretches, design: float, common: float, possible: Sequence[Season]) -> Calibration:
    whole, part = part, _filled(part._replace(counts=part.counts[:, :MISSING]))
    values = part.counts
    if len(values) < 2:
        return Calibration(shares=expected_shares(column, whole, common), stretches=len(values))
    cells, scale = _cells(column, values)
    watched = _Watched(cells, np.add.reduce(values, axis=1), part, scale, column.ordered)
    if math.isnan(design):  # of the rows that come together, as the model's other columns tell, no more than show here
        design = max(1.0, min(common, dispersion(watched.deviations(None, 1.0).movement())))
    variation, season = watched.variation(None, design), None
    for tried in possible if variation.z > CERTAIN else ():
        if tried.known(part.middles):
            left = watched.variation(tried, design)
            if left.variance <= GAIN * variation.variance:
                variation, season = left, tried
    phases = _phases(season, part.middles, values) if season else None
    onsets = tuple(_onsets(column, part, design, season, variation.memory))
    return Calibration(variation, design, phases, expected_shares(column, whole, design), len(values), onsets)


def _onsets(column: Column, part: Stretches, design: float, season: Season | None, memory: float) -> Iterator[Onset]:
    """How shifts over several windows are estimated, and how far these estimates go by themselves."""
    own = cells(column.bins, column.counts[:MISSING])
    counts = own.of(part.counts)
    watched = _Watched(own.summed(counts), counts[:, -1], part, own.scale, column.ordered)
    found = watched.deviations(season, design)
    for windows in SHARES if own.compared > 1 else ():
        factors = coefficients(windows, memory)
        if len(factors) > 1:  # else it is the newest window alone
            combined = found.combined(factors)
            if len(combined.away) >= LEAST:
                yield Onset(windows, factors, watched.of(combined, season))


@dataclass(frozen=True, slots=True)
class _Watched:
    """Counts over time whose shares are watched: cumulative ones of numbers, of categories each cell's."""

    counts: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    part: Stretches
    scale: npt.NDArray[np.float64] | float
    ordered: bool

    def deviations(self, season: Season | None, design: float) -> Deviations:
        """How far they are from the others of their phase of a season."""
        middles = self.part.middles
        phases, days = (season.phase(middles), season.days(middles)) if season else (None, None)
        return deviations(
            self.counts,
            self.sizes,
            follows=_follows(self.part),
            phases=phases,
            days=days,
            design=design,
            scale=self.scale,
            cumulative=self.ordered,
        )

    def variation(self, season: Season | None, design: float) -> Variation:
        """The variation of what decides."""
        return self.of(self.deviations(season, design), season)

    def of(self, found: Deviations, season: Season | None) -> Variation:
        """That of these deviations within a season."""
        judge, phases = strongest if self.ordered else together, season.phases if season else 1
        return judge(found.movement(), stretches=len(found.away), phases=phases)


def _cells(column: Column, values: Counts) -> tuple[Counts, npt.NDArray[np.float64] | float]:
    """The counts whose shares are watched, and the scale of their squares."""
    fine = column.counts[:MISSING]
    if column.ordered:
        coarse = np.add.reduceat(values, coarse_starts(column.bins, fine, cells=CELLS), axis=1)
        return coarse.cumsum(axis=1), 1.0
    places = pooled_cells(fine, int(np.median(np.add.reduce(values, axis=1))))
    order = np.argsort(places, kind="stable")
    firsts = np.flatnonzero(np.concatenate(([True], np.diff(places[order]) > 0)))
    pooled = np.add.reduceat(values[:, order], firsts, axis=1)
    total = np.add.reduce(pooled, axis=0)
    return pooled[:, total > 0], np.add.reduce(total) / total[total > 0]


def _filled(part: Stretches) -> Stretches:
    """The stretches that have any event."""
    filled = np.add.reduce(part.counts, axis=1) > 0
    return part._replace(starts=part.starts[filled], counts=part.counts[filled])


def expected_shares(column: Column, part: Stretches | None, design: float) -> dict[str, Expected]:
    """What to expect of missing, invalid and unseen values, and how these vary in a part of the column's events."""
    events, used = int(column.counts.sum()), None if part is None else _filled(part)
    made = {}
    for kind, place in (("missing", MISSING), ("invalid", INVALID)):
        count = int(column.counts[place])
        over = used.counts[:, place] if used is not None and count else None
        made[kind] = Expected(count, events, _varies(over, used, design), design)
    if isinstance(column.bins, Unordered):
        fine = column.counts[:MISSING]
        used = None if part is None else _filled(part._replace(counts=part.counts[:, :MISSING]))
        count, news = unseen(column.bins, fine, None if used is None else used.counts)
        made["unseen"] = Expected(count, int(fine.sum()), _varies(news, used, 1.0), growth=True)
    return made


def _varies(counts: Counts | None, part: Stretches | None, design: float) -> Variation:
    """How the share that these counts have of the stretches' events varies."""
    if counts is None or part is None or len(counts) < 2:
        return Variation()
    sizes = np.add.reduce(part.counts, axis=1)
    found = deviations(counts[:, None], sizes, follows=_follows(part), design=design)
    return strongest(found.movement(), stretches=len(counts))


def _follows(part: Stretches) -> npt.NDArray[np.bool_]:
    follows: npt.NDArray[np.bool_] = np.diff(part.starts) == part.length
    return follows


def _phases(season: Season, middles: Moments, values: Counts) -> Phases:
    which = season.phase(middles)
    sums: Sequence[Counts] = [np.add.reduce(values[which == phase], axis=0) for phase in range(season.phases)]
    return Phases(season, tuple(zlib.compress(counts.astype("<i8").tobytes(), 6) for counts in sums))
