"""How far a reference moves by itself, from one stretch of time to the next, beyond what sampling explains.

Production data wander: a test that knows of sampling alone is in drift for good once windows are large. The variance of
a share between stretches is its mean squared distance from the whole, less what sampling n events adds to it (the
moment estimator of a random effect, as in DerSimonian and Laird 1986). What sampling adds shrinks with n and the rest
does not, so the two stay apart. Where stretches that follow each other resemble each other, they are worth fewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from monitor.drift.bins import Floats

ENOUGH = 48  # stretches of a reference that moves; with fewer no budget of false pages can be held
CERTAIN = 3.0  # standard errors from which on movement is no accident
LIKELY = 1.0  # below which there is none to speak of
LEAST_FREEDOM = 4.0
LEAST_INDEPENDENT = 2.0
MOST_MEMORY = 0.99


@dataclass(frozen=True, slots=True)
class Variation:
    """The variance of an effect between stretches, and how well it is known.

    `z` is the variance over its standard error without any movement, `memory` the correlation of neighbours;
    `stretches` and `phases` are those that it was learned from.
    """

    variance: float = 0.0
    z: float = 0.0
    memory: float = 0.0
    stretches: int = 0
    phases: int = 1

    @property
    def unknown(self) -> bool:
        """Whether the reference moves, and is too short to say how far."""
        return self.z > CERTAIN and self.stretches < ENOUGH

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance."""
        return _freedom(self._free, self.memory)

    def reach(self, alpha: float) -> float:
        """The squared effect that a clean window exceeds with probability `alpha`, but for sampling.

        By Student's t, two-sided. The mean of m independent stretches is itself uncertain, and their variance about it
        too small, which makes (m + 1) / (m - 1); of stretches that resemble each other fewer are independent (Bayley
        and Hammersley 1946). Here 3² · 8/6 · 2.447²:

        >>> round(Variation(variance=9.0, stretches=7).reach(0.05), 2)
        71.85
        """
        return self.variance * _spread(self._free, self.memory, alpha) if self.variance else 0.0

    @property
    def _free(self) -> int:
        """Stretches, of which every phase but one has spent one."""
        return self.stretches - self.phases + 1


class Movement(NamedTuple):
    """Of each share: the variance between stretches, its error without movement, the covariance of neighbours, and the
    mean of what sampling adds.
    """

    variance: Floats
    error: Floats
    lagged: Floats
    noise: Floats


class Deviations(NamedTuple):
    """How far shares are from what is expected, over time; shape (stretches, shares).

    noise: the variance of each by sampling. weights: what a stretch counts for. follows: whether each stretch but the
    first comes right after the one before. scale: of squared differences.
    """

    away: Floats
    noise: Floats
    weights: Floats
    follows: npt.NDArray[np.bool_]
    scale: Floats | float

    def combined(self, coefficients: Sequence[float]) -> Deviations:
        """The sums of each stretch times the first coefficient, the one before times the second, and so on.

        Where a stretch before is lacking there is none.
        """
        number, unbroken = len(self.away), np.ones(len(self.away), dtype=bool)
        for back in range(1, len(coefficients)):
            unbroken[:back] = False
            unbroken[back:] &= self.follows[: number - back]
        ends = np.flatnonzero(unbroken)
        parts = [(factor, ends - back) for back, factor in enumerate(coefficients)]
        return self._replace(
            away=sum((factor * self.away[places] for factor, places in parts), np.zeros(())),
            noise=sum((factor * factor * self.noise[places] for factor, places in parts), np.zeros(())),
            weights=np.minimum.reduce([self.weights[places] for _, places in parts]),
            follows=np.diff(ends) == 1,
        )

    def movement(self) -> Movement:
        """What they say of each share."""
        weights, total = self.weights, max(float(np.add.reduce(self.weights)), 1e-300)
        noise = weights[:, None] * self.noise
        pairs = np.sqrt(weights[1:] * weights[:-1]) * self.follows
        products = np.add.reduce(pairs[:, None] * self.away[1:] * self.away[:-1], axis=0)
        return Movement(
            self.scale * np.add.reduce(weights[:, None] * self.away * self.away - noise, axis=0) / total,
            self.scale * np.sqrt(2 * np.add.reduce(noise * noise, axis=0)) / total,
            self.scale * products / max(float(np.add.reduce(pairs)), 1e-300),
            self.scale * np.add.reduce(noise, axis=0) / total,
        )


