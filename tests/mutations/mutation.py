"""A mutation: what is broken, how, and which tests must notice."""

from __future__ import annotations

from typing import NamedTuple


class Edit(NamedTuple):
    """A replacement in one file, whose `old` text must be there exactly once."""

    file: str
    old: str
    new: str


class Mutation(NamedTuple):
    """`harm` is what goes wrong in the broken build; `tests` are files, or single tests, of which one must fail."""

    name: str
    harm: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


def one(name: str, harm: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mutation of a single edit."""
    return Mutation(name, harm, (Edit(file, old, new),), tests)
