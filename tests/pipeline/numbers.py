"""A program that prints every method's numbers on many pairs of counts, as they are published: one line a column.

python -m tests.pipeline.numbers
"""

from __future__ import annotations

import random

import msgspec
import numpy as np

from monitor.config import ColumnRules
from monitor.drift.bins import SPECIAL, Bins, Counts, Ordered, Unordered
from monitor.drift.methods import METHODS
from monitor.drift.profiles import Column, Profile
from monitor.pipeline.compare import Comparison

WINDOWS = 30


def counts(values: int, bins: int, rng: random.Random) -> Counts:
    """A thousand events or so, in the first values of the bins."""
    drawn = [rng.randrange(2_000 // values) for _ in range(values)]
    return np.array([*drawn, *[0] * (bins - values + SPECIAL)], dtype=np.int64)


def main() -> None:
    rng = random.Random(5)
    edges = np.array(sorted(rng.random() for _ in range(199)))
    ordered = Ordered(edges, np.concatenate(([0.0], (edges[1:] + edges[:-1]) / 2, [1.0])))
    names = Unordered(tuple(f"c{i}" for i in range(30)))
    made: list[tuple[str, Bins, str, int]] = [("amount", ordered, "ordered", 200)]
    made += [("country", names, "unordered", 30), ("new", names, "unordered", 2)]
    for name, bins, kind, values in made:
        found = Column(name, "feature", bins, counts(values, bins.values, rng))
        methods = tuple(m.name for m in METHODS.values() if kind in m.kinds and (values == 2 or not m.binary))
        rules = {name: ColumnRules(methods=methods, primary={"ordered": "ks", "unordered": "chi2"}[kind])}
        compare = Comparison(Profile("credit", "3", (found,)), rules, pvalue=0.001, min_events=1)
        for _ in range(WINDOWS):
            print(msgspec.json.encode(compare(counts(values, bins.values, rng))).decode())


if __name__ == "__main__":
    main()
