"""How each segment moves by itself, as a few numbers of every column: its counts over time would be too many to keep.

They are learned while the reference is made, from stretches as long as its chunks. What longer windows and sums of
several do follows from the variance v and the memory r of a first-order autoregression: the mean of k stretches has

    v / k² · (k + 2 Σ (k - j) r^j), j from 1 to k - 1,

and with the next mean the covariance v / k² · r · ((1 - r^k) / (1 - r))².

Where a column swings in a segment as it does in all events, it is compared with what it is expected to be in that phase
(`PartPhases`) and moves less around it: for windows as long as the reference's chunks how far is known too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from monitor.drift.bins import MISSING, Floats
from monitor.drift.calibration import Calibration, Swinging, as_usual, by_itself, expected_shares, following
from monitor.drift.onsets import LEAST, SHARES, Onset, coefficients
from monitor.drift.phases import PartPhases, Phases
from monitor.drift.profiles import Column
from monitor.drift.segments import NUMBERS, WITHIN
from monitor.drift.shares import NONE
from monitor.drift.stretches import Stretches
from monitor.drift.sums import rounded
from monitor.drift.variation import MOST_MEMORY, Variation

KINDS = ("missing", "invalid", "unseen")


def learned(columns: Sequence[Column], found: Stretches, whole: Swinging) -> Floats:
    """The course of a part of the events, with the part's own counts; shape (columns, NUMBERS), of ten digits.

    whole: all events, in the same stretches.
    """
    alone = by_itself(columns, found)
    left = following(columns, found, whole, alone)
    within = as_usual([replace(one, variation=own or one.variation) for one, own in zip(alone, left, strict=True)])
    seasons = [one.variation if own else None for one, own in zip(within, left, strict=True)]
    return np.array([_numbers(made, season) for made, season in zip(as_usual(alone), seasons, strict=True)])


def of_part(
    columns: Sequence[Column],
    whole: Sequence[Calibration],
    course: Floats | None,
    *,
    times: int = 1,
    phases: Sequence[Phases | PartPhases | None] = (),
) -> tuple[Calibration, ...]:
    """The calibration of every column for a part of the events, by its course, and as the whole where that is unknown.

    whole: of all events, without seasons; phases: theirs, where they have any. times: how many stretches, of those that
    the course is of, make a window.
    """
    if course is None:
        return tuple(_as_whole(column, known) for column, known in zip(columns, whole, strict=True))
    phases = phases if phases and times == 1 else [None] * len(columns)
    return tuple(_own(*parts, times) for parts in zip(columns, whole, course.tolist(), phases, strict=True))


def lengthened(course: Floats, times: int) -> Floats:
    """The course of any number of parts, shape (..., columns, NUMBERS), over stretches so many times as long.

    Whether these have a season, and whether the parts follow it, is not known.
    """
    rows = course.reshape(-1, NUMBERS).tolist()
    made = [_row(row[0], [longer(found, times) for found in _read(row)], None) for row in rows]
    return np.array(made).reshape(course.shape)


def longer(found: Variation, times: int) -> Variation:
    """The variation of the mean of so many stretches that follow each other.

    >>> longer(Variation(4.0, 9.0, stretches=96), 4) == Variation(1.0, 9.0, stretches=24)
    True
    """
    memory = found.memory
    factor = (times + 2 * sum((times - j) * memory**j for j in range(1, times))) / times**2
    following = memory * ((1 - memory**times) / (1 - memory) / times) ** 2
    return replace(
        found, variance=found.variance * factor, memory=following / factor, stretches=found.stretches // times
    )


def shown(found: Variation) -> float:
    """The correlation of neighbours that the stretches showed, before what a short series takes from it was given back.

    A step from one to the next is as large as it was, though both may be nearer to their mean than in a longer series.

    >>> round(shown(Variation(4.0, 9.0, 0.99, stretches=168)), 2)
    0.96
    """
    return max(((found.stretches - 4) * found.memory - 1) / max(found.stretches, 1), 0.0)


def summed(found: Variation, factors: Sequence[float]) -> Variation:
    """The variation of a sum of stretches that follow each other, the newest times the first factor."""
    alike, following = (_product(factors, found.memory, apart) for apart in (0, 1))
    memory = min(max(following / alike, 0.0), MOST_MEMORY) if alike > 0 else 0.0
    return replace(
        found, variance=found.variance * alike, memory=memory, stretches=max(found.stretches - len(factors) + 1, 0)
    )


def _product(factors: Sequence[float], memory: float, apart: int) -> float:
    """The covariance of the sum with itself some stretches later, over the variance of one."""
    pairs = ((a, b, abs(i - j + apart)) for i, a in enumerate(factors) for j, b in enumerate(factors))
    return sum(a * b * memory**distance for a, b, distance in pairs)


def _as_whole(column: Column, known: Calibration) -> Calibration:
    shares = expected_shares(column, None, known.design)
    return replace(known, shares={kind: own.moving(known.shares[kind].variation) for kind, own in shares.items()})


def _own(
    column: Column, known: Calibration, row: Sequence[float], phases: Phases | PartPhases | None, times: int
) -> Calibration:
    design, (found, *others) = row[0], [longer(part, times) for part in _read(row)]
    season, own = _within(row, found.stretches), None
    if times > 1:  # days of a week are not what hours with a memory make
        found = replace(
            found, variance=max(found.variance, known.variation.variance), z=max(found.z, known.variation.z)
        )
    elif isinstance(phases, Phases) and phases.season.phases == season.phases:  # an update may have changed the season
        found, own = season, PartPhases(phases, column.counts[:MISSING], column.ordered)
    shares = dict(zip(KINDS, others, strict=True))
    return Calibration(
        variation=found,
        design=design,
        phases=own,
        shares={kind: own.moving(shares[kind]) for kind, own in expected_shares(column, None, design).items()},
        stretches=found.stretches,
        onsets=tuple(_onsets(found, replace(found, memory=shown(found)) if times == 1 else found)),
    )


def _onsets(found: Variation, seen: Variation) -> Iterator[Onset]:
    """How shifts over several windows are estimated, and how far these estimates go where stretches are as was seen."""
    for windows in SHARES:
        factors = coefficients(windows, found.memory)
        if len(factors) > 1 and found.stretches - len(factors) + 1 >= LEAST:
            yield Onset(windows, factors, summed(seen, factors))


def _numbers(made: Calibration, season: Variation | None) -> list[float]:
    shares = [made.shares[kind].variation if kind in made.shares else NONE for kind in KINDS]
    return _row(made.design, [made.variation, *shares], season)


def _row(design: float, varying: Sequence[Variation], season: Variation | None) -> list[float]:
    """A design effect; variance, z, memory and stretches of the effect and of each share; variance, z and memory within
    the season of all events, and its phases: all 0 where the part does not follow one.
    """
    numbers = [(found.variance, found.z, found.memory, found.stretches) for found in varying]
    numbers.append((season.variance, season.z, season.memory, season.phases) if season else (0, 0, 0, 0))
    return [rounded(design), *(rounded(number) for found in numbers for number in found)]


def _read(row: Sequence[float]) -> Iterator[Variation]:
    """The variation of the effect, and that of each share."""
    for variance, z, memory, stretches in zip(*(row[i:WITHIN:4] for i in range(1, 5)), strict=True):
        yield Variation(variance, z, memory, int(stretches))


def _within(row: Sequence[float], stretches: int) -> Variation:
    """That of the effect within a season, of no phases where the part follows none."""
    variance, z, memory, phases = row[WITHIN:]
    return Variation(variance, z, memory, stretches, int(phases))
