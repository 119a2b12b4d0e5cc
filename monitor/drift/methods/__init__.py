"""One file per method: validation, formula, score. A new file is a new method, and its name is the file's.

Of every method 0 (or undefined) is equal and larger is more drift.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

import numpy as np

from monitor.drift.bins import Floats
from monitor.drift.samples import Compared, Sample, Side
from monitor.drift.scores import Computed, Score
from monitor.errors import DriftlineError

EMPTY: Floats = np.array(np.nan)

View = Literal["fine", "coarse", "pooled"]


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A method and what its caller must know: the kinds of bins it fits, and the view of the counts it takes.

    `compute` makes the statistics of samples in rows; `score` is for one. `threshold` is the customary number for
    drift, None where there is none. `critical` gives the statistic that a clean window exceeds with a probability, None
    without a known null. `default`: computed where no methods are named. `binary`: for columns whose reference has two
    values at most. `range`, `use` and `cost` (times that of `total_variation`) are for people; `aliases` are its names
    elsewhere, by tool.
    """

    name: str
    title: str
    kinds: frozenset[str]
    bins: View
    threshold: float | None
    compute: Callable[..., Computed]
    critical: Callable[..., float] | None
    default: bool
    binary: bool
    range: str
    use: str
    cost: float
    aliases: Mapping[str, str]

    def score(self, reference: Side, current: Side, *, positions: Floats | None = None, **options: float) -> Score:
        """The score of one sample beside a reference; shape of both: (bins,). `options` are those of `compute`.

        positions: a value for every bin, where the method asks for them. Raises DriftlineError where rows do not fit.
        """
        a, b = Sample.pair(reference, current, positions)
        nothing = Computed(EMPTY, EMPTY if self.critical else None)
        found = self.rows(a, b, **options) if len(b.counts) else nothing
        pvalue = None if found.pvalue is None else float(found.pvalue)
        return Score(float(found.statistic), pvalue, int(a.n), int(b.n))

    def rows(self, a: Sample, b: Compared, **options: float) -> Computed:
        """The statistics of samples in rows beside theirs, undefined where one is empty."""
        with np.errstate(over="ignore"):  # beyond the largest float is infinitely far away
            statistic, pvalue = self.compute(a, b, **options)
        filled = b.size > 0
        if filled.all():
            return Computed(statistic, pvalue)
        empty = None if pvalue is None else np.where(filled, pvalue, np.nan)
        return Computed(np.where(filled, statistic, np.nan), empty)


def method(name: str) -> Method:
    """The method of that name or alias. Raises DriftlineError that lists the known ones."""
    found = METHODS.get(name) or METHODS.get(ALIASES.get(name, ""))
    if found is None:
        raise DriftlineError(f"unknown method {name!r}; known are {', '.join(METHODS)}")
    return found


def _load(name: str) -> Method:
    module = import_module(f"monitor.drift.methods.{name}")
    return Method(
        name=name,
        title=module.TITLE,
        kinds=module.KINDS,
        bins=module.BINS,
        threshold=module.THRESHOLD,
        compute=module.compute,
        critical=getattr(module, "critical", None),
        default=getattr(module, "DEFAULT", False),
        binary=getattr(module, "BINARY", False),
        range=module.RANGE,
        use=module.USE,
        cost=module.COST,
        aliases=getattr(module, "ALIASES", {}),
    )


METHODS: dict[str, Method] = {name: _load(name) for name in sorted(m.name for m in pkgutil.iter_modules(__path__))}
ALIASES: dict[str, str] = {alias: m.name for m in METHODS.values() for alias in m.aliases.values() if alias != m.name}
