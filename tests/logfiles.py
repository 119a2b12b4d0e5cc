"""Small logs as files, and references built from them, for the tests of both."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import monitor.demo
from monitor.config import LogFields
from monitor.drift.bins import Counts
from monitor.drift.profiles import Column, Profile
from monitor.drift.windows import Windows
from monitor.logs.contract import Target
from monitor.logs.files import events
from monitor.logs.json import JsonDecoder
from monitor.reference import Report, build

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_700_000_000_000 // DAY * DAY
ELECTRICITY = Path(monitor.demo.__file__).parent / "data" / "electricity.csv.gz"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def made(*paths: Path, **options: Any) -> tuple[Profile, Report]:
    return build(paths, **({"model": "credit", "version": "3"} | options))


def column(profile: Profile, name: str) -> Column:
    return next(column for column in profile.columns if column.name == name)


def flat(profile: Profile) -> list[int]:
    return np.concatenate([column.counts for column in profile.columns]).tolist()


def decoded(profile: Profile, path: Path, *, size: int = DAY, **mapping: Any) -> tuple[dict[int, Counts], Counter[str]]:
    """Counts by pane, and events not used by reason, as the stream's decoder counts the same file."""
    decoder = JsonDecoder({("credit", "3"): Target(profile, Windows(size, size))})
    panes: dict[int, Counts] = {}
    unused: Counter[str] = Counter()
    for batch in events(path, LogFields(**mapping), model="credit", version="3"):
        counted = decoder.count(batch, None)
        unused.update(rejected.reason for rejected in counted.rejected)
        unused.update(counted.skipped)
        for key, counts in counted.counts.items():
            panes[key.pane] = panes.get(key.pane, 0) + counts.astype(np.int64)
    return panes, unused


def half_hours(n: int = 3_000) -> list[dict[str, str]]:
    """The electricity market's first records, with their time in `ts` and two holes and an oddity."""
    with gzip.open(ELECTRICITY, "rt") as text:
        rows = [row for row, _ in zip(csv.DictReader(text), range(n), strict=False)]
    for i, row in enumerate(rows):
        del row["date"]
        row["ts"] = str(START + i * HOUR // 2)
    rows[3]["nswprice"], rows[4]["class"], rows[5]["nswdemand"] = "", "", "broken"
    return rows


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def typed(cell: str) -> float | str | None:
    try:
        return float(cell) if cell else None
    except ValueError:
        return cell


def as_json(rows: list[dict[str, str]], *, canonical: bool) -> bytes:
    lines = []
    for row in rows:
        values = {name: typed(cell) for name, cell in row.items()} | {"ts": int(row["ts"])}
        if canonical:
            features = {name: value for name, value in values.items() if name not in ("ts", "class")}
            values = {"model": "credit", "version": "3", "time": values["ts"], "features": features}  # type: ignore[dict-item]  # a mapping among cells
            values["prediction"] = typed(row["class"])
        lines.append(json.dumps(values))
    return "\n".join(lines).encode()
