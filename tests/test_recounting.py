"""`reference build --bins-of`: other data on the bins of a profile, so that a window can be compared with both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.drift import profiles
from monitor.drift.likeness import unlike
from monitor.drift.profiles import Profile
from monitor.errors import DriftlineError
from monitor.recounting import recount
from tests.logfiles import DAY, HOUR, as_csv, as_json, decoded, flat, half_hours, made, write

TABLE: dict[str, Any] = {"time": "ts", "prediction": "class"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two halves of the electricity market's log."""
    made = tmp_path_factory.mktemp("market")
    rows = half_hours()
    write(made, "first.csv", as_csv(rows[:1_500]))
    write(made, "second.csv", as_csv(rows[1_500:]))
    write(made, "second.jsonl", as_json(rows[1_500:], canonical=True))
    write(made, "flat.jsonl", as_json(rows[1_500:], canonical=False))
    return made


@pytest.fixture(scope="module")
def reference(folder: Path) -> Profile:
    return made(folder / "first.csv", chunk=HOUR, derive=["pca", "weekday"], **TABLE)[0]


def test_the_same_data_on_their_own_bins_are_the_same_profile(folder: Path, reference: Profile) -> None:
    again, report = recount([folder / "first.csv"], reference, version="3", **TABLE)
    assert again.fingerprint == reference.fingerprint
    assert (report.events, report.chunk, dict(report.left_out), report.notes) == (1_500, HOUR, {}, ())


def test_other_data_are_counted_as_the_stream_counts_them_and_their_bins_are_alike(
    folder: Path, reference: Profile
) -> None:
    other, _ = recount([folder / "second.csv"], reference, version="3", chunk=DAY, **TABLE)
    panes, _ = decoded(reference, folder / "second.csv", **TABLE)
    assert unlike(reference, other) is None
    assert other.chunks is not None
    assert other.chunks.starts == tuple(sorted(panes))
    assert np.array_equal(other.chunks.counts, np.array([panes[start] for start in sorted(panes)]))
    assert flat(other) == np.add.reduce(list(panes.values())).tolist()


def test_tables_and_canonical_events_give_the_same_profile_in_any_split(folder: Path, reference: Profile) -> None:
    first, second = folder / "first.csv", folder / "second.csv"
    at_once, _ = recount([first, second], reference, version="3", **TABLE)
    turned, _ = recount([second, first], reference, version="3", **TABLE)
    assert at_once.fingerprint == turned.fingerprint
    canonical, _ = recount([folder / "second.jsonl"], reference, version="3")
    assert canonical.fingerprint == recount([second], reference, version="3", **TABLE)[0].fingerprint


def test_where_no_event_can_be_used_the_reason_is_told(folder: Path, reference: Profile) -> None:
    with pytest.raises(DriftlineError, match="no event of model 'credit' version '3' to count; 1,500 left out as "):
        recount([folder / "flat.jsonl"], reference, version="3")
    with pytest.raises(DriftlineError, match="'credit' version '2' to count; 1,500 left out as unknown_version"):
        recount([folder / "second.jsonl"], reference, version="2")


def test_a_column_that_the_data_have_not_is_missing_and_noted(folder: Path, reference: Profile) -> None:
    found, report = recount([folder / "second.csv"], reference, version="3", time="ts")
    assert report.notes == ("column 'prediction' has no usable value in these data",)
    assert found.columns[-3].name == "prediction"
    assert found.columns[-3].counts[-2] == found.events == 1_500


def run(folder: Path, *options: str) -> tuple[int, str]:
    files = ["reference", "build", str(folder / "second.csv"), "--model", "credit", "--time", "ts"]
    done = CliRunner().invoke(app, [*files, *options], env={"COLUMNS": "200"})
    return done.exit_code, done.output + (str(done.exception) if done.exception else "")


def test_the_command_writes_a_profile_of_the_other_version(folder: Path, reference: Profile, tmp_path: Path) -> None:
    path, out = write(tmp_path, "credit-3.json", profiles.encode(reference)), tmp_path / "credit-2-on-3.json"
    options = ["--version", "2", "--prediction", "class", "--bins-of", str(path), "--out", str(out)]
    code, said = run(folder, *options)
    assert (code, "1,500 events, 1h chunks" in said) == (0, True), said
    found = profiles.decode(out.read_bytes())
    assert (found.model, found.version, unlike(reference, found)) == ("credit", "2", None)
    assert "the columns and bins are those of the other profile" in run(folder, *options, "--ignore", "day")[1]
    assert "expected a profile of model 'fraud', got 'credit'" in run(folder, *options, "--model", "fraud")[1]


def test_the_bins_of_a_reference_with_segments_are_taken_without_them(folder: Path) -> None:
    parted, _ = made(folder / "first.csv", categorical=["day"], segments=["day"], **TABLE)
    found, _ = recount([folder / "second.csv"], parted, version="3", **TABLE)
    assert parted.segmentations != ()
    assert (found.segmentations, found.events, unlike(parted, found)) == ((), 1_500, None)


def test_a_chunk_that_is_too_short_is_refused(folder: Path, reference: Profile) -> None:
    with pytest.raises(DriftlineError, match="expected a chunk of at least 1s, got 0"):
        recount([folder / "second.csv"], reference, version="3", chunk=0, **TABLE)
