"""One file per method: validation, formula, score. A new file is a new method, and its name is the file's."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from monitor.drift.scores import Score
from monitor.errors import DriftlineError

View = Literal["fine", "coarse", "pooled"]


@dataclass(frozen=True, slots=True)
class Method:
    """A method and what its caller must know: the kinds of bins it fits, and the view of the counts it takes.

    `threshold` is the customary number for drift, None where there is none. `critical` gives the statistic that a
    clean window exceeds with a probability, None without a known null. `positions`: takes a value for every bin.
    """

    name: str
    title: str
    kinds: frozenset[str]
    bins: View
    threshold: float | None
    score: Callable[..., Score]
    critical: Callable[..., float] | None
    positions: bool


def method(name: str) -> Method:
    """The method of that name. Raises DriftlineError that lists the known ones."""
    if name not in METHODS:
        raise DriftlineError(f"unknown method {name!r}; known are {', '.join(METHODS)}")
    return METHODS[name]


def _load(name: str) -> Method:
    module = import_module(f"monitor.drift.methods.{name}")
    return Method(
        name,
        module.TITLE,
        module.KINDS,
        module.BINS,
        module.THRESHOLD,
        module.score,
        getattr(module, "critical", None),
        getattr(module, "POSITIONS", False),
    )


METHODS: dict[str, Method] = {name: _load(name) for name in sorted(m.name for m in pkgutil.iter_modules(__path__))}
