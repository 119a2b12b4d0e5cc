"""`reference update`: windows of live data become part of a reference, by their counts alone."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from monitor.cli import app
from monitor.drift import profiles
from monitor.drift.profiles import Chunks, Profile
from monitor.drift.updates import Window, choose, fold
from monitor.errors import DriftlineError
from tests.examples import HOUR, START, profile
from tests.logfiles import DAY, as_csv, decoded, flat, half_hours, made, write

REFERENCE = profile()
SIZE = REFERENCE.size


def counts(n: int) -> Any:
    """`n` events, all in the first bin of every column."""
    found = np.zeros(SIZE, dtype=np.int64)
    found[list(REFERENCE.offsets[:-1])] = n
    return found


def window(start: int, end: int, n: int = 10) -> Window:
    return Window(START + start * HOUR, START + end * HOUR, counts(n))


def chunked(starts: list[int], *, hours: int = 1) -> Profile:
    """A reference of chunks of ten events."""
    places = tuple(START + start * HOUR for start in starts)
    rows = np.array([counts(10)] * len(starts), dtype=np.int32)
    columns = tuple(replace(c, counts=part) for c, part in zip(REFERENCE.columns, _parts(rows), strict=True))
    end = places[-1] + hours * HOUR - 1
    return Profile("credit", "3", columns, places[0], end, Chunks.of(hours * HOUR, places, rows))


def _parts(rows: Any) -> list[Any]:
    whole = rows.sum(axis=0).astype(np.int64)
    return [whole[a:b] for a, b in zip(REFERENCE.offsets, REFERENCE.offsets[1:], strict=False)]


def test_a_reference_with_its_windows_folded_in_has_the_counts_of_all_the_data(tmp_path: Path) -> None:
    rows = half_hours()
    first, rest = (
        write(tmp_path, name, as_csv(part)) for name, part in (("a.csv", rows[:1_440]), ("b.csv", rows[1_440:]))
    )
    whole = write(tmp_path, "all.csv", as_csv(rows))
    reference, _ = made(first, time="ts", prediction="class")
    panes, _ = decoded(reference, rest, time="ts", prediction="class")
    found = [Window(start, start + DAY, part) for start, part in sorted(panes.items())]
    expected, _ = decoded(reference, whole, time="ts", prediction="class")
    updated = fold(reference, choose(reference, found).windows)
    assert flat(updated) == np.add.reduce(list(expected.values())).tolist()
    assert updated.chunks is not None
    assert updated.chunks.counts.sum(axis=0).tolist() == flat(updated)
    assert [column.bins for column in updated.columns] == [column.bins for column in reference.columns]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(1, 5))
def test_folding_in_two_steps_is_folding_at_once(sizes: list[int], first: int) -> None:
    windows = [window(100 + i, 101 + i, n) for i, n in enumerate(sizes)]
    at_once = fold(chunked([0, 1, 2]), windows)
    stepwise = fold(chunked([0, 1, 2]), windows[:first])
    if windows[first:]:
        stepwise = fold(stepwise, windows[first:])
    assert flat(stepwise) == flat(at_once)
    assert stepwise.chunks is not None
    assert at_once.chunks is not None
    assert np.array_equal(stepwise.chunks.counts, at_once.chunks.counts)


def test_what_the_reference_may_hold_already_and_what_overlaps_is_left_out() -> None:
    # reference   ####
    # windows      a--a  b--b
    #                      c--c d--d
    a, b, c, d = window(2, 4), window(5, 7), window(6, 8), window(8, 10)
    found = choose(chunked([0, 1, 2]), [d, c, b, a])
    assert [one.start for one in found.windows] == [b.start, d.start]
    assert (found.known, found.overlapping) == (1, 1)


def test_windows_become_chunks_and_the_shorter_ones_are_put_together() -> None:
    longer = fold(chunked([0, 1, 2, 3]), [window(6, 8), window(8, 10)])
    assert longer.chunks is not None
    assert longer.chunks.size == 2 * HOUR
    assert [(start - START) // HOUR for start in longer.chunks.starts] == [0, 2, 6, 8]
    assert longer.chunks.counts.sum(axis=1).tolist() == [len(REFERENCE.columns) * n for n in (20, 20, 10, 10)]
    shorter = fold(chunked([0, 2], hours=2), [window(4, 5), window(5, 6)])
    assert shorter.chunks is not None
    assert [(start - START) // HOUR for start in shorter.chunks.starts] == [0, 2, 4]
    assert shorter.chunks.counts[-1].sum() == len(REFERENCE.columns) * 20


def test_days_of_a_zone_stay_apart_where_clocks_change() -> None:
    # days  |---24h---|--23h--|---24h---|--25h--|---24h---|  none is put together with its neighbour, nor moved
    ends = [24, 48, 71, 95, 120, 144]
    windows = [window(start, end) for start, end in pairwise(ends)]
    for reference in (chunked([0, 1, 2]), chunked([0], hours=24)):
        updated = fold(fold(reference, windows[:2]), windows[2:])
        assert updated.chunks is not None
        assert [(start - START) // HOUR for start in updated.chunks.starts][1:] == ends[:-1]


def test_a_single_day_is_folded_in_also_where_clocks_change() -> None:
    updated = fold(fold(chunked([0], hours=24), [window(24, 47)]), [window(47, 71)])
    assert updated.chunks is not None
    assert updated.chunks.size == 24 * HOUR
    assert [(start - START) // HOUR for start in updated.chunks.starts] == [0, 24, 47]


def test_a_rolling_reference_forgets_what_is_older_than_it_keeps() -> None:
    rolling = fold(chunked([0, 1, 2, 3]), [window(4, 5, 7), window(5, 6, 7)], keep=3 * HOUR)
    assert rolling.events == 10 + 7 + 7
    assert (rolling.start, rolling.end) == (START + 3 * HOUR, START + 6 * HOUR - 1)
    assert rolling.history[-1].since == START + 3 * HOUR
    only = fold(REFERENCE, [window(800, 801, 7)], keep=HOUR)  # a reference without chunks is forgotten as a whole
    assert only.events == 7


def test_a_profile_has_its_history_and_another_fingerprint_and_is_read_back() -> None:
    old = chunked([0, 1])
    new = fold(old, [window(4, 5)])
    assert new.history[-1].parent == old.fingerprint
    assert (new.history[-1].windows, new.history[-1].events) == (1, 10)
    assert new.fingerprint != old.fingerprint
    assert profiles.decode(profiles.encode(new)).history == new.history


@pytest.mark.parametrize(
    ("windows", "keep", "told"),
    [
        ([], None, "expected at least one window"),
        ([Window(START, START + HOUR, counts(1)[:-1])], None, "expected shape"),
        ([window(10, 11)], HOUR // 2, "no window begins"),
        ([window(10, 11, 2**31)], None, "more than 2,147,483,647 events"),
        ([window(10, 13), window(13, 16)], None, None),
    ],
)
def test_what_cannot_be_folded_in_is_told(windows: list[Window], keep: int | None, told: str | None) -> None:
    if told is None:
        with pytest.raises(DriftlineError, match="neither is a multiple of the other"):
            fold(chunked([0, 2], hours=2), windows, keep=keep)
        return
    with pytest.raises(DriftlineError, match=told):
        fold(chunked([0, 1]), windows, keep=keep)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's files: its reference, its log and its windows."""
    folder = tmp_path_factory.mktemp("market")
    done = CliRunner().invoke(app, ["demo", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def updated(market: Path, *options: str) -> tuple[int, str]:
    files = [str(market / name) for name in ("reference-1.json", "windows.jsonl")]
    done = CliRunner().invoke(app, ["reference", "update", *files, *options], env={"COLUMNS": "200"})
    return done.exit_code, done.output + (str(done.exception) if done.exception else "")


def test_the_command_folds_in_the_windows_without_drift_and_says_what_it_left_out(market: Path) -> None:
    new = market / "new.json"
    code, said = updated(market, "--out", str(new))
    assert code == 0
    assert "83 windows left out: in drift" in said
    assert "folded in 28 windows, 1996-10-21T00:00:00Z to 1997-05-05T00:00:00Z, 9,408 events" in said
    assert profiles.decode(new.read_bytes()).events == 8_000 + 9_408
    again = CliRunner().invoke(
        app, ["reference", "update", str(new), str(market / "windows.jsonl"), "--out", str(market / "x.json")]
    )
    assert again.exit_code != 0  # nothing counts twice
    assert "51 before the end of the reference" in str(again.exception)


def test_a_period_of_drift_is_folded_in_only_by_name(market: Path) -> None:
    out = ["--out", str(market / "rolling.json"), "--keep", "28d"]
    code, said = updated(market, "--accept", "drift", "--until", "1998-01-05T00:00:00Z", *out)
    assert code == 0
    assert "folded in 4 windows" in said
    assert "after --until" in said


def test_a_new_reference_takes_over_where_the_configuration_says_so(market: Path) -> None:
    code, _ = updated(
        market, "--accept", "drift", "--until", "1997-09-01T00:00:00Z", "--out", str(market / "after.json")
    )
    assert code == 0
    config = (market / "driftline.yml").read_text()
    both = '"1": [reference-1.json, {profile: after.json, from: "1997-09-01T00:00:00Z"}]'
    (market / "both.yml").write_text(config.replace('"1": reference-1.json', both))
    out = market / "both.jsonl"
    done = CliRunner().invoke(
        app, ["replay", "--config", str(market / "both.yml"), str(market / "events.jsonl"), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in out.read_text().splitlines()]
    after = {one["reference"] for one in found if one["start"] >= "1997-09-01"}
    assert after == {profiles.decode((market / "after.json").read_bytes()).fingerprint}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--accept", "good"], "--accept: expected verdicts of"),
        (["--since", "1997-01-01"], "--since: expected a time with its zone"),
        (["--since", "2030-01-01T00:00:00Z"], "no window to fold in"),
        (["--keep", "month"], "expected a duration"),
        (["--config", "driftline.yml"], "got both; leave out one"),
    ],
)
def test_wrong_options_are_told(market: Path, options: list[str], told: str) -> None:
    code, said = updated(market, *options, "--out", str(market / "never.json"))
    assert code != 0
    assert told in said
    assert not (market / "never.json").exists()


def test_the_old_profile_is_never_overwritten(market: Path) -> None:
    before = (market / "reference-1.json").read_bytes()
    code, said = updated(market, "--out", str(market / "reference-1.json"))
    assert code != 0
    assert "name another" in said
    assert (market / "reference-1.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "other"}, "1 of another model or version"),
        ({"segment": {"country": "DE"}}, "1 of a segment"),
        ({"reference": "0123456789ab"}, "1 on another reference"),
        ({"columns": {}}, "column 'day' has no counts"),
        ({"start": "yesterday"}, "line 1: expected the result of a window"),
        ({"end": "1990-01-01T00:00:00Z"}, "line 1: expected a window that ends after it begins"),
    ],
)
def test_a_window_that_is_not_on_these_bins_is_told(
    market: Path, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    lines = (market / "windows.jsonl").read_text().splitlines()
    one = json.loads(next(line for line in lines if '"1997-01-' in line))
    path = write(tmp_path, "one.jsonl", json.dumps(one | change))
    files = [str(market / "reference-1.json"), str(path)]
    done = CliRunner().invoke(app, ["reference", "update", *files, "--out", str(tmp_path / "x.json")])
    assert done.exit_code != 0
    assert told in str(done.exception)
