"""Columns of a reference: types, bins, chunks over time, what is left out and what is noted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from monitor.drift import profiles
from monitor.drift.bins import INVALID, MISSING, Ordered, Unordered, ordered_bins
from monitor.drift.calibration import calibrate
from monitor.errors import DriftlineError
from tests.logfiles import DAY, HOUR, START, as_csv, column, flat, half_hours, made, write


def test_types_are_inferred_from_what_most_values_are(tmp_path: Path) -> None:
    path = write(
        tmp_path, "log.csv", "n,code,flag,town,mixed\n" + "1.5,007,true,Bonn,1\n2.5,008,false,Köln,2\n3,009,true,,x\n"
    )
    profile, _ = made(path)
    kinds = {column.name: type(column.bins) for column in profile.columns}
    assert kinds == {"n": Ordered, "code": Unordered, "flag": Unordered, "town": Unordered, "mixed": Ordered}
    assert column(profile, "code").bins == Unordered(("007", "008", "009"))


def test_types_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "zip,amount,score\n53111,a,1\n50667,b,2\n53111,7,1\n")
    profile, _ = made(path, categorical=["zip", "score"], numeric=["amount"], prediction="score")
    assert column(profile, "zip").bins == Unordered(("53111", "50667"))
    assert column(profile, "amount").counts[INVALID] == 2
    assert column(profile, "prediction").bins == Unordered(("1", "2"))


def test_missing_and_invalid_values_are_counted_apart(tmp_path: Path) -> None:
    profile, report = made(write(tmp_path, "log.csv", "age,x\n1,a\n2,a\n,b\nold,b\n"))
    age = column(profile, "age").counts
    assert (age[MISSING], age[INVALID], age.sum()) == (1, 1, 4)
    assert any("column 'age': 1 of 3 values are no numbers" in note for note in report.notes)


def test_a_column_that_comes_later_is_missing_before(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"features": {name: 1}, "time": START}) + "\n" for name in ("a", "b"))
    profile, _ = made(write(tmp_path, "log.jsonl", lines))
    assert [column(profile, name).counts[MISSING] for name in ("a", "b")] == [1, 1]


def test_a_column_without_values_counts_every_later_value_as_unseen(tmp_path: Path) -> None:
    profile, report = made(write(tmp_path, "log.csv", "a,empty\n1,\n2,\n"))
    assert column(profile, "empty").bins == Unordered(())
    assert column(profile, "empty").counts.tolist() == [0, 0, 2, 0]
    assert any("column 'empty': never has a value" in note for note in report.notes)


def test_constant_columns_are_named_in_one_note(tmp_path: Path) -> None:
    _, report = made(write(tmp_path, "log.csv", "a,b,c\n" + "5,x,1\n" * 4 + "5,x,2\n"))
    assert any(note.startswith("a, b always have the same value") for note in report.notes)


def test_a_wide_bin_is_no_constant(tmp_path: Path) -> None:
    rows = "".join(f"{i / 7}\n" for i in range(50))
    assert not any("same value" in note for note in made(write(tmp_path, "l.csv", "a\n" + rows), bins=2)[1].notes)


def test_an_identifier_is_refused_with_the_way_out(tmp_path: Path) -> None:
    rows = "".join(f"u-{i},{i % 7}\n" for i in range(500))
    path = write(tmp_path, "log.csv", "user,n\n" + rows)
    with pytest.raises(DriftlineError, match=r"column 'user': 500 different values in 500 events .* --ignore"):
        made(path)
    assert [c.name for c in made(path, ignore=["user"])[0].columns] == ["n"]
    assert len(column(made(path, categorical=["user"])[0], "user").counts) == 504


def test_an_integer_that_differs_in_every_event_is_noted(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 7}\n" for i in range(2_000))
    _, report = made(write(tmp_path, "log.csv", "row,n\n" + rows))
    assert any("column 'row': a different integer in every event" in note for note in report.notes)


def test_few_integers_are_noted_as_possible_codes_unless_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "day\n" + "1\n2\n3\n" * 10)
    assert any("--categorical day" in note for note in made(path)[1].notes)
    assert not any("--categorical" in note for note in made(path, numeric=["day"])[1].notes)


def test_rare_categories_share_a_bin(tmp_path: Path) -> None:
    profile, _ = made(write(tmp_path, "log.csv", "c\n" + "a\n" * 5 + "b\n" * 3 + "c\nd\n"), categories=2)
    assert column(profile, "c").bins == Unordered(("a", "b"), ("c", "d"))
    assert column(profile, "c").counts.tolist() == [5, 3, 2, 0, 0, 0]


def test_numbers_and_texts_of_the_same_name_are_one_category(tmp_path: Path) -> None:
    values = ['"1"', "1", "1.0", "true", '"true"', "9007199254740993"]
    lines = "".join(f'{{"x": {value}}}\n' for value in values)
    profile, _ = made(write(tmp_path, "log.jsonl", lines), categorical=["x"])
    assert column(profile, "x").bins == Unordered(("1", "true", "9007199254740993"))


def test_numeric_bins_are_those_of_the_core(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=3_000)
    path = write(tmp_path, "log.csv", "x\n" + "".join(f"{float(value)!r}\n" for value in values))
    for bins in (200, 10, None):
        made_bins = column(made(path, bins=bins)[0], "x").bins
        assert isinstance(made_bins, Ordered)
        assert made_bins.edges.tolist() == ordered_bins(values, bins=bins).edges.tolist()


def test_chunks_cover_every_event_and_grow_until_they_hold_enough(tmp_path: Path) -> None:
    rows = half_hours(1_000)
    profile, report = made(write(tmp_path, "log.csv", as_csv(rows)), time="ts")
    assert report.chunk == DAY  # 48 half-hours: shorter chunks hold fewer than 30
    assert profile.chunks
    assert profile.chunks.counts.sum(axis=0).tolist() == flat(profile)
    assert all(start % DAY == 0 for start in profile.chunks.starts)
    assert (profile.start, profile.end) == (START, START + 999 * HOUR // 2)


def test_a_chunk_may_be_chosen(tmp_path: Path) -> None:
    profile, report = made(write(tmp_path, "log.csv", as_csv(half_hours(100))), time="ts", chunk=HOUR)
    assert report.chunk == HOUR
    assert profile.chunks
    assert len(profile.chunks.starts) == 50


def test_without_time_there_are_no_chunks_and_a_note(tmp_path: Path) -> None:
    profile, report = made(write(tmp_path, "log.csv", "a\n1\n2\n"))
    assert profile.chunks is None
    assert any("--time" in note for note in report.notes)


def test_the_time_is_no_column(tmp_path: Path) -> None:
    profile, _ = made(write(tmp_path, "log.csv", f"ts,a\n{START},1\n"), time="ts")
    assert [c.name for c in profile.columns] == ["a"]


def test_events_without_a_usable_time_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", f"ts,a\n{START},1\nyesterday,2\n{START // 1000},3\n,4\n")
    profile, report = made(path, time="ts")
    assert profile.events == 1
    assert report.left_out == {"bad_time": 3}
    assert "yesterday" in report.examples["bad_time"]


def test_broken_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    profile, report = made(write(tmp_path, "log.csv", "a,b\n1,2\n1\n1,2,3\n"))
    assert profile.events == 1
    assert report.left_out == {"not_an_event": 2}
    assert "line 3: expected 2 cells, got 1" in report.examples["not_an_event"]


def test_only_events_of_the_model_and_version_are_taken(tmp_path: Path) -> None:
    owners = [("credit", "3"), ("credit", "2"), ("fraud", "3"), ("credit", 3)]
    lines = "".join(
        json.dumps({"model": model, "version": version, "time": START, "features": {"a": 1}}) + "\n"
        for model, version in owners
    )
    profile, report = made(write(tmp_path, "log.jsonl", lines))
    assert profile.events == 2
    assert report.left_out == {"other_version": 1, "other_model": 1}


def test_a_profile_holds_no_rows(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=5_000)
    path = write(tmp_path, "log.csv", "x\n" + "".join(f"{float(value)!r}\n" for value in values))
    text = profiles.encode(made(path)[0]).decode()
    assert sum(repr(float(value)) in text for value in values) <= 200  # edges are values of the reference; rows are not


def test_a_column_of_numbers_and_many_texts_is_noted(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "a\n1\n2\nx\ny\n")
    assert any(
        "2 of 4 values are numbers; if the others are mistakes: --numeric a" in note for note in made(path)[1].notes
    )
    assert not any("mistakes" in note for note in made(path, categorical=["a"])[1].notes)


def test_the_prediction_answers_to_its_name_in_the_file_and_in_the_profile(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "a,label\n1,0\n2,1\n3,2\n")
    for name in ("label", "prediction"):
        profile, _ = made(path, prediction="label", categorical=[name])
        assert column(profile, "prediction").bins == Unordered(("0", "1", "2"))
    assert any("--categorical" in note and "prediction" in note for note in made(path, prediction="label")[1].notes)


def rows_of_segments(tmp_path: Path) -> Path:
    lines = ["DE,web,1"] * 5 + ["DE,app,2"] * 2 + ["FR,web,3"] * 3 + ["IT,web,4", ",web,5"]
    return write(tmp_path, "log.csv", "country,channel,x\n" + "\n".join(lines) + "\n")


def test_segments_are_the_most_frequent_values_and_what_the_others_and_the_missing_share(tmp_path: Path) -> None:
    profile, _ = made(rows_of_segments(tmp_path), segments=["country", "country,channel"], segment_values=2)
    size = column(profile, "country").size
    found = {
        name: int(counts[:size].sum())
        for segmentation in profile.segmentations
        for name, counts in zip(segmentation.segments, segmentation.counts, strict=True)
    }
    assert found == {
        "country=DE": 7, "country=FR": 3, "country=other": 1, "country=missing": 1,
        "country=DE,channel=web": 5, "country=FR,channel=web": 3, "country=other,channel=other": 3,
        "country=missing,channel=missing": 1,
    }  # fmt: skip


def test_of_events_with_times_it_is_known_how_far_each_segment_moves_by_itself(tmp_path: Path) -> None:
    """DE rises while FR falls, hour by hour and back again: together they stand still."""
    rng, lines = np.random.default_rng(1), []
    for hour in range(60):
        shift = 0.5 * (-1) ** hour
        for i in range(100):
            country, sign = ("DE", 1) if i % 2 else ("FR", -1)
            lines.append(f"{START + hour * HOUR},{country},{rng.normal() + sign * shift:.6f}")
    path = write(tmp_path, "log.csv", "time,country,x\n" + "\n".join(lines) + "\n")
    profile, _ = made(path, time="time", segments=["country"], chunk=HOUR)
    (whole,) = [c for c, own in zip(calibrate(profile), profile.columns, strict=True) if own.name == "x"]
    (found,) = profile.segmentations
    assert found.course is not None
    variances = dict(zip(found.segments, found.course[:, [c.name for c in profile.columns].index("x"), 1], strict=True))
    assert variances["country=DE"] > 20 * whole.variation.variance
    assert variances["country=FR"] > 20 * whole.variation.variance
    assert variances["country=missing"] == 0
    assert made(path, ignore=["time"], segments=["country"])[0].segmentations[0].course is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segments": ["x"]}, "column 'x': --segments needs categories, not numbers"),
        ({"segments": ["city"]}, "column 'city': named by --segments, but the data have only"),
        ({"segments": ["country,country"]}, "--segments country,country: expected 1 to 3 columns"),
        ({"segments": ["country"], "segment_values": 0}, "--segment-values: expected 1 to 998, got 0"),
    ],
)
def test_segments_that_cannot_be_told_apart_are_refused(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(DriftlineError, match=message):
        made(rows_of_segments(tmp_path), **options)
