"""The rows of the fault matrix, how one is run, and what is said of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.trial import Missed, Trial
from tests.services.kafka import Broker

Apply = Callable[..., None]  # a trial, and for some how often


class Unavailable(Exception):
    """The fault cannot be had on this machine, and why."""


@dataclass(frozen=True)
class Row:
    """A fault: what it does to a trial, on which brokers, and with which options of the trial."""

    name: str
    title: str
    apply: Apply
    brokers: str  # "one" for all such rows, "own" for each, "three"
    options: dict[str, Any]


@dataclass
class Outcome:
    """What one trial of a row found; times in seconds."""

    row: str
    title: str
    seed: int
    events: int = 0
    bites: dict[str, float] = field(default_factory=dict)
    reprocessed: int = 0
    more: int = 0
    less: int = 0
    defects: list[str] = field(default_factory=list)
    recovery: float | None = None
    seconds: float = 0.0
    absent: str = ""

    @property
    def verdict(self) -> str:
        """`exact`, `wrong`, `void` where the fault did not bite, `not run` where it cannot be had."""
        if self.absent:
            return "not run"
        if self.more or self.less or self.defects:
            return "wrong"
        return "exact" if self.bites and all(self.bites.values()) else "void"


ROWS: dict[str, Row] = {}


def row(name: str, title: str, *, brokers: str = "one", **options: Any) -> Callable[[Apply], Apply]:
    """Put a function into the matrix."""

    def enter(apply: Apply) -> Apply:
        ROWS[name] = Row(name, title, apply, brokers, options)
        return apply

    return enter


def run(row: Row, broker: Broker, folder: Path, seed: int, **options: Any) -> Outcome:
    """One trial of a row. Its folder is kept unless all is well; what goes wrong is in the outcome."""
    began, outcome = time.monotonic(), Outcome(row.name, row.title, seed)
    trial = Trial(broker, folder, seed, **(row.options | options))
    try:
        row.apply(trial)
        found = trial.finish()
        if "counted again" in trial.bites:
            trial.bites["counted again"] = found.reprocessed
        outcome.events, outcome.bites = sum(trial.load.ledger.values()), trial.bites
        outcome.more, outcome.less, outcome.reprocessed = found.more, found.less, found.reprocessed
        if not found.exact:
            outcome.defects = found.details[:20] or [str(asdict(found))]
        outcome.recovery = trial.recovery()
    except Unavailable as error:
        outcome.absent = str(error)
    except Missed as error:
        trial.note(str(error))  # the fault did not bite
    except Exception as error:
        outcome.defects.append(f"{type(error).__name__}: {error}")
    finally:
        trial.end()
        outcome.seconds = time.monotonic() - began
        (folder / "faults.log").write_text("\n".join([f"seed {seed}", *trial.notes, *outcome.defects]) + "\n")
    if outcome.verdict == "exact":
        shutil.rmtree(folder)
    return outcome
