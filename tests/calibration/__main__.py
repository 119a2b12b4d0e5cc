"""Simulates, and writes what came of it to docs/calibration.md: pages of clean models, and what is found and when.

python -m tests.calibration [--models 14] [--out docs/calibration.md]
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np

from tests.calibration.report import Found, Pages, document
from tests.calibration.scenarios import SEARCHES, Search, clean
from tests.calibration.trials import Model
from tests.calibration.worlds import Change, World

SEED = 20_260_101
LADDER = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0)
SURELY = 0.9
FIRST = 6  # hours after the reference, so that there are windows before the changed ones
HOURS = FIRST + 48  # in which changes are tried
MORE = 4  # times as many models, where the first ones leave open whether the target is kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=14)
    parser.add_argument("--out", type=Path, default=Path("docs/calibration.md"))
    options = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        pages = {title: [_pages(pool, world, options.models) for world in worlds] for title, worlds in clean().items()}
        found = [_found(pool, search, drifting, options.models) for search in SEARCHES for drifting in (1, 7)]
    options.out.write_text(document(pages, found, seed=SEED), encoding="utf-8")
    return 0


def _pages(pool: Executor, world: World, models: int) -> Pages:
    """A clean month of several models, each with its own reference."""
    began = time.monotonic()
    if world.segments > 1 or world.columns > 50 or world.categories > 1_000:
        models = max(models // 2, 2)
    smallest = pool.submit(_smallest, world, 2)
    counted = list(pool.map(_month, [world] * models, range(models)))
    if Pages.of(world, counted, None).outcome == "above":
        more = range(models, MORE * models)
        counted += pool.map(_month, [world] * len(more), more)
    found = Pages.of(world, counted, smallest.result())
    _say(f"{world.name}: {found.counted} smallest {found.smallest} in {time.monotonic() - began:.0f} s")
    return found


def _month(world: World, i: int) -> tuple[int, int]:
    """Pages and windows in drift of the i-th model."""
    return Model(world, np.random.default_rng([SEED, i])).clean_month()


def _smallest(world: World, models: int) -> float | None:
    """The smallest shift of a numeric column that a single window shows with probability 0.9."""
    made = [Model(world, np.random.default_rng([SEED, 1, i]), hours=HOURS) for i in range(models)]
    for shift in LADDER:
        tried = [model.finds(hour, {0: Change(shift=shift)}) for model in made for hour in range(FIRST, HOURS, 4)]
        if np.mean(tried) >= SURELY:
            return shift
    return None


def _found(pool: Executor, search: Search, drifting: int, models: int) -> Found:
    """When the changed columns were found, in trials that begin at different hours."""
    made = pool.map(_delays, [search] * models, [drifting] * models, range(models))
    delays = np.array([trial for trials in made for trial in trials])
    _say(f"{search.name}, {drifting}: {np.mean(delays > 0):.3f}, any {np.mean((delays > 0).any(axis=1)):.3f}")
    return Found(search, drifting, delays)


def _delays(search: Search, drifting: int, i: int) -> list[list[int]]:
    """Of every trial with the i-th model the delay of each changed column; 0 where it was not found."""
    changes = dict.fromkeys(range(search.first, search.first + drifting), search.change)
    model = Model(search.world, np.random.default_rng([SEED, 2, i]), hours=HOURS)
    starts = range(FIRST, HOURS - search.windows + 1, max(search.windows, 6))
    return [[delay or 0 for delay in model.delays(hour, changes, most=search.windows)] for hour in starts]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
