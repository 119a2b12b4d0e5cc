"""What derived columns add to decoding and counting, each alone, on events with a text and an embedding.

python -m benchmarks.derived
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import workload
from benchmarks.decode import BATCH, EVENTS, WINDOWS, timed
from monitor.logs.contract import Target
from monitor.logs.json import JsonDecoder
from monitor.reference import build

WISHES = ("", "weekday", "weekday:Europe/Berlin", "text_length:note", "oov:note", "distance:vector", "pca", "domain")
WORDS, DIMENSIONS = 20, 384


def values() -> list[bytes]:
    """Events with a note of twenty words and a vector."""
    made = []
    for i, value in enumerate(workload.events(EVENTS)):
        event = json.loads(value)
        event["features"]["note"] = " ".join(f"word{(i * 7 + j * j) % 500}" for j in range(WORDS))
        event["features"]["vector"] = [((i * 31 + j * 17) % 1000) / 1000 for j in range(DIMENSIONS)]
        made.append(json.dumps(event, separators=(",", ":")).encode())
    return made


def main() -> None:
    """Print the microseconds of CPU per event that each function adds, where its input is read anyway and where not."""
    logged = values()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_bytes(b"\n".join(logged[:2_000]))
        works = {wish: _decoding(path, wish, logged) for wish in WISHES}
    taken = timed([(wish, None, work) for wish, work in works.items()], rounds=5)
    plain = taken[""]
    print(
        f"decode and count alone: {statistics.median(plain):.2f} µs per event (its note and its vector are passed over)"
    )
    for wish in WISHES[1:]:
        added = [a - b for a, b in zip(taken[wish], plain, strict=True)]
        print(f"{wish:20}{statistics.median(added):7.2f}")


def _decoding(path: Path, wish: str, logged: list[bytes]) -> Callable[[], object]:
    derive = [wish] if wish else []
    unread = [name for name in ("note", "vector") if name not in wish]
    against = [path] if "domain" in wish else []
    owner = workload.MODEL, workload.VERSION
    profile, _ = build([path], model=owner[0], version=owner[1], ignore=unread, derive=derive, against=against)
    decoder = JsonDecoder({owner: Target(profile, WINDOWS)})
    batches = [logged[i : i + BATCH] for i in range(0, len(logged), BATCH)]
    return lambda: [decoder.count(part, None) for part in batches]


if __name__ == "__main__":
    main()
