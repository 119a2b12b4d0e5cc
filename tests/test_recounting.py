"""`reference build --bins-of`: other data on the bins of a profile, so that a window can be compared with both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from monitor import recounting
from monitor.cli import app
from monitor.drift import profiles
from monitor.drift.likeness import unlike
from monitor.drift.profiles import Profile
from monitor.errors import DriftlineError
from monitor.recounting import recount
from tests.logfiles import DAY, HOUR, START, as_csv, as_json, decoded, flat, half_hours, made, write

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


@pytest.fixture(scope="module")
def parted(folder: Path) -> Profile:
    """A reference with segments by one column and by two together."""
    options: dict[str, Any] = {"categorical": ["day"], "derive": ["weekday"], "segments": ["day", "day,weekday"]}
    return made(folder / "first.csv", chunk=HOUR, segment_values=5, **options, **TABLE)[0]


def test_the_same_data_have_the_same_segments_which_move_in_the_same_way(folder: Path, parted: Profile) -> None:
    again, _ = recount([folder / "first.csv"], parted, version="3", **TABLE)
    assert again.segmentations == parted.segmentations
    assert all(found.course is not None for found in again.segmentations)
    assert again.fingerprint == parted.fingerprint


def test_which_segments_swing_as_all_events_do_is_known_of_data_that_are_built_or_recounted(tmp_path: Path) -> None:
    """x swings by the hour in DE, of which most events are, and the other way in FR."""
    rng, lines = np.random.default_rng(1), []
    for hour in range(24 * 8):
        swing = np.sin(2 * np.pi * hour / 24)
        for i in range(200):
            country, mean = ("FR", -swing) if i % 10 == 0 else ("DE", swing)
            lines.append(f"{START + hour * HOUR + i},{country},{mean + rng.normal():.6f}")
    path = write(tmp_path, "log.csv", "time,country,x\n" + "\n".join(lines) + "\n")
    built, _ = made(path, time="time", segments=["country"], chunk=HOUR)
    (found,) = built.segmentations
    assert found.course is not None
    place = [column.name for column in built.columns].index("x")
    assert dict(zip(found.segments, found.course[:, place, -1].tolist(), strict=True)) == {
        "country=DE": 24, "country=FR": 0, "country=other": 0, "country=missing": 0
    }  # fmt: skip
    assert recount([path], built, version="3", time="time")[0].segmentations == built.segmentations


def test_other_data_are_counted_in_the_segments_of_the_other_profile(folder: Path, parted: Profile) -> None:
    found, _ = recount([folder / "second.csv"], parted, version="2", chunk=DAY, **TABLE)
    assert unlike(parted, found) is None
    assert [list(part.segments) for part in found.segmentations] == [list(s.segments) for s in parted.segmentations]
    days = half_hours()[1_500:]
    by_day = found.segmentations[0]
    expected = [sum(row["day"] == value for row in days) for (value,) in by_day.values]
    i = next(i for i, column in enumerate(found.columns) if column.name == "day")
    of_day = by_day.counts[:, found.offsets[i] : found.offsets[i + 1]].sum(axis=1)
    assert of_day.tolist() == [*expected, 1_500 - sum(expected), 0]
    assert profiles.decode(profiles.encode(found)).segmentations == found.segmentations


def test_events_scattered_over_many_chunks_are_all_counted_in_their_segments(parted: Profile, tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", as_csv(half_hours(6_000)))
    found, report = recount([path], parted, version="2", chunk=1_000, **TABLE)
    assert found.chunks is not None
    assert (len(found.chunks.starts), report.events, dict(report.left_out)) == (6_000, 6_000, {})


def test_segments_of_more_chunks_than_can_be_held_are_refused(
    folder: Path, parted: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounting, "CHUNK_CELLS", 2_000 * parted.size)
    with pytest.raises(DriftlineError, match="chunks of 1s of segments are too many; take longer ones by --chunk"):
        recount([folder / "second.csv"], parted, version="2", chunk=1_000, **TABLE)


def test_a_chunk_that_is_too_short_is_refused(folder: Path, reference: Profile) -> None:
    with pytest.raises(DriftlineError, match="expected a chunk of at least 1s, got 0"):
        recount([folder / "second.csv"], reference, version="3", chunk=0, **TABLE)
