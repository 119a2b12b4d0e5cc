"""References to compare with beside the deciding one: named in the configuration, on the same bins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from monitor import check, settings
from monitor.drift import profiles
from monitor.drift.profiles import Profile
from tests.examples import MODEL, profile, profile_file
from tests.test_settings_mistakes import model


def written(folder: Path, name: str, made: Profile) -> Path:
    path = folder / name
    path.write_bytes(profiles.encode(made))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    profile_file(tmp_path, profile())
    doubled = tuple(replace(column, counts=column.counts * 2) for column in profile().columns)
    written(tmp_path, "week.json", replace(profile(), columns=doubled))
    written(tmp_path, "two.json", profile(version="2"))
    written(tmp_path, "other-bins.json", profile(features=2))
    written(tmp_path, "other-model.json", profile(model="fraud"))
    return tmp_path


def text(compare: object, **fields: str) -> str:
    return model(versions={"3": {"profile": "credit-3.json", "compare": compare} | fields})


def test_references_of_any_version_on_the_same_bins_are_taken_in_the_order_of_their_names(folder: Path) -> None:
    compare = "versions: {'3': {profile: credit-3.json, compare: {week: week.json, two: two.json}}}"
    made = settings.parse(MODEL.replace("versions: {'3': credit-3.json}", compare), folder / "driftline.yml")
    (reference,) = made.models[0].references("3")
    assert [(name, other.version, other.events) for name, other in reference.compare.items()] == [
        ("two", "2", 1_000),
        ("week", "3", 2_000),
    ]
    assert reference.profile.fingerprint == profile().fingerprint


def test_what_is_compared_beside_changes_no_counts_so_workers_need_not_be_told_together(folder: Path) -> None:
    path = folder / "driftline.yml"
    assert settings.parse(text({"week": "week.json"}), path).epoch == settings.parse(text({}), path).epoch


@pytest.mark.parametrize(
    ("compare", "mistake"),
    [
        (["week.json"], "compare: expected `name: value` pairs, got a list with 1 entry"),
        ({"week": 3}, "compare.week: expected a printable text of 1 to 1,000 characters, got 3; put it in quotes"),
        ({"a\nb": "week.json"}, "compare.'a\\nb': expected a printable name"),
        (
            {"week": "lost.json"},
            "compare.week: lost.json cannot be read: No such file or directory; build it with "
            "`driftline reference build`",
        ),
        (
            {"fraud": "other-model.json"},
            "compare.fraud: expected a reference of model 'credit', but other-model.json is of model 'fraud'",
        ),
        (
            {"wide": "other-bins.json"},
            "compare.wide: expected the bins of the deciding reference, but column 'age1' is one too many; make it "
            "from that one with `driftline reference update`, or build it with --bins-of",
        ),
        (
            dict.fromkeys("abcde", "week.json"),
            "compare: expected at most 4 references beside the deciding one, got 5",
        ),
    ],
)
def test_mistakes_are_told_with_the_remedy(compare: object, mistake: str, folder: Path) -> None:
    _, mistakes = settings.examine(text(compare), folder / "driftline.yml")
    assert mistakes == [f"models[0].versions.3.{mistake}"]


def test_the_check_warns_of_what_a_compared_reference_lacks(folder: Path) -> None:
    path = folder / "driftline.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(text({"week": "week.json"}))))
    found = check.check(path, offline=True)
    assert found.mistakes == []
    assert any(".versions.3.compare.week: the reference has no chunks" in warning for warning in found.warnings)
