"""Events whose place in every column's bins is known because they were made for it, not because we counted them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.examples import profile

# What to write for each cell of a column of `tests.examples.profile`: its bins, then missing, then invalid.
AGE: tuple[object, ...] = (25.0, 40.0, 60.0, None, "old")
COUNTRY: tuple[object, ...] = ("DE", "FR", None, "XX", None, ["DE"])  # `other` stays empty: the reference had no others
SCORE: tuple[object, ...] = (25.0, 40.0, 60.0, None, "high")
CELLS = {"age0": AGE, "country": COUNTRY, "score": SCORE}
WEIGHTS = {"age0": (30, 40, 25, 4, 1), "country": (60, 30, 0, 4, 5, 1), "score": (50, 30, 15, 4, 1)}
VERSION = "3"

Expected = dict[tuple[str, int], dict[str, list[int]]]  # by model and window start: the counts of every column


@dataclass(frozen=True, slots=True)
class Template:
    """An event but for its id and time, and the cell of each column that it belongs to."""

    model: str
    head: bytes
    tail: bytes
    cells: Mapping[str, int]

    def event(self, number: str, time: int) -> bytes:
        """The event as it is logged."""
        return b'%b"id":"%b","time":%d,%b' % (self.head, number.encode(), time, self.tail)


def templates(models: tuple[str, ...], rng: random.Random, *, each: int = 64) -> list[Template]:
    """Different events of each model, drawn `each` times by the weights above."""
    drawn = [_template(model, rng) for model in models for _ in range(each)]
    return list({(template.head, template.tail): template for template in drawn}.values())


def _template(model: str, rng: random.Random) -> Template:
    cells = {name: rng.choices(range(len(WEIGHTS[name])), WEIGHTS[name])[0] for name in CELLS}
    value = {name: CELLS[name][cell] for name, cell in cells.items()}
    body = {"features": {"age0": value["age0"], "country": value["country"]}, "prediction": value["score"]}
    head = json.dumps({"model": model, "version": VERSION})[:-1] + ","
    return Template(model, head.encode(), json.dumps(body)[1:].encode(), cells)


def expected(made: list[Template], ledger: Counter[tuple[int, int]]) -> Expected:
    """What the windows must hold, from how often each template was confirmed in each window (start, ms)."""
    found: Expected = {}
    for (start, number), times in ledger.items():
        template = made[number]
        columns = found.setdefault((template.model, start), {name: [0] * len(cells) for name, cells in CELLS.items()})
        for name, cell in template.cells.items():
            columns[name][cell] += times
    return found


def widths() -> dict[str, int]:
    """Cells of each column as the profile has them: the table above must agree with it."""
    return {column.name: len(column.counts) for column in profile().columns}
