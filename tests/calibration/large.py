"""The pages of many large models, 100 columns and 10 segments each, and the CPU that they take: hours of work.

python -m tests.calibration.large [--models 100] [--jobs 2] [--out docs/calibration-large.md]

Each model's outcome is written down below build/ when it is known: stopped and called again, it goes on where it was.
What other code came to is in another file, so that no page mixes the two.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from monitor.worker import GARBAGE
from tests.calibration.__main__ import SEED
from tests.calibration.report import Pages
from tests.calibration.scenarios import LARGE
from tests.calibration.trials import Model
from tests.calibration.worlds import MONTH

TEXT = """\
# Large models in simulation

Written by `python -m tests.calibration.large` (seed {seed}), as [calibration](calibration.md) is, of {models} models.
Each has 100 columns, 70 of them numeric, and 10 segments, each with 1,000 events in an hour and a week of reference;
the means of every column and segment wander by 0.05 deviations, independently, with memory 0.8. Then comes a clean
month of hours, in each of which {decided:,} columns and segments are decided. The budget is one page. CPU includes that
of drawing the counts, about a tenth.

| | |
| --- | --- |
| pages of a model | {pages:.2f} on average (95 % interval {low:.2f} to {high:.2f}) |
| models with 0, 1, 2 and more pages | {shares} |
| windows in drift | {drifting:.2%} |
| target, 1.2 pages and 5 % of models over 2 × | {outcome} |
| CPU of a window of all columns and segments | {window:.0f} ms (median), {column:.0f} µs a column |
| CPU of all models' windows | {hours:.1f} hours for {models} months |
"""


class Outcome(NamedTuple):
    """Of one model: pages, windows in drift, and seconds of CPU that its windows took to judge."""

    pages: int
    drifting: int
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/calibration-large.md"))
    options = parser.parse_args()
    path = Path("build") / f"large-{_code()}.jsonl"
    path.parent.mkdir(exist_ok=True)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {i: Outcome(*rest) for i, *rest in map(json.loads, lines)}
    with ProcessPoolExecutor(options.jobs) as pool, path.open("a", encoding="utf-8") as kept:
        for i, outcome in pool.map(_month, [i for i in range(options.models) if i not in found]):
            found[i] = outcome
            print(json.dumps([i, *outcome]), file=kept, flush=True)
            print(f"model {i}: {outcome}", file=sys.stderr, flush=True)
    options.out.write_text(document([found[i] for i in range(options.models)]), encoding="utf-8")
    return 0


def _code() -> str:
    """What tells the code that judges, and simulates, from any other."""
    sources = [
        path.read_bytes() for folder in ("monitor", "tests/calibration") for path in sorted(Path(folder).rglob("*.py"))
    ]
    return hashlib.sha256(b"".join(sources)).hexdigest()[:12]


def document(found: list[Outcome]) -> str:
    """The text on these models."""
    pages = Pages.of(LARGE, [(one.pages, one.drifting) for one in found], None)
    counted, (low, high) = np.array(pages.counted), pages.interval
    shares = ", ".join(f"{np.count_nonzero(counted == n)}" for n in (0, 1, 2))
    decided, seconds = LARGE.columns * (1 + LARGE.segments), np.array([one.seconds for one in found])
    window = float(np.median(seconds)) / MONTH
    return TEXT.format(
        seed=SEED,
        models=len(found),
        decided=decided,
        pages=counted.mean(),
        low=low,
        high=high,
        shares=f"{shares} and {np.count_nonzero(counted > 2)}",
        drifting=np.mean(pages.drifting) / MONTH,
        outcome=pages.outcome,
        window=window * 1e3,
        column=window / decided * 1e6,
        hours=seconds.sum() / 3_600,
    )


def _month(i: int) -> tuple[int, Outcome]:
    """The i-th model, with the collector of garbage set as a worker sets it."""
    model = Model(LARGE, np.random.default_rng([SEED, i]))
    gc.freeze()
    gc.set_threshold(GARBAGE)
    try:
        began = time.process_time()
        return i, Outcome(*model.clean_month(), time.process_time() - began)
    finally:
        gc.unfreeze()


if __name__ == "__main__":
    sys.exit(main())
