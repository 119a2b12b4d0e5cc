"""Windows scored from arrays in memory, against what one writes by hand with pandas and scipy.

Both see the same windows and the same reference, and compute the same: for each numeric column PSI on ten quantile
bins and the Kolmogorov-Smirnov test, for each categorical one PSI and the chi-square test of homogeneity. By hand the
reference is kept as rows, sorted once, and its bins and shares are prepared, as somebody would who does this hourly.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import workload
from benchmarks.harness import Row, cpu_of, ratios
from monitor.config import ColumnRules
from monitor.drift.bins import SPECIAL, Counts, Floats, Ordered, count_ordered, count_unordered
from monitor.drift.profiles import Profile
from monitor.pipeline.compare import Comparison

WINDOW = 10_000  # events
WINDOWS = 10
CELLS = 10
LEAST = 1e-4  # share that stands for an empty cell


@dataclass(frozen=True)
class Rows:
    """Numbers and names by column."""

    numbers: dict[str, Floats]
    names: dict[str, list[str]]

    @classmethod
    def made(cls, n: int, seed: int) -> Rows:
        """Rows of the workload."""
        numbers, names = workload.values(n, seed, shift=0.05)
        return cls(
            dict(zip((*workload.NUMERIC, "prediction"), numbers, strict=True)),
            dict(zip(workload.CATEGORICAL, names, strict=True)),
        )


def measure(*, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """The row of the scores."""
    windows = [Rows.made(WINDOW, seed) for seed in range(WINDOWS)]
    score, by_hand = _ours(workload.profile()), ByHand(Rows.made(workload.REFERENCE, workload.REFERENCE_SEED))
    frames = [pd.DataFrame(window.numbers | window.names) for window in windows]
    _warm_up(score, by_hand, windows[0], frames[0])
    ours, theirs = [], []
    for number in range(rounds):
        say(f"scores: round {number + 1} of {rounds}")
        ours.append(cpu_of(lambda: [score(window) for window in windows]) / WINDOWS * 1e3)
        theirs.append(cpu_of(lambda: [by_hand(frame) for frame in frames]) / WINDOWS * 1e3)
    return [
        Row(
            "window of 10,000 events scored from arrays, against pandas + scipy",
            "× less",
            4,
            "at least",
            ratios(theirs, ours),
            {"Driftline, ms of CPU per window": ours, "pandas + scipy, ms of CPU per window": theirs},
        )
    ]


def _warm_up(score: Callable[[Rows], object], by_hand: ByHand, window: Rows, frame: pd.DataFrame) -> None:
    """Both once, so that nothing is imported or cached for the first time in a round."""
    score(window)
    by_hand(frame)


def _ours(profile: Profile) -> Callable[[Rows], object]:
    """Count on the reference's bins, then score and decide."""
    rules = {c.name: ColumnRules(methods=("psi", "ks" if c.ordered else "chi2")) for c in profile.columns}
    compare = Comparison(profile, rules, pvalue=1 / 720, min_events=200)
    special: Counts = np.zeros(SPECIAL, dtype=np.int64)

    def score(window: Rows) -> object:
        counts: list[Counts] = []
        for column in profile.columns:
            bins = column.bins
            if isinstance(bins, Ordered):
                counts.append(count_ordered(bins, window.numbers[column.name]))
            else:
                counts.append(count_unordered(bins, window.names[column.name]))
            counts.append(special)
        return compare(np.concatenate(counts))

    return score


class ByHand:
    """The same statistics as notebooks have them, reference prepared."""

    def __init__(self, reference: Rows) -> None:
        self._sorted = {name: np.sort(values) for name, values in reference.numbers.items()}
        self._edges = {name: _edges(values) for name, values in self._sorted.items()}
        self._shares = {name: _shares(np.histogram(v, self._edges[name])[0]) for name, v in self._sorted.items()}
        self._tops = {name: pd.Series(values).value_counts() for name, values in reference.names.items()}

    def __call__(self, window: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
        """PSI, statistic and p-value by column."""
        numeric = {name: self._numeric(name, window[name]) for name in self._sorted}
        return numeric | {name: self._categorical(name, window[name]) for name in self._tops}

    def _numeric(self, name: str, values: pd.Series[float]) -> tuple[float, float, float]:
        current = values.to_numpy()
        test = stats.ks_2samp(self._sorted[name], current)
        shares = _shares(np.histogram(current, self._edges[name])[0])
        return _psi(self._shares[name], shares), float(test.statistic), float(test.pvalue)

    def _categorical(self, name: str, values: pd.Series[str]) -> tuple[float, float, float]:
        reference, current = self._tops[name], values.value_counts()
        names = reference.index.union(current.index)
        table = np.vstack((reference.reindex(names, fill_value=0), current.reindex(names, fill_value=0)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statistic, pvalue, *_ = stats.chi2_contingency(table)
        shares = [_shares(_tops(counts, reference.index[: CELLS - 1])) for counts in (reference, current)]
        return _psi(*shares), float(statistic), float(pvalue)


def _edges(ranked: Floats) -> Floats:
    inner = np.unique(np.quantile(ranked, np.arange(1, CELLS) / CELLS))
    return np.concatenate(([-np.inf], inner, [np.inf]))


def _tops(counts: pd.Series[int], names: pd.Index[str]) -> Counts:
    """Counts of some categories, and of all others together."""
    kept = counts.reindex(names, fill_value=0).to_numpy()
    return np.append(kept, counts.sum() - kept.sum())


def _shares(counts: Counts) -> Floats:
    shares: Floats = np.maximum(counts / counts.sum(), LEAST)
    return shares


def _psi(reference: Floats, current: Floats) -> float:
    return float(((current - reference) * np.log(current / reference)).sum())
