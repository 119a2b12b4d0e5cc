"""Derived columns: a number or name for every event, made of its time and other values, then counted like any column.

One file per function. It reads one `value` of the event as it was logged, or its other `columns`, or its `time`, and
has `prepare`, which makes a function of what was fitted on the reference. An event's result depends on that event
alone, and has the same bits in any batch and on any processor: arithmetic on whole arrays, in a fixed order. nan is
missing and infinity invalid, as in numeric columns.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from monitor.errors import DriftlineError


@dataclass(frozen=True, slots=True)
class Derived:
    """How a column is made: the function, the names of the columns it reads, and what was fitted on the reference."""

    function: str
    inputs: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function and what its caller must know.

    takes: "text" or "numbers" (a list), one logged value, which may be of any JSON type; "columns", standardized ones;
    "time", event times.
    names: those of the categories whose places it gives; None where it gives numbers.
    """

    name: str
    title: str
    takes: Literal["text", "numbers", "columns", "time"]
    names: tuple[str, ...] | None
    prepare: Callable[..., Callable[..., Any]]

    @property
    def takes_value(self) -> bool:
        """Whether it reads a value as it was logged."""
        return self.takes in {"text", "numbers"}


def function(name: object) -> Function:
    """The function of that name. Raises DriftlineError that lists the known ones."""
    if not isinstance(name, str) or name not in FUNCTIONS:
        raise DriftlineError(f"unknown function {name!r} of a derived column; known are {', '.join(FUNCTIONS)}")
    return FUNCTIONS[name]


def _load(name: str) -> Function:
    module = import_module(f"monitor.drift.derived.{name}")
    return Function(name, module.TITLE, module.TAKES, getattr(module, "NAMES", None), module.prepare)


FUNCTIONS: dict[str, Function] = {
    name: _load(name) for name in sorted(m.name for m in pkgutil.iter_modules(__path__)) if name != "standard"
}
