"""The same log gives the same counts in every format, and through the decoder of the stream."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.drift import profiles
from monitor.logs.contract import UNKNOWN_MODEL, UNKNOWN_VERSION
from tests.logfiles import HOUR, START, as_csv, as_json, decoded, flat, half_hours, made, typed, write


def test_all_formats_give_the_same_profile(tmp_path: Path) -> None:
    rows = half_hours()
    options = {"time": "ts", "prediction": "class"}
    reference, report = made(write(tmp_path, "log.csv", as_csv(rows)), **options)
    assert report.events == 3_000
    parquet = {name: [typed(row[name]) for row in rows] for name in rows[0] if name != "nswdemand"}
    strings = {"nswdemand": [row["nswdemand"] for row in rows]}  # Parquet has one type a column: left out below
    pq.write_table(pa.table(parquet | strings | {"ts": [int(row["ts"]) for row in rows]}), tmp_path / "log.parquet")
    files = {
        "log.csv.gz": gzip.compress(as_csv(rows)),
        "log.csv.zst": zstandard.ZstdCompressor().compress(as_csv(rows)),
        "flat.jsonl": as_json(rows, canonical=False),
        "canonical.jsonl": as_json(rows, canonical=True),
        "canonical.jsonl.gz": gzip.compress(as_json(rows, canonical=True)),
    }
    for name, content in files.items():
        again, _ = made(write(tmp_path, name, content), **({} if "canonical" in name else options))
        assert profiles.encode(again) == profiles.encode(reference), name
    from_parquet, _ = made(tmp_path / "log.parquet", ignore=["nswdemand"], **options)
    without, _ = made(tmp_path / "log.csv", ignore=["nswdemand"], **options)
    assert {c.name: c.counts.tolist() for c in from_parquet.columns} == {
        c.name: c.counts.tolist() for c in without.columns
    }


def test_a_log_in_two_files_is_one_reference(tmp_path: Path) -> None:
    rows = half_hours()
    whole, _ = made(write(tmp_path, "all.csv", as_csv(rows)), time="ts")
    parts = [
        write(tmp_path, "a.csv", as_csv(rows[:100])),
        write(tmp_path, "b.csv.gz", gzip.compress(as_csv(rows[100:]))),
    ]
    assert made(*parts, time="ts")[0].fingerprint == whole.fingerprint


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl"])
def test_the_decoder_counts_the_reference_log_as_the_reference_does(tmp_path: Path, name: str) -> None:
    rows = half_hours()
    table = name.endswith("csv")
    path = write(tmp_path, name, as_csv(rows) if table else as_json(rows, canonical=True))
    options = {"time": "ts", "prediction": "class"} if table else {}
    profile, report = made(path, **options)
    assert report.chunk is not None
    panes, unused = decoded(profile, path, size=report.chunk, **options)
    assert np.sum(list(panes.values()), axis=0).tolist() == flat(profile)
    assert profile.chunks
    assert dict(zip(profile.chunks.starts, profile.chunks.counts.tolist(), strict=True)) == {
        pane: counts.tolist() for pane, counts in panes.items()
    }
    assert not unused


odd_values = st.sampled_from(
    ['1', '1.0', '-0', '0', '2.5', '"1"', '""', '"a"', 'null', 'true', 'false', '[1]', '{"x": 1}', '1e308', '1e999',
     '9007199254740993', '12345678901234567890', '9' * 5_000, '"\\ud800"', '"\\ud83d\\ude00"', 'NaN', '0.1', '1e2'],
)  # fmt: skip
odd_times = st.sampled_from(
    [
        str(START),
        str(START + HOUR),
        f"{START}.0",
        "1700000000",
        "null",
        '"2023-11-14T00:00:00Z"',
        '"2023-11-14"',
        "1e12",
    ]
)
odd_lines = st.builds(
    lambda time, a, b, p, tail: (
        f'{{"model": "credit", "version": "3", "time": {time}, '
        f'"features": {{"a": {a}, "b": {b}}}, "prediction": {p}}}{tail}'
    ),
    time=odd_times | st.just(str(START)),
    a=odd_values | st.just("1.5"),
    b=odd_values | st.just('"x"'),
    p=odd_values,
    tail=st.sampled_from(["", "", "", "", "x", " "]),
)

ODD = [
    "", "  ", "null", "[]", '"text"', "{", "nonsense", "\ufeff{}",
    '{"model": "credit", "features": 5}',
    '{"model": "credit", "features": null}',
    '{"model": "credit", "features": {}}',
    f'{{"model": "credit", "time": {START}}}',
    f'{{"model": "credit", "version": 3, "time": {START}, "features": {{"c": 1}}}}',
    f'{{"model": "credit", "time": {START}, "features": {{"a": 1e999}}}}',
    f'{{"model": "credit", "time": {START}, "features": {{"a": {"[" * 100}{"]" * 100}}}}}',
    f'{{"model": "credit", "time": {START}, "features": {{"a": "{"x" * 1_100_000}"}}}}',
    f'{{"feature_view": "credit", "version": 3.0, "time": {START}, "features": {{}}}}',
    f'{{"model": "credit", "version": "4", "time": {START}, "features": {{}}}}',
    f'{{"model": "fraud", "version": "3", "time": {START}, "features": {{"a": 1}}}}',
    f'{{"model": "credit", "version": "3", "time": {START}, "features": {{"a": 1, "a": 2}}}}',
]  # fmt: skip

FIRST = f'{{"model": "credit", "version": "3", "time": {START}, "features": {{"a": 1.5, "b": "x"}}, "prediction": 1}}'
ALIAS = {"other_model": UNKNOWN_MODEL, "other_version": UNKNOWN_VERSION}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.lists(odd_lines | st.sampled_from(ODD), max_size=12))
def test_the_decoder_agrees_on_the_oddest_events(tmp_path: Path, lines: list[str]) -> None:
    # The example's first line makes it a log that says who it belongs to.
    path = write(tmp_path, "log.jsonl", "\n".join([FIRST, *lines, ""]).encode("utf-8", "surrogatepass"))
    profile, report = made(path, categorical=["b"], derive=["text_length:b", "oov:b"])
    panes, unused = decoded(profile, path)
    assert np.sum(list(panes.values()), axis=0).tolist() == flat(profile)
    # Of an event with several faults either may be named; the next test compares the names.
    assert sum(report.left_out.values()) == unused.total() == len(lines) + 1 - report.events


@pytest.mark.parametrize("line", ODD)
def test_the_decoder_gives_the_same_reason_for_an_event_that_is_left_out(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, "log.jsonl", f"{FIRST}\n{line}\n")
    profile, report = made(path)
    panes, unused = decoded(profile, path)
    assert np.sum(list(panes.values()), axis=0).tolist() == flat(profile)
    assert Counter({ALIAS.get(reason, reason): count for reason, count in report.left_out.items()}) == unused
