"""What a reference's chunks say about each of its columns: what to compare a window with, and how far it may be.

Learned once from a profile, from counts alone. A column whose reference moves with the hour or the weekday is compared
with the reference's counts of the same phase, where that takes away at least half of its variation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import INVALID, MISSING, Counts, Floats, Unordered, coarse_starts, pooled_cells
from monitor.drift.clustering import design_effect
from monitor.drift.onsets import LEAST, SHARES, Onset, cells, coefficients
from monitor.drift.phases import PartPhases, Phases, swung
from monitor.drift.profiles import Column, Profile
from monitor.drift.shares import Expected, unseen
from monitor.drift.stretches import ANY, Like, Season, Stretches, seasons, stretches
from monitor.drift.variation import CERTAIN, Deviations, Variation, deviations, dispersion, others, strongest, together

CELLS = 20  # of numbers, between which cumulative shares are watched
GAIN = 0.5  # most of the variation that a season may leave


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one column: how the deciding effect varies, the design effect, the season, and shares by kind.

    `onsets` are how shifts over several windows are estimated, the latest first, none where the reference is too short.
    `stretches` are those that it was learned from, 0 where the reference has no time.
    """

    variation: Variation = field(default_factory=Variation)
    design: float = 1.0
    phases: Phases | PartPhases | None = None
    shares: Mapping[str, Expected] = field(default_factory=dict)
    stretches: int = 0
    onsets: tuple[Onset, ...] = ()


class Swinging(NamedTuple):
    """All events over time, and the season that each column of them has, if any."""

    found: Stretches
    seasons: tuple[Season | None, ...]


def calibrate(profile: Profile, like: Like = ANY) -> tuple[Calibration, ...]:
    """The calibration of every column for windows that are like these stretches; of no length they have no season."""
    if profile.chunks is None:
        return tuple(Calibration(shares=expected_shares(column, None, 1.0)) for column in profile.columns)
    found = stretches(profile.chunks, length=like.length, offset=like.offset)
    return of_stretches(profile.columns, found, seasons(found.length, like.zone) if like.length and like.phases else ())


def of_stretches(
    columns: Sequence[Column], found: Stretches, possible: Sequence[Season] = ()
) -> tuple[Calibration, ...]:
    """The calibration of every column for windows as long as these stretches; possible: seasons that may be found."""
    return as_usual(by_itself(columns, found, possible, lasting=True))


def swinging(columns: Sequence[Column], found: Stretches) -> Swinging:
    """The seasons of all events, by hours of UTC, for windows as long as these stretches."""
    made = by_itself(columns, found, seasons(found.length, "UTC"))
    return Swinging(found, tuple(one.phases.season if one.phases else None for one in made))


def following(
    columns: Sequence[Column], found: Stretches, whole: Swinging, known: Sequence[Calibration]
) -> list[Variation | None]:
    """How every column of a part of the events varies where it swings as all of them do; None where it does not.

    known: the part's calibration `by_itself`, without a season. whole: all events in the same stretches. As for a
    season, at least half of the variance must be taken away.
    """
    made: list[Variation | None] = []
    for (column, first, stop), season, own in zip(_places(columns), whole.seasons, known, strict=True):
        left = None
        if season and own.variation.z > CERTAIN:
            part, every = (side.cells(first, stop + MISSING) for side in (found, whole.found))
            left = _following(column, part, every, season, own.design)
        made.append(left if left and left.variance <= GAIN * own.variation.variance else None)
    return made


def by_itself(
    columns: Sequence[Column], found: Stretches, possible: Sequence[Season] = (), *, lasting: bool = False
) -> list[Calibration]:
    """The calibration of every column, whatever is usual among them; lasting: of shifts over several windows too."""
    places = list(_places(columns))
    designs = [
        design_effect(found.cells(first, stop + MISSING).counts) if column.ordered else math.nan
        for column, first, stop in places
    ]
    common = _middle([design for design in designs if not math.isnan(design)], 1.0)
    return [
        _column(column, found.cells(first, stop), design, common, possible, lasting=lasting)
        for (column, first, stop), design in zip(places, designs, strict=True)
    ]


def _places(columns: Sequence[Column]) -> Iterator[tuple[Column, int, int]]:
    """Each column with where its cells begin and end."""
    offsets = np.cumsum([0, *(column.size for column in columns)]).tolist()
    return zip(columns, offsets[:-1], offsets[1:], strict=True)


