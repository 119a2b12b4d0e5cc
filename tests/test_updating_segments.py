"""`reference update` of a reference with segments: windows are folded into each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from monitor.cli import app
from monitor.drift import profiles
from monitor.drift.bins import Floats
from monitor.drift.profiles import Profile
from tests.logfiles import HOUR, START, decoded, made, write

COUNTRIES = ["DE", "FR", "DE", None, "XX"]  # of which XX is new in live data


def lines(first: int, last: int, *, country: str | None = "") -> str:
    """Five events an hour from one day to another, or those of one country."""
    made = []
    for i in range(first * 120, last * 120):
        own = COUNTRIES[i % 5]
        own = "FR" if own == "XX" and first == 0 else own
        features = {"x": float(np.sin(i) + (own == "DE")), "country": own}
        if country in ("", own):
            time = START + i * HOUR // 5
            made.append({"model": "credit", "version": "3", "time": time, "features": features})
    return "".join(json.dumps(event) + "\n" for event in made)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reference of four days with segments, and the results of four more."""
    data = write(tmp_path, "reference.jsonl", lines(0, 4))
    reference, _ = made(data, segments=["country"])
    write(tmp_path, "credit-3.json", profiles.encode(reference))
    model = "{name: credit, versions: {'3': credit-3.json}, window: {size: 1d}, min_events: 10}"
    write(tmp_path, "driftline.yml", f"models: [{model}]\n")
    log = write(tmp_path, "log.jsonl", lines(4, 8))
    out = ["--config", str(tmp_path / "driftline.yml"), "--out", str(tmp_path / "windows.jsonl")]
    assert CliRunner().invoke(app, ["replay", str(log), *out]).exit_code == 0
    return tmp_path


def updated(folder: Path, *options: str, of: str = "credit-3.json") -> Result:
    files = [str(folder / name) for name in (of, "windows.jsonl")]
    out = ["--out", str(folder / "new.json"), "--accept", "ok,warning,drift,undecided"]
    return CliRunner().invoke(app, ["reference", "update", *files, *out, *options], env={"COLUMNS": "200"})


def parts(profile: Profile) -> dict[str, list[int]]:
    (found,) = profile.segmentations
    return dict(zip(found.segments, found.counts.tolist(), strict=True))


def test_each_segment_has_the_counts_of_its_own_events_besides(folder: Path) -> None:
    assert updated(folder).exit_code == 0
    old, new = (profiles.decode((folder / name).read_bytes()) for name in ("credit-3.json", "new.json"))
    assert new.events == 2 * old.events
    for segment, country in (("DE", "DE"), ("FR", "FR"), ("other", "XX"), ("missing", None)):
        panes, _ = decoded(old, write(folder, "part.jsonl", lines(4, 8, country=country)))
        added: Any = np.add.reduce(list(panes.values()))
        name = f"country={segment}"
        assert parts(new)[name] == (np.array(parts(old)[name]) + added).tolist()


def test_a_rolling_reference_forgets_all_that_its_segments_held(folder: Path) -> None:
    assert updated(folder, "--keep", "2d").exit_code == 0
    new = profiles.decode((folder / "new.json").read_bytes())
    assert new.events == 240
    assert {name: sum(counts) for name, counts in parts(new).items()} == {
        "country=DE": 2 * 96, "country=FR": 2 * 48, "country=other": 2 * 48, "country=missing": 2 * 48
    }  # fmt: skip


def course(profile: Profile) -> Floats:
    (found,) = profile.segmentations
    assert found.course is not None
    return found.course


def test_a_rolling_reference_knows_how_its_segments_moved_in_the_windows_alone(folder: Path) -> None:
    assert updated(folder, "--keep", "2d").exit_code == 0
    old, new = (profiles.decode((folder / name).read_bytes()) for name in ("credit-3.json", "new.json"))
    hours, days = (int(course(profile)[0, 0, 4]) for profile in (old, new))
    assert (hours, days) == (16, 2)  # chunks of six hours


def test_windows_longer_than_the_chunks_make_a_course_over_longer_ones(folder: Path) -> None:
    assert updated(folder).exit_code == 0
    old, new = (profiles.decode((folder / name).read_bytes()) for name in ("credit-3.json", "new.json"))
    assert (old.chunks and old.chunks.size, new.chunks and new.chunks.size) == (6 * HOUR, 24 * HOUR)
    assert course(new)[..., 4].tolist() == (course(old)[..., 4] // 4).tolist()


def test_a_part_of_what_segments_held_cannot_be_forgotten(folder: Path) -> None:
    refused = updated(folder, "--keep", "6d")
    assert "of which no counts over time are known" in str(refused.exception)
    assert not (folder / "new.json").exists()


def test_windows_in_which_not_all_segments_were_counted_are_left_out_and_told(folder: Path) -> None:
    results = folder / "windows.jsonl"
    first, *others = map(json.loads, results.read_text().splitlines())
    kept = [one for one in others if (one["start"], one["segment"]) != (first["start"], {"country": "FR"})]
    assert len(kept) == len(others) - 1
    results.write_text("\n".join(map(json.dumps, [first, *kept])))
    said = updated(folder)
    assert said.exit_code == 0
    assert "1 windows left out: whose segments by country do not add up to all events" in said.output
    assert "folded in 3 windows" in said.output
