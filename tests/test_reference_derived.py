"""Derived columns: built with the reference, and made of the log's events by the same functions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.drift import profiles
from monitor.drift.bins import INVALID, MISSING, Unordered
from monitor.drift.derivations import standards
from monitor.drift.derived import FUNCTIONS, function
from monitor.drift.profiles import Profile
from monitor.errors import DriftlineError
from tests.logfiles import HOUR, START, column, decoded, flat, made, write

ALL = [
    "weekday",
    "weekday:Asia/Tokyo",
    "text_length:note",
    "oov:note",
    "distance:vector",
    "pca",
    "pca:a,b",
    "domain",
]
NOTES = ["late again", "Late, never early", "on time", "", None, "…", "größer", 7]


def events(n: int = 300, *, shift: float = 0.0) -> list[dict[str, Any]]:
    """Two columns that move together, a category, a text and a vector, with holes and oddities."""
    rng = np.random.default_rng(5)
    made = []
    for i in range(n):
        a, noise = rng.normal(size=2).tolist()
        features: dict[str, Any] = {"a": a + shift, "b": a + noise / 4 + shift, "kind": "xxyz"[i % 4]}
        note = f"strange{i} late" if i % 40 == 1 else NOTES[i % len(NOTES)]
        features |= {"note": note, "vector": [[a, 1.0], [1, noise], [a], None, "x"][i % 5]}
        if i % 31 == 0:
            features |= {"a": None, "b": "broken", "kind": None}
        made.append({"time": START + i * HOUR, "features": features})
    return made


def log(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    return write(folder, name, "".join(json.dumps({"model": "credit", "version": "3"} | row) + "\n" for row in rows))


def derived(folder: Path, *wishes: str) -> Profile:
    path, other = log(folder, "log.jsonl", events()), log(folder, "other.jsonl", events(shift=1.5))
    asked = list(wishes or ALL)
    against = [other] if any(wish.startswith("domain") for wish in asked) else []
    profile, _ = made(path, derive=asked, against=against)
    return profile


def test_the_same_log_counts_in_the_same_bins_in_which_the_reference_counted_it(tmp_path: Path) -> None:
    profile = derived(tmp_path)
    assert {c.name for c in profile.columns if c.role == "derived"} == set(ALL)
    panes, unused = decoded(profile, tmp_path / "log.jsonl")
    assert not unused
    assert np.add.reduce(list(panes.values())).tolist() == flat(profile)
    assert len([c for c in profile.columns if c.derived and np.count_nonzero(c.counts[:MISSING]) > 1]) == len(ALL)


def test_a_profile_with_derived_columns_is_read_back_as_it_was(tmp_path: Path) -> None:
    profile = derived(tmp_path)
    again = profiles.decode(profiles.encode(profile))
    assert [column.derived for column in again.columns] == [column.derived for column in profile.columns]
    assert again.fingerprint == profile.fingerprint


def test_what_only_derived_columns_read_is_not_monitored_itself_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert {"note", "vector"}.isdisjoint(c.name for c in derived(tmp_path).columns)
    profile, _ = made(tmp_path / "log.jsonl", derive=["text_length:note"], categorical=["note"], ignore=["vector"])
    assert isinstance(column(profile, "note").bins, Unordered)
    panes, _ = decoded(profile, tmp_path / "log.jsonl")
    assert np.add.reduce(list(panes.values())).tolist() == flat(profile)


def test_what_is_no_text_or_no_list_of_the_usual_length_is_invalid(tmp_path: Path) -> None:
    profile = derived(tmp_path)
    texts, vectors = column(profile, "text_length:note").counts, column(profile, "distance:vector").counts
    assert (texts[MISSING], texts[INVALID]) == (37, 37)
    assert (vectors[MISSING], vectors[INVALID]) == (60, 120)
    words = column(profile, "oov:note").counts
    assert words[MISSING] == 3 * 37 + 1  # no text, and texts without a word


def test_the_reconstruction_error_is_that_of_nannyml(tmp_path: Path) -> None:
    # NannyML 0.13.1: DataReconstructionDriftCalculator(column_names=list("abcd"), chunk_size=20).fit(frame[:80]), then
    # .calculate(frame[80:]).to_df()[("reconstruction_error", "value")], the last two of it; frame has these rows.
    rows = [
        {
            "a": None if i % 13 == 5 else i % 7 + 0.5,
            "b": i * i % 11 * 1.5,
            "c": "xxyz"[i % 4] if i % 17 else None,
            "d": i % 5 * (i % 3) + 0.25,
        }
        for i in range(120)
    ]
    path = write(tmp_path, "log.jsonl", "".join(json.dumps(row) + "\n" for row in rows[:80]))
    profile, _ = made(path, derive=["pca"], numeric=list("abd"))
    made_of = column(profile, "pca").derived
    assert made_of is not None
    values = []
    for i, standard in standards(profile, made_of):
        one = profile.columns[i]
        logged = [row[one.name] for row in rows[80:]]
        if isinstance(one.bins, Unordered):
            codes = one.bins.codes()
            values.append(standard(np.array([codes.get(str(name), one.bins.values) for name in logged])))
        else:
            values.append(standard(np.array(logged, dtype=np.float64)))
    errors = function("pca").prepare(made_of.parameters, columns=4)(values)
    assert errors.reshape(2, 20).mean(axis=1) == pytest.approx([1.0750957511878294, 0.7582355107764893], rel=1e-12)


def test_an_unusual_combination_of_usual_values_has_a_large_reconstruction_error(tmp_path: Path) -> None:
    profile = derived(tmp_path, "pca:a,b")
    log(tmp_path, "odd.jsonl", [{"time": START, "features": {"a": 1.5, "b": -1.5}}] * 5)
    panes, _ = decoded(profile, tmp_path / "odd.jsonl")
    i = [c.name for c in profile.columns].index("pca:a,b")
    counts = panes[START][profile.offsets[i] : profile.offsets[i + 1]]
    assert counts[MISSING - 1] == 5  # the last bin, beyond all of the reference


def test_the_domain_classifier_tells_the_others_from_the_reference(tmp_path: Path) -> None:
    profile = derived(tmp_path, "domain:a,b")
    panes, _ = decoded(profile, tmp_path / "other.jsonl")
    i = [c.name for c in profile.columns].index("domain:a,b")
    found = np.add.reduce(list(panes.values()))[profile.offsets[i] : profile.offsets[i + 1]]
    reference, half = profile.columns[i].counts, found.cumsum().searchsorted(found.sum() / 2)
    assert reference[:half].sum() > 0.85 * reference.sum()  # where half of the others lie, few of ours do


def test_the_parameters_of_a_text_hold_no_word(tmp_path: Path) -> None:
    assert b"late" not in profiles.encode(derived(tmp_path, "oov:note", "text_length:note")).lower()


def test_flags_and_huge_numbers_are_no_texts_even_where_a_text_reads_the_same(tmp_path: Path) -> None:
    huge = 2**53 + 1
    notes = ["true", True, str(huge), huge, -huge, False, "yes"]
    path = log(tmp_path, "log.jsonl", [{"time": START, "features": {"note": note}} for note in notes * 2])
    profile, _ = made(path, derive=["text_length:note", "oov:note"], categorical=["note"])
    assert [column(profile, f"{name}:note").counts[INVALID] for name in ("text_length", "oov")] == [8, 8]
    bins = column(profile, "note").bins
    assert isinstance(bins, Unordered)
    named = zip(bins.categories, column(profile, "note").counts.tolist(), strict=False)
    assert dict(named) == {"true": 4, str(huge): 4, str(-huge): 2, "false": 2, "yes": 2}
    panes, _ = decoded(profile, path)
    assert panes[START].tolist() == flat(profile)


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (["magic"], f"unknown function 'magic'; known are {', '.join(FUNCTIONS)}"),
        (["text_length"], "expected one column, as in text_length:comment"),
        (["text_length:nothing"], "the data have no column 'nothing'"),
        (["weekday:time"], "weekday:time: expected a time zone of the IANA database, got 'time'; "),
        (["weekday:europe/berlin"], "did you mean Europe/Berlin?; for UTC write --derive weekday"),
        (["weekday:"], "expected a time zone of the IANA database, got ''; "),
        (["pca:a"], "expected two columns at least, got 1"),
        (["pca:a,kind"], "the error would always be 0"),
        (["pca:a,nothing"], "no column 'nothing'"),
        (["distance:kind"], "expected lists of numbers, got none in 300 values"),
        (["domain"], "--against"),
    ],
)
def test_what_cannot_be_derived_is_told(tmp_path: Path, wishes: list[str], told: str) -> None:
    path = log(tmp_path, "log.jsonl", events())
    with pytest.raises(DriftlineError) as error:
        made(path, derive=wishes, ignore=[name for name in ("vector", "note") if f":{name}" not in wishes[0]])
    assert told in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"function": "magic"},
        {"function": None},
        {"inputs": ["nothing", "b"]},
        {"inputs": [3]},
        {"inputs": []},
        {"parameters": {}},
        {"parameters": {"standards": [{"center": 0, "scale": 0}] * 2, "rest": []}},
        {"parameters": {"standards": [{"center": 0, "scale": 1}] * 2, "rest": [[1, 2, 3]]}},
        {"parameters": {"standards": [{"table": [1.0]}, {"center": 0, "scale": 1}], "rest": []}},
        {"parameters": {"standards": "x", "rest": [[1, "2"]]}},
        {"function": "weekday"},
    ],
)
def test_a_profile_whose_derived_column_cannot_be_made_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    document = json.loads(profiles.encode(derived(tmp_path, "pca:a,b")))
    document["columns"][-1]["derived"] |= change
    with pytest.raises(DriftlineError, match="damaged"):
        profiles.decode(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("wish", "features", "told"),
    [
        (
            "pca",
            {"a": 1e308, "b": -1e308, "c": 1.0},
            "pca: column 'a': expected numbers whose squares are finite, got 1e+308",
        ),
        ("distance:a", {"a": [1e308, 1.0]}, "distance:a: expected lists whose sum is finite"),
    ],
)
def test_numbers_too_large_to_be_added_are_told(tmp_path: Path, wish: str, features: dict[str, Any], told: str) -> None:
    rows = [{"time": START + i, "features": features | {"d": i}} for i in range(3)]
    with pytest.raises(DriftlineError, match=re.escape(told)):
        made(log(tmp_path, "log.jsonl", rows), derive=[wish])
