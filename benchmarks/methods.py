"""Every method that fits numbers, at once: twenty columns of two hundred bins, from counts, and from the raw rows.

By hand it is what a notebook does with pandas and scipy: the reference is kept as sorted rows, its deciles are
prepared, and each window's rows go through scipy's tests and distances. Kuiper's is not in scipy; it is made of the
rows. The relative costs that `driftline methods` shows are those of each method alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial.distance import jensenshannon

from benchmarks.harness import Row, cpu_of, ratios
from monitor.config import ColumnRules
from monitor.drift.bins import SPECIAL, Counts, Floats, count_ordered, ordered_bins
from monitor.drift.methods import METHODS, Method
from monitor.drift.profiles import Column, Profile
from monitor.drift.samples import Compared, Sample
from monitor.pipeline.compare import Comparison

COLUMNS, WINDOW, REFERENCE = 20, 10_000, 50_000
TIMES, CALLS = 50, 500  # a window is scored, and a method called, to be measured
NAMES = tuple(method.name for method in METHODS.values() if "ordered" in method.kinds)
CELLS = 10
SPECIALS: Counts = np.zeros(SPECIAL, dtype=np.int64)


@dataclass(frozen=True)
class World:
    """Reference and window by column, and what we make of them."""

    reference: Mapping[str, Floats]
    window: Mapping[str, Floats]
    profile: Profile
    compare: Comparison

    @classmethod
    def made(cls) -> World:
        """Normal columns; the window's mean lies a twentieth of a standard deviation off."""
        rng = np.random.default_rng(7)
        names = [f"amount_{i:02}" for i in range(COLUMNS)]
        reference = {name: rng.normal(size=REFERENCE) for name in names}
        window = {name: rng.normal(0.05, size=WINDOW) for name in names}
        profile = Profile("credit", "3", tuple(_column(name, values) for name, values in reference.items()))
        rules = {name: ColumnRules(methods=NAMES) for name in names}
        return cls(reference, window, profile, Comparison(profile, rules, pvalue=1 / 720, min_events=200))

    def counts(self) -> Counts:
        """The window's rows on the reference's bins."""
        columns = self.profile.columns
        pieces = [piece for c in columns for piece in (count_ordered(c.bins, self.window[c.name]), SPECIALS)]  # type: ignore[arg-type]  # all are ordered
        return np.concatenate(pieces)


def measure(*, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """The rows of all methods."""
    world = World.made()
    by_hand, frame, counts = ByHand(world.reference), pd.DataFrame(world.window), world.counts()
    world.compare(counts)
    by_hand(frame)
    scored, ours, theirs = [], [], []
    each: dict[str, list[float]] = {f"{name} alone, µs of CPU per column": [] for name in METHODS}
    for number in range(rounds):
        say(f"methods: round {number + 1} of {rounds}")
        scored.append(cpu_of(lambda: [world.compare(counts) for _ in range(TIMES)]) / TIMES * 1e3)
        ours.append(cpu_of(lambda: [world.compare(world.counts()) for _ in range(TIMES)]) / TIMES * 1e3)
        theirs.append(cpu_of(lambda: by_hand(frame)) * 1e3)
        for method, values in zip(METHODS.values(), each.values(), strict=True):
            values.append(_alone(world, counts, method))
    title = f"{COLUMNS} columns × 200 bins"
    return [
        Row(f"window of {title} scored with all {len(NAMES)} methods", "ms", 2, "at most", scored, each),
        Row(
            f"the same from {WINDOW:,} rows, counting included, against pandas + scipy on the rows",
            "× less",
            4,
            "at least",
            ratios(theirs, ours),
            {"Driftline, ms of CPU per window": ours, "pandas + scipy, ms of CPU per window": theirs},
        ),
    ]


def _column(name: str, values: Floats) -> Column:
    bins = ordered_bins(values)
    return Column(name, "feature", bins, np.append(count_ordered(bins, values), SPECIALS))


def _alone(world: World, counts: Counts, method: Method) -> float:
    """CPU (µs) of one method's score on the bins that it takes: 200, ten, or two. What is shared was made before."""
    rows = [world.profile.columns[0].counts[:-SPECIAL], counts[: world.profile.columns[0].size - SPECIAL]]
    if method.binary or method.bins == "coarse":
        rows = [side.reshape(2 if method.binary else CELLS, -1).sum(axis=1) for side in rows]
    reference = Sample(rows[0])
    current = Compared(reference, rows[1], n=int(rows[1].sum()))
    return cpu_of(lambda: [method.score(reference, current) for _ in range(CALLS)]) / CALLS * 1e6


class ByHand:
    """The same statistics from the rows, reference prepared."""

    def __init__(self, reference: Mapping[str, Floats]) -> None:
        self._sorted = {name: np.sort(values) for name, values in reference.items()}
        self._edges = {name: np.quantile(v, np.arange(CELLS + 1) / CELLS) for name, v in self._sorted.items()}
        for edges in self._edges.values():
            edges[[0, -1]] = -np.inf, np.inf

    def __call__(self, window: pd.DataFrame) -> dict[str, dict[str, float]]:
        """Statistics by column."""
        return {name: self._column(name, window[name].to_numpy()) for name in self._sorted}

    def _column(self, name: str, current: Floats) -> dict[str, float]:
        reference = self._sorted[name]
        moved = float(stats.wasserstein_distance(reference, current))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of p-values beyond its table
            anderson = stats.anderson_ksamp([reference, current]).statistic
        return self._of_shares(name, current) | {
            "ks": float(stats.ks_2samp(reference, current).statistic),
            "anderson_darling": float(anderson),
            "cramer_von_mises": float(stats.cramervonmises_2samp(reference, current, method="asymptotic").statistic),
            "kuiper": _kuiper(reference, np.sort(current)),
            "mann_whitney": float(stats.mannwhitneyu(reference, current).pvalue),
            "t_test": float(stats.ttest_ind(reference, current, equal_var=False).statistic),
            "energy": float(stats.energy_distance(reference, current)),
            "wasserstein": moved,
            "wasserstein_normed": moved / float(np.std(reference)),
        }

    def _of_shares(self, name: str, current: Floats) -> dict[str, float]:
        sides = (np.histogram(values, self._edges[name])[0] for values in (self._sorted[name], current))
        p, q = (np.maximum(counts / counts.sum(), 1e-4) for counts in sides)
        return {
            "psi": float(((q - p) * np.log(q / p)).sum()),
            "kl": float(stats.entropy(p, q)),
            "js": float(jensenshannon(p, q, 2.0)),
            "hellinger": float(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2)),
            "total_variation": float(np.abs(p - q).sum() / 2),
        }


def _kuiper(reference: Floats, current: Floats) -> float:
    everything = np.concatenate((reference, current))
    apart = np.searchsorted(reference, everything, side="right") / len(reference)
    apart -= np.searchsorted(current, everything, side="right") / len(current)
    return float(apart.max() - apart.min())
