"""Whatever a reference and its segments hold, every window of any log has a verdict: odd rows, built and replayed.

Segments that lie in the last bin, sleep by day, or come once a week; columns that are constant, missing or of two
values; gaps, and references of an hour.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from monitor import settings
from monitor.drift import profiles
from monitor.pipeline.merge import Output
from monitor.pipeline.results import Result, decode, encode
from monitor.replay import files, replay
from tests.logfiles import HOUR, START, made, write

Rng = np.random.Generator
MIDNIGHT = START - START % (24 * HOUR)


def rows(rng: Rng, first: int, hours: int) -> str:
    """JSON lines of some hours of tiers that are as different as can be."""
    swing, rate = rng.choice([0.0, 0.5, 3.0]), rng.choice([3, 20])
    asleep, vip, gaps = rng.random() < 0.5, rng.choice([0.0, 0.01, 0.3]), rng.choice([0.0, 0.3])
    found = []
    for hour in range(first, first + hours):
        night = hour % 24 < 6
        for i in range(0 if rng.random() < gaps else rng.poisson(rate)):
            tier = "vip" if rng.random() < vip else "night" if night else "day" if asleep else "ab"[i % 2]
            amount = rng.normal() + swing * np.sin(hour / 24 * 2 * np.pi) + (1_000 if tier == "vip" else 0)
            features = {"amount": amount, "flag": i % 2, "constant": 1, "kind": f"k{rng.geometric(0.3)}", "never": None}
            features["merchant"] = f"m{rng.integers(400) if tier != 'vip' else rng.integers(5)}"
            if tier == "night":
                del features["flag"]
            event = {"model": "credit", "version": "3", "time": MIDNIGHT + hour * HOUR + i, "features": features}
            found.append(json.dumps(event | {"segments": {"tier": tier if rng.random() < 0.9 else None}}))
    return "\n".join([*found, ""])


@pytest.mark.parametrize("seed", range(32))
def test_every_window_of_any_log_has_a_verdict(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = int(rng.choice([1, 24 * 9, 24 * 9]))
    write(tmp_path, "credit.jsonl", rows(rng, 0, hours) or rows(np.random.default_rng(0), 0, 1))
    write(tmp_path, "live.jsonl", rows(rng, hours, 12))
    reference, _ = made(tmp_path / "credit.jsonl", segments=["tier"], chunk=HOUR, bins=20, categories=10)
    write(tmp_path, "credit-3.json", profiles.encode(reference))
    window = ("size: 1h, zone: Europe/Berlin", "size: 1h", "size: 3h", "size: 30m")[seed % 4]
    text = f"models: [{{name: credit, versions: {{'3': credit-3.json}}, window: {{{window}}}, min_events: 1}}]\n"
    config = settings.load(write(tmp_path, "driftline.yml", text))
    outputs: list[Output] = []
    summary = replay(config, files(config, [tmp_path / "live.jsonl"]), on_output=outputs.append)
    results = [output for output in outputs if isinstance(output, Result)]
    events = sum(result.events for result in results if result.segment is None)
    assert events == (tmp_path / "live.jsonl").read_text().count("\n")
    assert summary.late == 0
    assert [decode(encode(result)) for result in results] == results  # JSON has no word for what is no number
