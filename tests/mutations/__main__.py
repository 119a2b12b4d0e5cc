"""Breaks the code in one way after the other and says which test noticed: `make mutations`.

python -m tests.mutations --only no-dedupe --only marker-first    # some of them
python -m tests.mutations --list                                  # what there is
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.copies import MisfitError, copied, mutated
from tests.mutations.mutation import Mutation

PATIENCE = 600  # seconds for the tests of one mutation
FAILED = re.compile(r"^FAILED (\S+)", re.MULTILINE)


class Run:
    """The tests in a copy of the tree: the first that failed, if any, and what was printed."""

    def __init__(self, root: Path, tests: Sequence[str]) -> None:
        options = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=short"]
        env = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", *options, *tests]
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.code, self.said = done.returncode, done.stdout + done.stderr
        found = FAILED.search(done.stdout)
        self.failed = found[1] if found and done.returncode == 1 else None


def main() -> int:
    """0 where every mutation was caught, 1 where one survived, 2 where the script itself cannot go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=MUTATIONS, metavar="NAME", help="leave out all others")
    parser.add_argument("--list", action="store_true", help="say what there is, and end")
    asked = parser.parse_args()
    chosen = [MUTATIONS[name] for name in asked.only or MUTATIONS]
    console = Console(highlight=False, soft_wrap=True)
    if asked.list:
        for mutation in chosen:
            console.print(f"{mutation.name:24} {mutation.harm}")
        return 0
    with tempfile.TemporaryDirectory(prefix="driftline-mutations-") as folder:
        try:
            check_whole(chosen, Path(folder))
            survived = [mutation.name for mutation in chosen if not caught(mutation, Path(folder), console)]
        except (MisfitError, RuntimeError, subprocess.TimeoutExpired) as error:
            console.print(str(error), markup=False)
            return 2
    console.print(f"{len(chosen) - len(survived)} of {len(chosen)} caught; survived: {', '.join(survived) or 'none'}")
    return 1 if survived else 0


def check_whole(chosen: Sequence[Mutation], folder: Path) -> None:
    """Raise RuntimeError unless the tests pass in a copy that is not broken: else their failing would prove nothing."""
    tests = sorted({test for mutation in chosen for test in mutation.tests})
    run = Run(copied(folder / "whole"), tests)
    if run.code:
        raise RuntimeError(f"the tests fail without any mutation:\n{run.said}")


def caught(mutation: Mutation, folder: Path, console: Console) -> bool:
    """Whether a test fails in the broken build; a build in which tests do not even run proves nothing."""
    began = time.monotonic()
    run = Run(mutated(mutation.name, folder), mutation.tests)
    if run.code and run.failed is None:
        raise RuntimeError(f"{mutation.name}: the broken build cannot be tested:\n{run.said}")
    fate = f"[green]caught[/]    {run.failed}" if run.failed else "[red]survived[/]  "
    console.print(f"{mutation.name:24} {fate}  ({time.monotonic() - began:.0f} s)")
    return run.failed is not None


if __name__ == "__main__":
    sys.exit(main())
