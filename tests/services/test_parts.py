"""Own segments of events, a reference compared beside, and days of a zone through killed workers: the replay's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitor.drift.profiles import Chunks, Profile, Role
from tests.examples import HOUR, profile, profile_file, segmented
from tests.services.deployment import driftline
from tests.services.small import ENOUGH, Deploy, event
from tests.services.waiting import wait_for

DAY = 24 * HOUR
MIDNIGHT = 1_774_738_800_000  # 29 March 2026 in Berlin: the day has 23 hours


def log(days: int) -> list[bytes]:
    """Days of events with their country in `segments`; from the third on all those of FR drift."""
    starts = [MIDNIGHT, *(MIDNIGHT + 23 * HOUR + i * DAY for i in range(days - 1))]
    return [
        with_segment(start + i * 60_000, i=i // 4, drifted=number >= 2 and i // 4 % 8 >= 5)
        for number, start in enumerate(starts)
        for i in range(ENOUGH * 2)
    ]


def with_segment(when: int, **options: Any) -> bytes:
    """An event whose country stands beside its features."""
    made = json.loads(event(when, **options))
    made["segments"] = {"country": made["features"].pop("country")}
    return json.dumps(made).encode()


def beside(reference: Profile) -> Profile:
    """The reference of such events."""
    roles: dict[str, Role] = {"country": "segment"}
    return replace(reference, columns=tuple(replace(c, role=roles.get(c.name, c.role)) for c in reference.columns))


def over_days(reference: Profile) -> Profile:
    """The reference with the counts of each of its twenty days, all alike."""
    row = np.concatenate([column.counts for column in reference.columns]) // 20
    starts = tuple(MIDNIGHT - (20 - i) * DAY for i in range(20))
    return replace(reference, chunks=Chunks.of(DAY, starts, np.array([row] * 20, dtype=np.int32)))


@pytest.mark.timeout(180)
def test_parts_of_a_model_are_the_replays_byte_for_byte_although_a_worker_is_killed(deploy: Deploy) -> None:
    deployed = deploy(idle="60s")  # no partition is taken for idle while others are written
    reference = segmented(over_days(beside(profile())))
    profile_file(deployed.folder, reference)
    (deployed.folder / "other.json").write_bytes(
        profile_file(deployed.folder, replace(beside(profile()), version="2")).read_bytes()
    )
    deployed.settings["models"][0] |= {
        "versions": {"3": {"profile": "credit-3.json", "compare": {"before": "other.json"}}},
        "window": {"size": "1d", "zone": "Europe/Berlin"},
        "min_events": 100,
    }
    deployed.config.write_text(json.dumps(deployed.settings))
    events = log(5)  # the fifth day closes the fourth, and stays open
    first = deployed.start_worker()
    deployed.produce(events[: len(events) // 2])
    deployed.wait_for_windows(3, 60)
    first.process.kill()
    worker = deployed.start_worker()
    deployed.produce(events[len(events) // 2 :])
    found = deployed.wait_for_windows(12, 60)

    path, out = deployed.folder / "all.jsonl", deployed.folder / "replayed.jsonl"
    path.write_bytes(b"\n".join(events))
    driftline("replay", "--config", deployed.config, path, "--out", out)
    expected = {json.loads(line)["id"]: line for line in out.read_bytes().splitlines()}
    last = max(json.loads(line)["start"] for line in expected.values())
    assert found == {name: line for name, line in expected.items() if json.loads(line)["start"] != last}
    assert len(found) == 12  # four days of all events, of DE and of FR
    whole = [result for result in map(json.loads, found.values()) if result["segment"] is None]
    lengths = {result["start"]: result["end"] for result in whole}
    assert lengths["2026-03-28T23:00:00Z"] == "2026-03-29T22:00:00Z"
    assert [set(result["compared"]) for result in whole] == [{"before"}] * 4
    shifts = [result["columns"]["country"]["lasting"] for result in sorted(whole, key=lambda result: result["start"])]
    assert [shift and shift["windows"] for shift in shifts] == [None, 2, 3, 3]
    moved = max(whole, key=lambda result: str(result["start"]))["segments"]["drifted"]
    assert {"country": "FR"} in [part["segment"] for part in moved]
    line = 'driftline_model_verdict{model="credit",version="3",segment="country=FR"}'
    wait_for(lambda: worker.metric(line) == 2, 20, "the segment's verdict on the page")
