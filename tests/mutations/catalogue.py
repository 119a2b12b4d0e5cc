"""The mutations: what is broken, how, and which tests must notice."""

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


_ALL = [
    Mutation(
        "no-range-check",
        "after a lost batch a worker counts on, as if the loss were a gap in the offsets",
        (
            Edit(
                "monitor/transport_ranges.py",
                """\
        if batch.start != expected.position or not (expected.announced or batch.start == batch.stop):
            return Check(Verdict.JUMP, expected.position, batch.start)
""",
                "",
            ),
        ),
        ("tests/test_transport.py",),
    ),
]

MUTATIONS = {mutation.name: mutation for mutation in _ALL}
