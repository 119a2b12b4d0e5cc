"""What every benchmark shares: CPU time, rounds that take turns, rows with a target, a table and a JSON file.

A row is a number per round, most often the ratio of two CPU times that were measured in that round: the machine's
speed wanders by 20 to 50 %, and a ratio of neighbours does not. The median decides whether the target holds.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from tests.services import jars

BEGIN, END = "<!-- bench: begin -->\n", "<!-- bench: end -->"
PACKAGES = ("driftline", "faust-streaming", "aiokafka", "msgspec", "numpy", "scipy", "pandas")


@dataclass(frozen=True)
class Row:
    """One promise: `values` are the rounds'; `details` say where they come from, by name (a unit belongs into it)."""

    title: str
    unit: str
    target: float
    kind: Literal["at most", "at least"]
    values: Sequence[float]
    details: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def best(self) -> float:
        return min(self.values) if self.kind == "at most" else max(self.values)

    @property
    def holds(self) -> bool:
        return self.median <= self.target if self.kind == "at most" else self.median >= self.target


def ratios(mine: Sequence[float], other: Sequence[float]) -> list[float]:
    """Round by round, how many times `other` is `mine`."""
    return [a / b for a, b in zip(mine, other, strict=True)]


def cpu_of(work: Callable[[], object]) -> float:
    """Seconds of CPU that this process spends on `work`."""
    start = time.process_time()
    work()
    return time.process_time() - start


def cpu_of_process(pid: int) -> float:
    """Seconds of CPU that all threads of a process have used, in user and system mode; to a clock tick (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of_process(pid: int, name: Literal["VmRSS", "VmHWM"]) -> float:
    """Resident memory of a process in MB, now (VmRSS) or at its highest (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(name)) * 1024 / 1e6


def show(rows: Sequence[Row], console: Console) -> None:
    """The table for people."""
    table = Table(title="What Driftline costs", title_justify="left")
    table.add_column("")
    for name in ("minimum", "median", "target"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("holds")
    for row in rows:
        sign = "≤" if row.kind == "at most" else "≥"
        numbers = [f"{number:.3g} {row.unit}" for number in (min(row.values), row.median)]
        holds = "[green]yes[/]" if row.holds else "[red]no[/]"
        table.add_row(row.title, *numbers, f"{sign} {row.target:g} {row.unit}", holds)
        for name, values in row.details.items():
            table.add_row(f"  [dim]{name}[/]", f"[dim]{min(values):.3g}[/]", f"[dim]{statistics.median(values):.3g}[/]")
    console.print(table)


def markdown(rows: Sequence[Row]) -> str:
    """The table for the README: a line per promise."""
    lines = ["| what | minimum | median | target | |", "|---|---|---|---|---|"]
    for row in rows:
        sign = "≤" if row.kind == "at most" else "≥"
        cells = [row.title, *(f"{number:.3g} {row.unit}" for number in (min(row.values), row.median))]
        cells += [f"{sign} {row.target:g} {row.unit}", "holds" if row.holds else "**missed**"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write_readme(path: Path, rows: Sequence[Row]) -> None:
    """Put the table between its marks."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}{markdown(rows)}{END}{after}")


def document(rows: Sequence[Row], *, rounds: int) -> dict[str, Any]:
    """The same as JSON, with when and with what it was measured."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kafka": jars.VERSION,
        "packages": {name: version(name) for name in PACKAGES},
        "rounds": rounds,
        "rows": [_row(row) for row in rows],
    }


def write(path: Path, rows: Sequence[Row], *, rounds: int) -> None:
    path.write_text(json.dumps(document(rows, rounds=rounds), indent=2, ensure_ascii=False) + "\n")


def read(path: Path) -> list[Row]:
    """The rows that `write` wrote, their figures rounded."""
    found = []
    for row in json.loads(path.read_text())["rows"]:
        ((kind, target),) = row["target"].items()
        found.append(Row(row["title"], row["unit"], target, kind, row["values"]))
    return found


def _row(row: Row) -> dict[str, Any]:
    return {
        "title": row.title,
        "unit": row.unit,
        "target": {row.kind: row.target},
        "holds": row.holds,
        **_summary(row.values),
        "details": {name: _summary(values) for name, values in row.details.items()},
    }


def _summary(values: Sequence[float]) -> dict[str, Any]:
    numbers = {"minimum": min(values), "median": statistics.median(values)}
    return {name: float(f"{number:.4g}") for name, number in numbers.items()} | {
        "values": [float(f"{value:.4g}") for value in values]
    }
