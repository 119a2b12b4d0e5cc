"""One file per method: validation, formula, score. A new file is a new method, and its name is the file's.

Of every method 0 (or undefined) is equal and larger is more drift.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from monitor.drift.scores import Score
from monitor.errors import DriftlineError

View = Literal["fine", "coarse", "pooled"]


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A method and what its caller must know: the kinds of bins it fits, and the view of the counts it takes.

    `threshold` is the customary number for drift, None where there is none. `critical` gives the statistic that a
    clean window exceeds with a probability, None without a known null. `default`: computed where no methods are named.
    `binary`: for columns whose reference has two values at most. `range`, `use` and `cost` (times that of
    `total_variation`) are for people; `aliases` are its names elsewhere, by tool.
    """

    name: str
    title: str
    kinds: frozenset[str]
    bins: View
    threshold: float | None
    score: Callable[..., Score]
    critical: Callable[..., float] | None
    default: bool
    binary: bool
    range: str
    use: str
    cost: float
    aliases: Mapping[str, str]


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
        score=module.score,
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
