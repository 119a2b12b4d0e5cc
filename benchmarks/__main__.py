"""Measures the product against its targets, side by side in one run: `make bench`.

python -m benchmarks --only decode --only restart   # without a broker, in a minute
python -m benchmarks --readme                       # all of it, and the table goes into the README
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import chain, decode, exactness, latency, memory, methods, restart, scores
from benchmarks.harness import Row, read, show, write, write_readme
from benchmarks.services import started_broker

Say = Callable[[str], None]
ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
ALONE = {"decode": decode.measure, "scores": scores.measure, "methods": methods.measure, "restart": restart.measure}
WITH_BROKER = {
    "worker": chain.measure,
    "exactness": exactness.measure,
    "latency": latency.measure,
    "memory": memory.measure,
}


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement; 5 is the least for a claim")
    parser.add_argument("--only", action="append", choices=[*ALONE, *WITH_BROKER], help="leave out all others")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the figures go")
    parser.add_argument("--readme", action="store_true", help="write the table into the README too")
    asked = parser.parse_args()
    if asked.rounds < 1:
        parser.error(f"--rounds: expected at least 1, got {asked.rounds}")
    if asked.readme and asked.only:
        parser.error("--readme needs all measurements: leave --only out")
    say = Console(stderr=True, highlight=False).print
    rows = measure(asked.only or [*ALONE, *WITH_BROKER], rounds=asked.rounds, say=say)
    show(rows, Console(width=120))
    write(asked.json, rows, rounds=asked.rounds)
    if asked.readme:
        write_readme(ROOT / "README.md", read(asked.json))  # rounded as there, or the last digit may differ


def measure(names: Sequence[str], *, rounds: int, say: Say) -> list[Row]:
    """The rows of the named measurements."""
    rows = [row for name in ALONE if name in names for row in ALONE[name](rounds=rounds, say=say)]
    wanted = [name for name in WITH_BROKER if name in names]
    if wanted:
        with started_broker() as broker:
            for name in wanted:
                rows += WITH_BROKER[name](broker, rounds=rounds, say=say)
    return rows


if __name__ == "__main__":
    main()