def deviations(
    counts: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    *,
    follows: npt.NDArray[np.bool_],
    phases: npt.NDArray[np.int64] | None = None,
    days: npt.NDArray[np.int64] | None = None,
    design: float = 1.0,
    scale: Floats | float = 1.0,
    cumulative: bool = False,
    expected: Floats | None = None,
) -> Deviations:
    """How far the shares counts / sizes are from those of all others of their phase; counts: (stretches, shares).

    phases, days: of each stretch; what is of the same day says nothing of a phase, for it is alike in any case. design:
    how much larger the variance by sampling is than that of independent events. cumulative: the shares are, and those
    of each phase are taken where they are what those at a cut are on the whole. expected: counts of each stretch to be
    compared with instead of all others, and the events that they are of; shape (stretches, shares + 1).
    """
    rows = np.column_stack((counts, sizes)).astype(np.float64)
    against = others(rows, phases, days) if expected is None else expected
    usable = against[:, -1] > 0
    own, rest = rows[:, -1], np.maximum(against[:, -1], 1.0)
    chances = against[:, :-1] / rest[:, None]
    weights = own / (own + np.median(own)) * usable
    noise = (design * (1 / own + 1 / rest))[:, None] * chances * (1 - chances)
    away = rows[:, :-1] / own[:, None] - chances
    if cumulative and phases is not None:
        places = _alike(rows, phases)[phases]
        away, noise = (np.take_along_axis(part, places, axis=1) for part in (away, noise))
    return Deviations(away, noise, weights, follows, scale)


def strongest(found: Movement, *, stretches: int, phases: int = 1) -> Variation:
    """The variation of the share that moves most: of cumulative shares, the cut that a distance would find."""
    place = int(np.argmax(found.variance))
    variance, error, lagged = (float(part[place]) for part in (found.variance, found.error, found.lagged))
    return _variation(variance, error, lagged, stretches=stretches, phases=phases)


def together(found: Movement, *, stretches: int, phases: int = 1) -> Variation:
    """The variation of the sum of squares over all shares: of categories, that of Cohen's w²."""
    variance, lagged = float(np.add.reduce(found.variance)), float(np.add.reduce(found.lagged))
    error = math.sqrt(float(np.add.reduce(found.error * found.error)))
    return _variation(variance, error, lagged, stretches=stretches, phases=phases)


def dispersion(found: Movement) -> float:
    """The variance between stretches over what sampling explains of it; nan where nothing varies."""
    noise = float(np.add.reduce(found.noise))
    return 1 + float(np.add.reduce(found.variance)) / noise if noise > 0 else math.nan


def _freedom(stretches: int, memory: float) -> float:
    """Stretches, but for the mean, that squares resemble each other in less than they do themselves."""
    alike = memory * memory
    return max(stretches * (1 - alike) / (1 + alike) - 1, LEAST_FREEDOM)


@lru_cache(maxsize=20_000)  # most windows of a model are decided at the same level
def _spread(stretches: int, memory: float, alpha: float) -> float:
    """What a clean window exceeds with probability `alpha`, over the variance."""
    quantile = float(stdtrit(_freedom(stretches, memory), alpha / 2))
    independent = max(stretches * (1 - memory) / (1 + memory), LEAST_INDEPENDENT)
    return (independent + 1) / (independent - 1) * quantile * quantile


def _variation(variance: float, error: float, lagged: float, *, stretches: int, phases: int) -> Variation:
    z = variance / error if error > 0 else 0.0
    if z < LIKELY:
        return Variation(0.0, z, stretches=stretches, phases=phases)
    memory = _memory(lagged / variance, stretches) if z > CERTAIN else 0.0
    return Variation(variance, z, memory, stretches, phases)


def _memory(correlation: float, stretches: int) -> float:
    """The lag-1 correlation, with what a short series takes from it given back (Kendall 1954)."""
    return min(max((stretches * correlation + 1) / max(stretches - 4, 1), 0.0), MOST_MEMORY) if correlation > 0 else 0.0


def others(rows: Floats, phases: npt.NDArray[np.int64] | None, days: npt.NDArray[np.int64] | None) -> Floats:
    """For each row the sum of all others of its phase, but for those of its day."""
    if phases is None or days is None:
        whole: Floats = np.add.reduce(rows, axis=0)
        return whole - rows
    own = np.unique(phases * (int(days.max()) + 1) + days, return_inverse=True)[1]
    found: Floats = _sums(rows, phases)[phases] - _sums(rows, own)[own]
    return found


def _alike(rows: Floats, phases: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """For each phase the cuts below which its share is nearest to that of the whole below each; shape (phases, cuts).

    Where a column lies elsewhere by night, so do the values that the most events lie close to: at a fixed cut a shift
    moves the most in some phases and little in others, and their mean would be less than a window may show.
    """
    sums, whole = _sums(rows, phases), np.add.reduce(rows, axis=0)
    shares = sums[:, :-1] / np.maximum(sums[:, -1:], 1)
    levels = whole[:-1] / whole[-1]
    found: npt.NDArray[np.intp] = np.abs(shares[:, None, :] - levels[:, None]).argmin(axis=2)
    return found


def _sums(rows: Floats, groups: npt.NDArray[np.int64]) -> Floats:
    """Sums of the rows of each group; shape (groups, columns). Of whole numbers, and so exact."""
    order = np.argsort(groups, kind="stable")
    ranked = groups[order]
    firsts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    made = np.zeros((int(ranked[-1]) + 1, rows.shape[1]))
    made[ranked[firsts]] = np.add.reduceat(rows[order], firsts, axis=0)
    return made
