"""What decoding and counting costs, as a share of what stdlib `json.loads` alone takes on the same bytes.

CPU time per event, each case measured in turn in every round, so that whatever else the machine does falls on all of
them. A case is compared with the one it names, round by round.

    python -m benchmarks.decode
"""

from __future__ import annotations

import gc
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks import workload
from benchmarks.harness import Row, cpu_of, ratios
from monitor.drift.windows import Windows
from monitor.logs.contract import Target
from monitor.logs.json import JsonDecoder

HOUR = 3_600_000
WINDOWS = Windows(HOUR, HOUR)
EVENTS, BATCH = 20_000, 10_000

Case = tuple[str, str | None, Callable[[], object]]  # what is measured, what it is compared with, the work
PLAIN, TEXT, LOADS = "decode and count", "a string in one numeric column", "json.loads"


def measure(*, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """The row of the decoder."""
    say("decode: all rounds")
    taken = timed(_cases(EVENTS, BATCH), rounds=rounds)
    plain, loads = taken[PLAIN], taken[LOADS]
    return [
        Row(
            "decode and count alone, against json.loads on the same bytes",
            f"× {LOADS}",
            0.45,
            "at most",
            ratios(plain, loads),
            {"decode and count, µs of CPU per event": plain, "json.loads alone, µs of CPU per event": loads},
        )
    ]


def timed(cases: Sequence[Case], *, rounds: int) -> dict[str, list[float]]:
    """Microseconds of CPU per event of each case, by round; the cases take turns."""
    for _, _, work in cases:
        work()
    taken: dict[str, list[float]] = {name: [] for name, _, _ in cases}
    for _ in range(rounds):
        for name, _, work in cases:
            gc.collect()
            taken[name].append(cpu_of(work) / EVENTS * 1e6)
    return taken


def _json_loads(values: Sequence[bytes]) -> None:
    for value in values:  # nothing is kept, so that the garbage collector has nothing to look through
        json.loads(value)


def _cases(events: int, batch: int) -> list[Case]:
    plain = workload.events(events)
    text = workload.events(events, text_in=workload.NUMERIC[3])
    return [
        (LOADS, None, lambda: _json_loads(plain)),
        (PLAIN, LOADS, _decoding(plain, batch)),
        (TEXT, PLAIN, _decoding(text, batch)),
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
        ("decode with the broker's times", LOADS, _decoding(plain, batch, stamps=True)),
        ("batches of 1,000", LOADS, _decoding(plain, 1_000)),
        ("one pane in 50 events", LOADS, _decoding(plain, batch, windows=Windows(500, 500))),
        (
            "twenty models in one topic",
            LOADS,
            _decoding(mixed, batch, models=names),
        ),
        ("RFC 3339 times", LOADS, _decoding(dated, batch)),
        ("text beyond ASCII", LOADS, _decoding(accents, batch)),
        ("null predictions", LOADS, _decoding(nulls, batch)),
        ("every event broken", LOADS, _decoding(broken, batch)),
        ("every event of an unknown model", LOADS, _decoding(mixed, batch)),
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
    """Print all cases, the streams that are harder than plain among them."""
    size = statistics.mean(map(len, workload.events(1_000)))
    print(
        f"{size:.0f} bytes per event, {len(workload.profile().columns)} columns; CPU µs per event, median and minimum"
    )
    cases = _cases(EVENTS, BATCH) + _more(EVENTS, BATCH)
    taken = timed(cases, rounds=7)
    for name, other, _ in cases:
        ratio = f"  {statistics.median(ratios(taken[name], taken[other])):.2f} × {other}" if other else ""
        print(f"{name:34}{statistics.median(taken[name]):7.2f}{min(taken[name]):7.2f}{ratio}")


if __name__ == "__main__":
    main()
