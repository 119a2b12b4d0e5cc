"""`driftline demo`: what a newcomer sees in the first minute, with no service at all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from monitor.demo import market
from monitor.demo.run import shift_to_now
from tests.markdown import ROOT, blocks
from tests.services.ports import free_ports
from tests.services.process import Process

COMMAND = [sys.executable, "-m", "monitor.cli", "demo"]
WEEK = 7 * 86_400_000


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the demo printed, and its folder."""
    folder = tmp_path_factory.mktemp("demo")
    env = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [*COMMAND, "--out", "market"], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout, folder / "market"


def test_the_picture_in_the_readme_is_what_the_demo_shows(played: tuple[str, Path]) -> None:
    (picture,) = [block.text for block in blocks(ROOT / "README.md", "text") if "episode opens" in block.text]
    seen = {line.rstrip() for line in played[0].splitlines()}
    assert [line for line in picture.splitlines() if line.rstrip() not in seen] == []


def test_the_last_words_say_what_was_found_when_and_what_to_type_next(played: tuple[str, Path]) -> None:
    said = " ".join(played[0].split())
    assert "45,312 events made 135 weekly windows" in said
    assert "The first of these is the week of 1997-05-05" in said
    assert "reference show market/reference-1.json" in said
    assert "replay --config market/driftline.yml market/events.jsonl" in said


def test_what_it_tells_to_type_next_works(played: tuple[str, Path]) -> None:
    commands = re.findall(r"^  \S+ ((?:reference show|replay) .*)$", played[0], re.MULTILINE)
    before = (played[1] / "windows.jsonl").read_bytes()
    for words in commands:
        subprocess.run([*COMMAND[:-1], *words.split()], cwd=played[1].parent, check=True, capture_output=True)
    assert len(commands) == 2
    assert (played[1] / "windows.jsonl").read_bytes() == before


def test_serve_keeps_the_metrics_on_loopback_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    demo = Process("demo", [*COMMAND, "--serve", "--port", str(port), "--out", str(tmp_path)], tmp_path / "log")
    page: list[str] = []

    def asked() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            page.append(response.read().decode())
        return True

    try:
        demo.wait_until(asked, 60, "the page")
        ratios = re.findall(r'driftline_column_drift_ratio\{[^}]*column="transfer"[^}]*\} (\S+)', page[-1])
        assert [float(ratio) > 1 for ratio in ratios] == [True]
        demo.signal(signal.SIGINT)
    finally:
        assert demo.stop() == 0


def test_the_model_has_seen_the_reference_period_alone() -> None:
    whole = market.load()
    features, rises = whole.features.copy(), whole.rises.copy()
    features[market.REFERENCE :] *= 3
    rises[market.REFERENCE :] = 1 - rises[market.REFERENCE :]
    first = slice(0, market.REFERENCE)
    assert market.predict(market.Market(features, rises))[first].tolist() == market.predict(whole)[first].tolist()


def test_the_model_predicts_better_than_the_more_frequent_answer() -> None:
    played = market.load()
    reference = slice(0, market.REFERENCE)
    rises = played.rises[reference]
    right = ((market.predict(played)[reference] > 0.5) == (rises > 0.5)).mean()
    assert right > max(rises.mean(), 1 - rises.mean()) + 0.05


@pytest.mark.parametrize("now", [1_772_359_200.0, 1_800_000_000.5])
def test_the_log_is_played_as_if_it_ended_within_the_last_week_on_the_same_weekdays(now: float) -> None:
    played = market.load()
    shift = shift_to_now(played, now=now)
    last = market.START + (len(played.features) - 1) * market.HALF_HOUR + shift
    assert shift % WEEK == 0
    assert 0 <= now * 1000 - last - market.HALF_HOUR < WEEK
    first, *_ = market.events(played, shift=shift)
    assert json.loads(first)["time"] == market.START + shift
