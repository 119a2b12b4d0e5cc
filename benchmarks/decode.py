"""What decoding and counting costs, as a share of what stdlib `json.loads` alone takes on the same bytes.

CPU time per event, each case measured in turn in every round, so that whatever else the machine does falls on all of
them. A case is compared with the one it names, round by round.

    python -m benchmarks.decode
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks import workload
from monitor.drift.windows import Windows
from monitor.logs.contract import Target
from monitor.logs.json import JsonDecoder

HOUR = 3_600_000
WINDOWS = Windows(HOUR, HOUR)

TARGETS = {"decode and count": 0.45, "a string in one numeric column": 1.5}

Case = tuple[str, str | None, Callable[[], object]]  # what is measured, what it is compared with, the work


def measure(events: int = 20_000, *, rounds: int = 7, batch: int = 10_000, more: bool = False) -> list[dict[str, Any]]:
    """A row per case: microseconds of CPU per event (min, median) and the ratio to the case it is compared with.

    `ratio` is the median over the rounds, `ratio_min` that of the minima, `target` the most it may be. more: also the
    streams that are harder than plain, which have no target.
    """
    cases = _cases(events, batch) + (_more(events, batch) if more else [])
    for _, _, work in cases:
        work()
    taken: dict[str, list[float]] = {name: [] for name, _, _ in cases}
    for _ in range(rounds):
        for name, _, work in cases:
            gc.collect()
            start = time.process_time()
            work()
            taken[name].append((time.process_time() - start) / events * 1e6)
    return [_row(name, other, taken) for name, other, _ in cases]


def _row(name: str, other: str | None, taken: dict[str, list[float]]) -> dict[str, Any]:
    mine = taken[name]
    row = {
        "case": name,
        "rounds": len(mine),
        "microseconds_min": min(mine),
        "microseconds_median": statistics.median(mine),
    }
    if other:
        ratios = [a / b for a, b in zip(mine, taken[other], strict=True)]
        row |= {"compared_with": other, "ratio": statistics.median(ratios), "ratio_min": min(mine) / min(taken[other])}
    return row | ({"target": TARGETS[name]} if name in TARGETS else {})


def _json_loads(values: Sequence[bytes]) -> None:
    for value in values:  # nothing is kept, so that the garbage collector has nothing to look through
        json.loads(value)


def _cases(events: int, batch: int) -> list[Case]:
    plain = workload.events(events)
    text = workload.events(events, text_in=workload.NUMERIC[3])
    return [
        ("json.loads", None, lambda: _json_loads(plain)),
        ("decode and count", "json.loads", _decoding(plain, batch)),
        ("a string in one numeric column", "decode and count", _decoding(text, batch)),
    ]


def _more(events: int, batch: int) -> list[Case]:
    plain = workload.events(events)
    dated = [json.dumps(json.loads(value) | {"time": "2024-01-01T00:00:00.123Z"}).encode() for value in plain]
    accents = [value.replace(b"channel-", "channel-é".encode()) for value in plain]
    nulls = [value.replace(b'"prediction":', b'"prediction":null,"p":') for value in plain]
    broken = [value[:-1] for value in plain]
    models = [f"credit{i}".encode() for i in range(20)]
    mixed = [value.replace(b'"credit"', b'"' + models[i % 20] + b'"') for i, value in enumerate(plain)]
    names = [model.decode() for model in models]
    return [
        ("decode with the broker's times", "json.loads", _decoding(plain, batch, stamps=True)),
        ("batches of 1,000", "json.loads", _decoding(plain, 1_000)),
        ("one pane in 50 events", "json.loads", _decoding(plain, batch, windows=Windows(500, 500))),
        (
            "twenty models in one topic",
            "json.loads",
            _decoding(mixed, batch, models=names),
        ),
        ("RFC 3339 times", "json.loads", _decoding(dated, batch)),
        ("text beyond ASCII", "json.loads", _decoding(accents, batch)),
        ("null predictions", "json.loads", _decoding(nulls, batch)),
        ("every event broken", "json.loads", _decoding(broken, batch)),
        ("every event of an unknown model", "json.loads", _decoding(mixed, batch)),
    ]


def _decoding(
    values: Sequence[bytes],
    batch: int,
    *,
    models: Sequence[str] = (workload.MODEL,),
    windows: Windows = WINDOWS,
    stamps: bool = False,
) -> Callable[[], object]:
    """Decode and count the values in batches, by one decoder that lives on from round to round."""
    profiles = {(model, workload.VERSION): replace(workload.profile(), model=model) for model in models}
    decoder = JsonDecoder({owner: Target(profile, windows) for owner, profile in profiles.items()})
    batches = [values[i : i + batch] for i in range(0, len(values), batch)]
    times = [[workload.START + HOUR] * len(part) for part in batches] if stamps else [None] * len(batches)
    return lambda: [decoder.count(part, known) for part, known in zip(batches, times, strict=True)]


def main() -> None:
    """Print the table."""
    size = statistics.mean(map(len, workload.events(1_000)))
    print(
        f"{size:.0f} bytes per event, {len(workload.profile().columns)} columns; CPU µs per event, median and minimum"
    )
    for row in measure(more=True):
        times = f"{row['case']:34}{row['microseconds_median']:7.2f}{row['microseconds_min']:7.2f}"
        ratio = f"  {row['ratio']:.2f} ({row['ratio_min']:.2f}) x {row['compared_with']}" if "ratio" in row else ""
        print(times + ratio + (f", target {row['target']}" if "target" in row else ""))


if __name__ == "__main__":
    main()
