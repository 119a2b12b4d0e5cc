"""How each segment moves by itself, as a few numbers of every column: its counts over time would be too many to keep.

They are learned while the reference is made, from stretches as long as its chunks. What longer windows and sums of
several do follows from the variance v and the memory r of a first-order autoregression: the mean of k stretches has

    v / k² · (k + 2 Σ (k - j) r^j), j from 1 to k - 1,

and with the next mean the covariance v / k² · r · ((1 - r^k) / (1 - r))².
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from monitor.drift.bins import Floats
from monitor.drift.calibration import Calibration, expected_shares, of_stretches
from monitor.drift.onsets import LEAST, SHARES, Onset, coefficients
from monitor.drift.profiles import Column
from monitor.drift.segments import NUMBERS
from monitor.drift.shares import NONE
from monitor.drift.stretches import Stretches
from monitor.drift.sums import rounded
from monitor.drift.variation import MOST_MEMORY, Variation

KINDS = ("missing", "invalid", "unseen")


def learned(columns: Sequence[Column], found: Stretches) -> Floats:
    """The course of a part of the events, with the part's own counts; shape (columns, NUMBERS), of ten digits."""
    return np.array([_numbers(made) for made in of_stretches(columns, found)])


def of_part(
    columns: Sequence[Column], whole: Sequence[Calibration], course: Floats | None, *, times: int = 1
) -> tuple[Calibration, ...]:
    """The calibration of every column for a part of the events, by its course, and as the whole where that is unknown.

    whole: of all events, without phases. times: how many of the stretches that the course is of make a window.
    """
    if course is None:
        return tuple(_as_whole(column, known) for column, known in zip(columns, whole, strict=True))
    return tuple(
        _own(column, known, row, times) for column, known, row in zip(columns, whole, course.tolist(), strict=True)
    )


def lengthened(course: Floats, times: int) -> Floats:
    """The course of any number of parts, shape (..., columns, NUMBERS), over stretches so many times as long."""
    rows = course.reshape(-1, NUMBERS).tolist()
    made = [_row(row[0], [longer(found, times) for found in _read(row)]) for row in rows]
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


def _own(column: Column, known: Calibration, row: Sequence[float], times: int) -> Calibration:
    design, (found, *others) = row[0], [longer(part, times) for part in _read(row)]
    if times > 1:  # days of a week are not what hours with a memory make
        found = replace(found, variance=max(found.variance, known.variation.variance))
    shares = dict(zip(KINDS, others, strict=True))
    return Calibration(
        variation=found,
        design=design,
        shares={kind: own.moving(shares[kind]) for kind, own in expected_shares(column, None, design).items()},
        stretches=found.stretches,
        onsets=tuple(_onsets(found)),
    )


def _onsets(found: Variation) -> Iterator[Onset]:
    """How shifts over several windows are estimated."""
    for windows in SHARES:
        factors = coefficients(windows, found.memory)
        if len(factors) > 1 and found.stretches - len(factors) + 1 >= LEAST:
            yield Onset(windows, factors, summed(found, factors))


def _numbers(made: Calibration) -> list[float]:
    shares = [made.shares[kind].variation if kind in made.shares else NONE for kind in KINDS]
    return _row(made.design, [made.variation, *shares])


def _row(design: float, varying: Sequence[Variation]) -> list[float]:
    """A design effect; variance, z, memory and stretches of the effect and of each share."""
    numbers = [(found.variance, found.z, found.memory, found.stretches) for found in varying]
    return [rounded(design), *(rounded(number) for found in numbers for number in found)]


def _read(row: Sequence[float]) -> Iterator[Variation]:
    for variance, z, memory, stretches in zip(*(row[i::4] for i in range(1, 5)), strict=True):
        yield Variation(variance, z, memory, int(stretches))
