"""Runs the fault matrix on real brokers and writes docs/faults.md: `python -m tests.faults --help`."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.faults import logs, one_broker
from tests.faults.matrix import ROWS, Outcome, Row, run
from tests.services.jars import fetch_jars
from tests.services.kafka import Broker

FASTER = {"group.min.session.timeout.ms": "1000"}
TRIES = 3  # with other seeds, until a fault has bitten
__all__ = ["logs", "one_broker"]  # they fill ROWS


@contextmanager
def brokers(kind: str, folder: Path) -> Iterator[Broker]:
    """The brokers that a row asks for."""
    broker = Broker.start(folder / "kafka", fetch_jars(), properties=FASTER)
    try:
        yield broker
    finally:
        broker.stop()


def attempt(row: Row, seed: int, folder: Path) -> Outcome:
    """Trials of a row with one seed after the other until its fault has bitten."""
    for number in range(TRIES):
        with brokers(row.brokers, folder / row.name) as broker:
            outcome = run(row, broker, folder / row.name / f"seed-{seed + number}", seed + number)
        if outcome.verdict != "void":
            break
    return outcome


def main() -> int:
    """Run the rows asked for; 0 where all are exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; all without any")
    parser.add_argument("--seed", type=int, default=None, help="makes a run repeatable")
    parser.add_argument("--folder", type=Path, default=Path("build/faults"), help="for data that is worth a look")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}", file=sys.stderr)
    outcomes = []
    for name in options.rows or ROWS:
        print(f"{name}  {ROWS[name].title}", file=sys.stderr)
        outcomes.append(attempt(ROWS[name], seed, options.folder.resolve()))
        print(json.dumps(asdict(outcomes[-1]) | {"verdict": outcomes[-1].verdict}))
    return 0 if all(outcome.verdict == "exact" for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
