"""Runs the fault matrix on real brokers and writes docs/faults.md: `python -m tests.faults --help`."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from tests.faults import by_tests, logs, network, one_broker, report, soak, storage
from tests.faults.cluster import Cluster
from tests.faults.matrix import ROWS, Outcome, Row, run
from tests.services.jars import fetch_jars
from tests.services.kafka import Broker

FASTER = {"group.min.session.timeout.ms": "1000"}
TRIES = 3  # with other seeds, until a fault has bitten
__all__ = ["logs", "network", "one_broker", "soak", "storage"]  # they fill ROWS


class Brokers:
    """Starts the brokers that rows ask for; the one that most of them share is started once."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._folder, self._running = folder, running
        self._shared: Broker | None = None

    @contextmanager
    def get(self, kind: str) -> Iterator[Broker]:
        """The broker or brokers of this kind."""
        if kind == "one":
            if self._shared is None:
                self._shared = self._start()
                self._running.callback(self._shared.stop)
            yield self._shared
            return
        with ExitStack() as running:
            folder = self._new()
            if kind == "small disk":
                running.enter_context(storage.small_disk(folder))
            broker = Cluster.launch(folder, fetch_jars()) if kind == "three" else self._start(folder)
            running.callback(broker.stop)
            yield broker

    def _start(self, folder: Path | None = None) -> Broker:
        return Broker.start(folder or self._new(), fetch_jars(), properties=FASTER)

    def _new(self) -> Path:
        return Path(mkdtemp(prefix="kafka-", dir=self._folder))


def attempt(row: Row, seed: int, folder: Path, brokers: Brokers) -> Outcome:
    """Trials of a row with one seed after the other until its fault has bitten."""
    for number in range(TRIES):
        with brokers.get(row.brokers) as broker:
            outcome = run(row, broker, folder / row.name / f"seed-{seed + number}", seed + number)
        if outcome.verdict != "void":
            break
    return outcome


def main() -> int:
    """Run the rows asked for; 0 where all are exact."""
    names = sorted([*ROWS, *by_tests.BY_TESTS], key=lambda name: int(name[1:]))
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(names)}; all without any")
    parser.add_argument("--seed", type=int, default=None, help="makes a run repeatable")
    parser.add_argument("--folder", type=Path, default=Path("build/faults"), help="for data that is worth a look")
    parser.add_argument("--write", action="store_true", help="write the outcomes into docs/faults.md")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}", file=sys.stderr)
    outcomes, folder = [], options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        brokers = Brokers(folder, running)
        for name in options.rows or names:
            print(name, file=sys.stderr)
            by_trial = name in ROWS
            outcomes.append(attempt(ROWS[name], seed, folder, brokers) if by_trial else by_tests.run(name))
            print(json.dumps(report.entry(outcomes[-1])), flush=True)
            if options.write:
                report.write(outcomes[-1])
    return 0 if all(outcome.verdict in {"exact", "not run"} for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
