"""The mutations fit the code that is there; `make mutations` runs the tests that must catch them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations import MUTATIONS, mutated
from tests.mutations.copies import ROOT

DEMANDED = {
    "commit-before-report",
    "no-dedupe",
    "wall-clock",
    "smaller-end-wins",
    "watermark-by-maximum",
    "marker-first",
    "revoke-without-clearing",
    "no-range-check",
}


def test_the_mutations_that_exactness_rests_on_are_there() -> None:
    assert set(MUTATIONS) >= DEMANDED
    assert len(MUTATIONS) >= len(DEMANDED) + 10


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_changes_its_files_and_no_other_and_names_tests_that_are_there(name: str, tmp_path: Path) -> None:
    root, mutation = mutated(name, tmp_path), MUTATIONS[name]
    theirs = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    changed = {file for file, path in theirs.items() if path.read_bytes() != (ROOT / file).read_bytes()}
    assert changed == {edit.file for edit in mutation.edits}
    for file in changed:
        compile(theirs[file].read_text(), file, "exec")
    assert [test for test in mutation.tests if test.partition("::")[0] not in theirs] == []
