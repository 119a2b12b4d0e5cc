"""Keeps the newest outcome of every row in outcomes.json, and writes them as the table in docs/faults.md."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.matrix import Outcome

ROOT = Path(__file__).parents[2]
OUTCOMES = Path(__file__).with_name("outcomes.json")
PAGE = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
HEAD = "| | fault | seed | events | how it bit | counted again | MORE | LESS | windows again after | |"
RULE = "|---|---|---|---|---|---|---|---|---|---|"


def entry(outcome: Outcome) -> dict[str, Any]:
    """The outcome as it is kept."""
    return asdict(outcome) | {"verdict": outcome.verdict}


def read() -> dict[str, dict[str, Any]]:
    """The newest outcome of every row."""
    return dict(json.loads(OUTCOMES.read_text())) if OUTCOMES.exists() else {}


def write(outcome: Outcome) -> None:
    """Replace the row's outcome, and the page's table."""
    kept = read() | {outcome.row: entry(outcome)}
    ordered = dict(sorted(kept.items(), key=lambda item: int(item[0][1:])))
    OUTCOMES.write_text(json.dumps(ordered, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(ordered)}\n{END}{after}")


def table(outcomes: dict[str, dict[str, Any]]) -> str:
    """The outcomes as a Markdown table."""
    return "\n".join([HEAD, RULE, *(_line(found) for found in outcomes.values())])


def _line(found: dict[str, Any]) -> str:
    if found["absent"]:
        return f"| {found['row']} | {found['title']} | | | | | | | | not run: {found['absent']} |"
    bites = ", ".join(f"{what} {times:,g}" for what, times in found["bites"].items())
    recovery = "" if found["recovery"] is None else f"{found['recovery']:.1f} s"
    cells = [
        found["row"],
        found["title"],
        found["seed"],
        f"{found['events']:,}",
        bites,
        f"{found['reprocessed']:,}",
        found["more"],
        found["less"],
        recovery,
        found["verdict"],
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
