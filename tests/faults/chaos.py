"""Many short trials of stalls and changes of ownership: `python -m tests.faults.chaos --runs 100`.

With `--mutation no-assignments` the workers run a build that keeps a block through rebalances and takes what is missing
for a gap, to show that the trials can fail.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

from tests.faults.oracle import Findings
from tests.faults.trial import Trial
from tests.mutations import mutated
from tests.services.deployment import Worker
from tests.services.jars import fetch_jars
from tests.services.kafka import Broker
from tests.services.waiting import wait_for

FASTER = {"group.min.session.timeout.ms": "1000"}
QUICK = {"session_timeout": "2s", "flush": "100ms"}
EVENTS, RATE = 60_000, 6_000


def chaos(trial: Trial, root: Path | None) -> None:
    """Stalls past the session timeout, members that come and members that go, at moments that the seed draws."""
    workers = trial.start(2, root=root)
    for share in sorted(trial.rng.uniform(0.1, 0.7) for _ in range(6)):
        if trial.load.confirmed < share * trial.events:
            trial.reach(share)
        match trial.rng.choice(("stall", "stall", "join", "leave", "kill")):
            case "stall":
                _stall(trial, trial.rng.choice(workers))
            case "join" if len(workers) < 3:
                workers.append(trial.worker(root=root))
            case "leave" if len(workers) > 1:
                trial.stop(workers.pop(0))
            case "kill":
                trial.kill(workers.pop(trial.rng.randrange(len(workers))))
                workers.append(trial.worker(root=root))


def _stall(trial: Trial, worker: Worker) -> None:
    """Until others have taken over, which they do after the session timeout; or for a while, where there are none."""
    before, until = trial.rebalances(), trial.load.confirmed + trial.events // 5
    trial.note(f"worker {worker.process.pid} is paused")
    worker.process.pause()

    def over() -> bool:
        return trial.rebalances() > before or trial.load.confirmed >= until or not trial.load.running

    wait_for(over, 60, "the end of a stall")
    trial.note(f"worker {worker.process.pid} is continued")
    worker.process.resume()


def one(broker: Broker, folder: Path, seed: int, root: Path | None) -> tuple[Findings, int, int]:
    """One trial: what was found, rebalances, and losses that the range check saw."""
    trial = Trial(broker, folder, seed, events=EVENTS, rate=RATE, kafka=QUICK)
    try:
        chaos(trial, root)
        found = trial.finish(60)
        return found, trial.rebalances(), trial.said("read again from")
    finally:
        trial.end()
        (folder / "faults.log").write_text("\n".join([f"seed {seed}", *trial.notes]) + "\n")


def main() -> int:
    """Run the trials and print what they found; 0 where all are exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--mutation", help="run a build that is broken in this way")
    parser.add_argument("--folder", type=Path, default=Path("build/chaos"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f"seed-{options.seed}-", dir=options.folder.resolve()))
    root = mutated(options.mutation, folder / "broken") if options.mutation else None
    total: Counter[str] = Counter()
    broker = Broker.start(folder / "kafka", fetch_jars(), properties=FASTER)
    try:
        for seed in range(options.seed, options.seed + options.runs):
            try:
                found, rebalances, losses = one(broker, folder / str(seed), seed, root)
            except (AssertionError, TimeoutError) as error:
                total["broken off"] += 1
                print(f"{seed}: {error}", file=sys.stderr)
                continue
            total += Counter(runs=1, rebalances=rebalances, repeats=found.repeats, losses=losses, short=found.short)
            total += Counter(conflicts=found.conflicts, more=found.more, less=found.less, inexact=not found.exact)
            print(json.dumps({"seed": seed, "exact": found.exact, **total}), flush=True)
            if found.exact:
                shutil.rmtree(folder / str(seed))
    finally:
        broker.stop()
    return 1 if total["inexact"] or total["broken off"] else 0


if __name__ == "__main__":
    sys.exit(main())