def as_usual(columns: Sequence[Calibration]) -> tuple[Calibration, ...]:
    """The columns with at least the memory, and the certainty to move, that are usual among them.

    In a single column a short reference may hide either; not in one that has always had the same value, or differed by
    less than sampling explains.
    """
    found = [column.variation for column in columns if column.variation.z]
    memory = _middle([variation.memory for variation in found if variation.z > CERTAIN], 0.0)
    z = _middle([variation.z for variation in found], 0.0)
    made = []
    for column in columns:
        own = column.variation
        hidden = 0 < abs(own.z) <= CERTAIN
        usual = replace(own, memory=max(own.memory, memory), z=max(own.z, z) if hidden else own.z)
        onsets = [
            one._replace(variation=replace(one.variation, z=max(one.variation.z, usual.z))) for one in column.onsets
        ]
        made.append(replace(column, variation=usual, onsets=tuple(onsets)))
    return tuple(made)


def _middle(values: Sequence[float], default: float) -> float:
    return float(np.median(values)) if values else default


def _column(
    column: Column, part: Stretches, design: float, common: float, possible: Sequence[Season], *, lasting: bool
) -> Calibration:
    whole, part = part, _filled(part._replace(counts=part.counts[:, :MISSING]))
    values = part.counts
    if len(values) < 2:
        return Calibration(shares=expected_shares(column, whole, common), stretches=len(values))
    watched = _watched(column, part)
    if math.isnan(design):  # of the rows that come together, as the model's other columns tell, no more than show here
        design = max(1.0, min(common, dispersion(watched.deviations(None, 1.0).movement())))
    variation, season = watched.variation(None, design), None
    for tried in possible:
        if variation.z > CERTAIN and tried.known(part.middles):
            left = watched.variation(tried, design)
            if left.variance <= GAIN * variation.variance:
                variation, season = left, tried
    phases = Phases.of(season, part.middles, values) if season else None
    onsets = tuple(_onsets(column, part, design, season, variation.memory)) if lasting else ()
    return Calibration(variation, design, phases, expected_shares(column, whole, design), len(values), onsets)


def _following(column: Column, part: Stretches, every: Stretches, season: Season, design: float) -> Variation:
    """The variation of a part around what it is expected to be where it swings as all events do; counts by value bin.

    Of what sampling adds to that only the part in the phases of all events is taken off. That of the part's own counts
    over all phases counts as variation: it is small, and so nothing that varies is missed.
    """
    middles, used = every.middles, np.add.reduce(part.counts, axis=1) > 0
    rest = others(every.counts.astype(np.float64), season.phase(middles), season.days(middles))[used]
    sizes, part = np.add.reduce(rest, axis=1), _filled(part)
    own = np.add.reduce(part.counts, axis=0) - part.counts
    shares = swung(own, rest, np.add.reduce(every.counts, axis=0), ordered=column.ordered)
    expected = _cells(column, part.counts)(sizes[:, None] * np.diff(shares, prepend=0.0))
    if column.ordered:
        expected[:, -1] = sizes  # no rounding may look like a share that moves
    return _watched(column, part).variation(season, design, np.column_stack((expected, sizes)))


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

    def deviations(self, season: Season | None, design: float, expected: Floats | None = None) -> Deviations:
        """How far they are from the others of their phase of a season, or from what is expected instead."""
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
            expected=expected,
        )

    def variation(self, season: Season | None, design: float, expected: Floats | None = None) -> Variation:
        """The variation of what decides."""
        return self.of(self.deviations(season, design, expected), season)

    def of(self, found: Deviations, season: Season | None) -> Variation:
        """That of these deviations within a season."""
        judge, phases = strongest if self.ordered else together, season.phases if season else 1
        return judge(found.movement(), stretches=len(found.away), phases=phases)


def _watched(column: Column, part: Stretches) -> _Watched:
    """What is watched of counts of the value bins."""
    counts, scale = _cells(column, part.counts)(part.counts), 1.0
    if not column.ordered:
        total = np.add.reduce(counts, axis=0)
        scale = np.add.reduce(total) / total
    return _Watched(counts, np.add.reduce(part.counts, axis=1), part, scale, column.ordered)


def _cells(column: Column, values: Counts) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """What makes of counts by value bin, shape (stretches, bins), those whose shares are watched where these are."""
    fine = column.counts[:MISSING]
    if column.ordered:
        starts = coarse_starts(column.bins, fine, cells=CELLS)
        return lambda counts: np.add.reduceat(counts, starts, axis=1).cumsum(axis=1)
    places = pooled_cells(fine, int(np.median(np.add.reduce(values, axis=1))))
    order = np.argsort(places, kind="stable")
    firsts = np.flatnonzero(np.concatenate(([True], np.diff(places[order]) > 0)))
    filled = np.add.reduceat(np.add.reduce(values, axis=0)[order], firsts) > 0
    return lambda counts: np.add.reduceat(counts[:, order], firsts, axis=1)[:, filled]


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
