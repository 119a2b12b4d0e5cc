"""The document that `make calibration` writes: tables of what was simulated, and what is above its target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, chi2

from tests.calibration.scenarios import Search
from tests.calibration.worlds import MONTH, World

HEAD = """\
# What the decision rule does in simulation

Written by `make calibration` (seed {seed}); [decisions](decisions.md) explains the rule. Counts of every hour are drawn
from known distributions and go through the code of the worker: comparison, decision, episodes. The budget is one page
in a month of hourly windows. Unless a row says otherwise a model has 14 numeric columns and 6 with 8 categories,
10,000 events in a window, and a week (168 hours) of reference. Shifts and spreads are in standard deviations of the
column. *Memory* is the correlation of an hour's mean with the next one's. Columns wander independently of each other.
"""
CLEAN = """
## Pages of clean models

*Pages*: mean of the episodes that open in a clean month, with the 95 % interval of a Poisson count. *Over 2 ×, 5 ×*:
models with more than 2 and 5 pages. *In drift*: share of all windows. *Smallest shift*: of one numeric column, that a
single window shows in 90 % of 24 trials. The target, with at least 168 hours of reference, is 1.2 pages on average and
5 % of models over 2 ×. Where the first models lie above it, four times as many are simulated. *misses*: the interval of
the pages lies above the target; *above*: pages or models are, but by no more than chance may explain.
"""
FINDING = """
## What is found, and when

*Columns found*: of all changed columns, in drift within the windows that are allowed, with the 95 % interval of a
binomial share (columns of one trial are not quite independent). *Models*: trials in which any of them was. *Delay*:
median and 90 % quantile of the windows until a column was found, among those found.
"""
PAGES = (
    "data",
    "reference, hours",
    "models",
    "pages",
    "over 2 ×",
    "over 5 ×",
    "windows in drift",
    "smallest shift",
    "target",
)
CHANGES = ("change", "columns", "trials", "within", "columns found", "models", "delay", "target")


@dataclass(frozen=True)
class Pages:
    """Pages and windows in drift of each clean model of a world, and the smallest shift that is found, if any is."""

    world: World
    counted: tuple[int, ...]
    drifting: tuple[int, ...]
    smallest: float | None

    @classmethod
    def of(cls, world: World, months: Sequence[tuple[int, int]], smallest: float | None) -> Pages:
        """From the pages and the windows in drift of each model."""
        return cls(world, tuple(pages for pages, _ in months), tuple(drifting for _, drifting in months), smallest)

    @property
    def interval(self) -> tuple[float, float]:
        """Of the mean of the pages."""
        total, models = sum(self.counted), len(self.counted)
        low = float(chi2.ppf(0.025, 2 * total)) / 2 / models if total else 0.0
        return low, float(chi2.ppf(0.975, 2 * total + 2)) / 2 / models

    @property
    def outcome(self) -> str:
        """Whether it keeps the target."""
        if self.world.chunks < 168:
            return "none"
        counted = np.array(self.counted)
        above = counted.mean() > 1.2 or np.mean(counted > 2) > 0.05
        return "misses" if self.interval[0] > 1.2 else "above" if above else "kept"


@dataclass(frozen=True)
class Found:
    """Delays in windows, shape (trials, changed columns); 0 where a column was not found."""

    search: Search
    drifting: int
    delays: npt.NDArray[np.int64]

    @property
    def share(self) -> float:
        """Of the changed columns, those that were found."""
        return float(np.count_nonzero(self.delays)) / self.delays.size


def document(pages: Mapping[str, Sequence[Pages]], found: Sequence[Found], *, seed: int) -> str:
    """The whole text."""
    lines = [HEAD.format(seed=seed), "", *_summary(pages, found), CLEAN, ""]
    for title, rows in pages.items():
        lines += [f"### {title}", "", _row(PAGES), _row(["---"] * len(PAGES))]
        lines += [*map(_page_row, rows), ""]
    lines += [FINDING, "", _row(CHANGES), _row(["---"] * len(CHANGES)), *map(_found_row, found)]
    return "\n".join(line.removesuffix("\n") for line in lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _page_row(row: Pages) -> str:
    counted, (low, high) = np.array(row.counted), row.interval
    smallest = "none to 2" if row.smallest is None else f"{row.smallest:g}"
    over = [f"{np.mean(counted > times):.0%}" for times in (2, 5)]
    pages = f"{counted.mean():.2f} ({low:.2f} to {high:.2f})"
    drifting = f"{np.mean(row.drifting) / MONTH:.2%}"
    return _row(
        [row.world.name, str(row.world.chunks), str(len(counted)), pages, *over, drifting, smallest, row.outcome]
    )


def _found_row(row: Found) -> str:
    hits, of = int(np.count_nonzero(row.delays)), row.delays.size
    low = float(beta.ppf(0.025, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, of - hits)) if hits < of else 1.0
    after = row.delays[row.delays > 0]
    delay = f"{np.median(after):.0f}, {np.quantile(after, 0.9):.0f}" if len(after) else "none"
    model, windows = float(np.mean(row.delays.any(axis=1))), row.search.windows
    within = f"{windows} window{'s' if windows > 1 else ''}"
    share = f"{row.share:.1%} ({low:.1%} to {high:.1%})"
    target = f"{row.search.least:.0%}: {'kept' if row.share >= row.search.least else 'missed'}"
    trials = str(len(row.delays))
    return _row([row.search.name, f"{row.drifting} of 20", trials, within, share, f"{model:.1%}", delay, target])


def _summary(pages: Mapping[str, Sequence[Pages]], found: Sequence[Found]) -> Iterator[str]:
    """What kept its target and what did not."""
    rows = [row for group in pages.values() for row in group if row.outcome != "none"]
    counted = np.concatenate([row.counted for row in rows])
    kept = [row for row in rows if row.outcome == "kept"]
    often = [f"{np.mean(counted > times):.1%} have more than {times}" for times in (2, 5)]
    yield (
        f"Of {len(rows)} clean worlds with at least 168 hours of reference {len(kept)} keep the target. All their "
        f"{len(counted):,} models together have {counted.mean():.2f} pages a month; {', '.join(often)}."
    )
    late = [f"{row.search.name} ({row.drifting} of 20)" for row in found if row.share < row.search.least]
    for text, names in (
        ("Pages above the target", [row.world.name for row in rows if row.outcome == "misses"]),
        ("Above it by no more than chance may explain", [row.world.name for row in rows if row.outcome == "above"]),
        ("Not found in time as often as wanted", late),
    ):
        if names:
            yield from ("", f"{text}:", "")
            yield from (f"- {name}" for name in names)
