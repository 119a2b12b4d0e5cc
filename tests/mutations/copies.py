"""Copies of this tree in a temporary folder, whole or broken by a mutation."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation

ROOT = Path(__file__).parents[2]
PARTS = ("monitor", "tests", "pyproject.toml")  # what tests of the code need; pages and boards are not mutated
IGNORED = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")


class MisfitError(Exception):
    """A mutation whose text the code does not have exactly once: the code has changed, and the mutation must follow."""


def mutated(name: str, folder: Path) -> Path:
    """The root of a copy below `folder` that has the named mutation; run `python -m monitor.cli` with it as the cwd.

    Raises KeyError for an unknown name and MisfitError where the mutation does not fit the code.
    """
    root = copied(folder / name)
    apply(MUTATIONS[name], root)
    return root


def copied(root: Path) -> Path:
    """A copy of this tree at `root`, which must not exist yet."""
    root.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=IGNORED)
        else:
            shutil.copy2(source, root / part)
    return root


def apply(mutation: Mutation, root: Path) -> None:
    """Make the mutation's edits in the copy at `root`."""
    for edit in mutation.edits:
        path = root / edit.file
        text = path.read_text(encoding="utf-8")
        if (found := text.count(edit.old)) != 1:
            raise MisfitError(f"{mutation.name}: expected once in {edit.file}, found {found} times:\n{edit.old}")
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
