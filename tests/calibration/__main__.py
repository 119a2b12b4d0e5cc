"""Simulates, and writes what came of it to docs/calibration.md: pages of clean models, and what is found and when.

python -m tests.calibration [--models 14] [--out docs/calibration.md]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from tests.calibration.report import Found, Pages, document
from tests.calibration.scenarios import SEARCHES, Search, clean
from tests.calibration.trials import Model
from tests.calibration.worlds import Change, World

SEED = 20_260_101
LADDER = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0)
SURELY = 0.9
HOURS = 48  # after the reference, in which changes are tried


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=14)
    parser.add_argument("--out", type=Path, default=Path("docs/calibration.md"))
    options = parser.parse_args()
    pages = {title: [_pages(world, options.models) for world in worlds] for title, worlds in clean().items()}
    found = [_found(search, drifting, options.models) for search in SEARCHES for drifting in (1, 7)]
    options.out.write_text(document(pages, found, seed=SEED), encoding="utf-8")
    return 0


def _pages(world: World, models: int) -> Pages:
    """A clean month of several models, each with its own reference."""
    began = time.monotonic()
    if world.segments > 1 or world.columns > 50 or world.categories > 1_000:
        models = max(models // 2, 2)
    counted, drifting = zip(
        *(Model(world, np.random.default_rng([SEED, i])).clean_month() for i in range(models)), strict=True
    )
    smallest = _smallest(world, 2)
    _say(f"{world.name}: {counted} {drifting} smallest {smallest} in {time.monotonic() - began:.0f} s")
    return Pages(world, counted, drifting, smallest)


def _smallest(world: World, models: int) -> float | None:
    """The smallest shift of a numeric column that a single window shows with probability 0.9."""
    made = [Model(world, np.random.default_rng([SEED, 1, i]), hours=HOURS) for i in range(models)]
    for shift in LADDER:
        tried = [model.finds(hour, {0: Change(shift=shift)}) for model in made for hour in range(0, HOURS, 4)]
        if np.mean(tried) >= SURELY:
            return shift
    return None


def _found(search: Search, drifting: int, models: int) -> Found:
    """When the changed columns were found, in trials that begin at different hours."""
    delays, warned = [], []
    changes = dict.fromkeys(range(search.first, search.first + drifting), search.change)
    for i in range(models):
        model = Model(search.world, np.random.default_rng([SEED, 2, i]), hours=HOURS)
        for hour in range(0, HOURS - search.windows + 1, max(search.windows, 6)):
            columns = model.delays(hour, changes, most=search.windows)
            delays.append([delay or 0 for delay in columns])
            warned.append(any(columns))
    _say(f"{search.name}, {drifting}: {np.mean(warned):.3f}")
    return Found(search, drifting, np.array(delays))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
