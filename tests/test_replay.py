"""`driftline replay` of files: any format, any split into files, any bad line; exit codes; what a person sees."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
import zstandard
from rich.console import Console

from monitor.demo.run import prepare
from tests.badinput import CASES
from tests.services.small import SECOND, settings, window

START = 1_772_359_200_000


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder: real data, their reference, a configuration."""
    return prepare(tmp_path_factory.mktemp("market"), Console(quiet=True))


@pytest.fixture(scope="module")
def windows(market: Path) -> bytes:
    """The windows of the market's log as JSON lines."""
    return replayed(market, market / "events.jsonl")


def run(folder: Path, *arguments: object, code: int = 0) -> str:
    """Run the command in a folder; returns what it printed."""
    command = [sys.executable, "-m", "monitor.cli", "replay", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join((done.stdout + done.stderr).split())


def small(folder: Path) -> Path:
    """A configuration of one small model with windows of two seconds, and its reference."""
    path = folder / "driftline.yml"
    path.write_text(yaml.safe_dump(settings(folder)))
    return path


def replayed(folder: Path, *logs: Path, config: Path | None = None) -> bytes:
    out = folder / "out.jsonl"
    run(folder, "--config", config or folder / "driftline.yml", *logs, "--out", out)
    return out.read_bytes()


def test_the_day_when_the_national_market_opened_is_the_start_of_an_episode(windows: bytes) -> None:
    results = [json.loads(line) for line in windows.splitlines()]
    assert len(results) == 135
    opened = next(result for result in results if result["start"] == "1997-05-05T00:00:00Z")
    before = next(result for result in results if result["end"] == "1997-05-05T00:00:00Z")
    assert (before["verdict"], opened["verdict"]) != ("drift", "ok")
    drifted = {name for name, column in opened["columns"].items() if column["verdict"] == "drift"}
    assert drifted == {"transfer", "vicdemand", "vicprice"}
    assert opened["episode"].endswith("1997-05-05T00:00:00Z")


@pytest.mark.parametrize("name", ["events.jsonl.gz", "events.jsonl.zst"])
def test_a_compressed_log_gives_the_same_bytes(market: Path, windows: bytes, tmp_path: Path, name: str) -> None:
    plain = (market / "events.jsonl").read_bytes()
    packed = gzip.compress(plain, 1) if name.endswith("gz") else zstandard.ZstdCompressor().compress(plain)
    (tmp_path / name).write_bytes(packed)
    assert replayed(market, tmp_path / name) == windows


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_of_the_same_log_gives_the_same_bytes(market: Path, windows: bytes, tmp_path: Path, kind: str) -> None:
    rows = [json.loads(line) for line in (market / "events.jsonl").read_bytes().splitlines()]
    flat = [{"at": row["time"], "score": row["prediction"], **row["features"]} for row in rows]
    log, config = tmp_path / f"log.{kind}", market / f"{kind}.yml"
    if kind == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(flat[0]))
        writer.writeheader()
        writer.writerows(flat)
        log.write_text(text.getvalue())
    else:
        pd.DataFrame(flat).to_parquet(log)
    config.write_text((market / "driftline.yml").read_text() + "logs: {time: at, prediction: score}\n")
    assert replayed(market, log, config=config) == windows


def test_a_log_split_into_files_gives_the_same_windows(market: Path, windows: bytes, tmp_path: Path) -> None:
    lines = (market / "events.jsonl").read_bytes().splitlines(keepends=True)
    parts = [tmp_path / f"part-{i}.jsonl" for i in range(3)]
    for i, part in enumerate(parts):
        part.write_bytes(b"".join(lines[i::3]))
    assert sorted(replayed(market, *parts).splitlines()) == sorted(windows.splitlines())


def test_replaying_again_under_another_hash_seed_gives_the_same_bytes(market: Path, windows: bytes) -> None:
    assert replayed(market, market / "events.jsonl") == windows


def test_drift_is_an_exit_code_where_it_is_asked_for(market: Path) -> None:
    log = market / "events.jsonl"
    shown = run(market, "--config", "driftline.yml", log, "--fail-on-drift", code=1)
    assert "nsw-price" in shown
    assert "drift of nsw-price 1 opened: transfer, vicdemand, vicprice" in shown
    assert "45,312 events counted" in shown
    calm = market / "calm.jsonl"
    calm.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[336:3_360]))
    run(market, "--config", "driftline.yml", calm, "--fail-on-drift")


def test_every_line_of_a_bad_file_is_counted_once_and_told_with_its_place(tmp_path: Path) -> None:
    values = {name: (value or b"", fate) for name, (value, fate) in CASES.items() if name != "future"}
    log, rejected = tmp_path / "bad.jsonl", tmp_path / "rejected.jsonl"
    log.write_bytes(b"\n".join(value for value, _ in values.values()) + b"\n")
    shown = run(tmp_path, "--config", small(tmp_path), log, "--rejected", rejected, "--out", tmp_path / "windows.jsonl")

    # In a file a tombstone is an empty line, and there is no broker whose clock could tell the future.
    fates = {name: "empty" if fate == "tombstone" else fate for name, (_, fate) in values.items()}
    unusable = {name: fate for name, fate in fates.items() if fate not in ("event", "empty")}
    told = [json.loads(line) for line in rejected.read_bytes().splitlines()]
    places = {name: place for place, name in enumerate(values)}
    assert {(bad["offset"], bad["reason"]) for bad in told} == {(places[n], fate) for n, fate in unusable.items()}
    assert {bad["log"] for bad in told} == {str(log)}
    counts = Counter(fates.values())
    assert f"{counts['event']} events counted" in shown
    for reason, count in counts.items():
        assert reason == "event" or f"{count} {reason}" in shown
    (result,) = [json.loads(line) for line in (tmp_path / "windows.jsonl").read_bytes().splitlines()]
    assert result["events"] == counts["event"]
    assert (result["columns"]["age0"]["invalid"], result["columns"]["age0"]["missing"]) == (1, 1)


def test_too_late_events_are_in_no_window_and_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "late.jsonl"
    on_time = window(START) + window(START + 60 * SECOND, n=6_000)  # more than are read at a time
    log.write_bytes(b"\n".join([*on_time, *window(START, n=7)]) + b"\n")
    out = tmp_path / "windows.jsonl"
    shown = run(tmp_path, "--config", small(tmp_path), log, "--out", out)
    assert "6,407 events counted, 7 of them too late" in shown
    assert sum(json.loads(line)["events"] for line in out.read_bytes().splitlines()) == 6_400


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "nowhere.yml", "events.jsonl"], "nowhere.yml"),
        (["--config", "driftline.yml", "nothing.jsonl"], "nothing.jsonl"),
        (["--config", "driftline.yml", "events.jsonl", "--out", "no/folder/out.jsonl"], "cannot be written"),
        (["--config", "driftline.yml", "driftline.yml"], "driftline.yml"),
    ],
)
def test_wrong_use_exits_with_two_and_says_what_is_wrong(market: Path, arguments: list[str], message: str) -> None:
    assert message in run(market, *arguments, code=2)


def test_topics_that_cannot_be_reached_exit_with_three(market: Path) -> None:
    config = market / "nobody.yml"
    config.write_text((market / "driftline.yml").read_text() + 'kafka: {brokers: "127.0.0.1:1"}\n')
    assert "127.0.0.1:1" in run(market, "--config", config, code=3)
