"""How far a statistic may go before a column has drifted.

A rule turns the sizes of the two samples into limits for a statistic. `Fixed` is a number that somebody chose;
`Significant` knows the sample size: the value that a clean window exceeds with a stated probability, plus an effect
below which even a significant shift stays quiet. What also knows how much the reference moves by itself, and how its
columns share a budget, is no rule of a single column: see `calibration` and `decisions`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from monitor.drift.methods import Method
from monitor.drift.sums import published, rounded
from monitor.errors import DriftlineError

# Of numbers, what a shift of the mean by an eighth of a standard deviation is in normal data: a KS distance of 0.05. Of
# categories Cohen's w, where 0.10 is small (Cohen 1988). In the units that each method's `critical` states.
FLOORS = {
    "anderson_darling": 0.086,
    "chi2": 0.10,
    "cramer_von_mises": 0.038,
    "fisher": 0.10,
    "g_test": 0.10,
    "ks": 0.05,
    "kuiper": 0.05,
    "mann_whitney": 0.035,
    "t_test": 0.125,
    "z_test": 0.10,
}
WARNINGS_PER_PAGE = 30  # a page a month allows a warning a day


@dataclass(frozen=True, slots=True)
class Fixed:
    """Drift above `drift`, a warning above `warning`, which is half of it unless given (PSI: 0.1 and 0.2)."""

    drift: float
    warning: float | None = None


@dataclass(frozen=True, slots=True)
class Significant:
    """Drift where a clean window lies with probability `pvalue` at most, and the debiased effect exceeds `floor`."""

    pvalue: float
    floor: float | None = None


Rule = Fixed | Significant


class Limits(NamedTuple):
    """Statistics above which a verdict is `warning` and `drift`; nan where the rule has none."""

    warning: float
    drift: float


UNDEFINED = Limits(math.nan, math.nan)


def default_rule(method: Method, *, pvalue: float) -> Rule | None:
    """The rule of a method for which none is configured: its null if known, else its customary number, else none."""
    if method.critical is not None:
        return Significant(pvalue)
    return Fixed(method.threshold) if method.threshold is not None else None


class Widths(NamedTuple):
    """How many cells each view of a column's counts has; 0 of one that no method asks for."""

    fine: int = 0
    coarse: int = 0
    pooled: int = 0


@dataclass(frozen=True, eq=False)
class Rules:
    """The rules of a column's methods, by name."""

    of: Mapping[str, tuple[Method, Rule | None]]

    @lru_cache(maxsize=1_000)  # noqa: B019  # keeps few of them: columns with the same rules share them, and most sizes
    def limits(self, name: str, *, n_reference: int, n_current: int, widths: Widths, columns: int) -> Limits:
        """Those of a method; see `limits`."""
        method, rule = self.of[name]
        cells = getattr(widths, method.bins)
        return limits(rule, method, n_reference=n_reference, n_current=n_current, cells=cells, columns=columns)

    @lru_cache(maxsize=1_000)  # noqa: B019  # as above
    def drift(self, *, n_reference: int, n_current: int, widths: Widths, columns: int) -> Mapping[str, float | None]:
        """By method the limit for drift; None where there is none."""
        sizes = {"n_reference": n_reference, "n_current": n_current, "columns": columns}
        return {name: published(self.limits(name, widths=widths, **sizes).drift) for name in self.of}


@lru_cache(maxsize=1_000)
def rules_of(methods: tuple[Method, ...], chosen: tuple[Rule | None, ...]) -> Rules:
    """The rules chosen for these methods; the same object for the same rules."""
    return Rules({method.name: (method, rule) for method, rule in zip(methods, chosen, strict=True)})


def limits(rule: Rule | None, method: Method, *, n_reference: int, n_current: int, cells: int, columns: int) -> Limits:
    """Limits of a statistic at these sample sizes; `columns` decisions of one window share the rule's p-value.

    Raises DriftlineError where a p-value is asked of a method whose null is not known.
    """
    if rule is None or not n_reference or not n_current:
        return UNDEFINED
    if isinstance(rule, Fixed):
        return Limits(rule.drift / 2 if rule.warning is None else rule.warning, rule.drift)
    if method.critical is None:
        raise DriftlineError(f"method {method.name!r} has no p-value; give it a number as threshold, or use ks or chi2")
    floor = FLOORS.get(method.name, 0.0) if rule.floor is None else rule.floor
    warning, drift = (
        method.critical(alpha / columns, n_reference=n_reference, n_current=n_current, cells=cells, floor=floor)
        for alpha in (min(0.5, rule.pvalue * WARNINGS_PER_PAGE), rule.pvalue)
    )
    return Limits(rounded(min(warning, drift)), rounded(drift))
