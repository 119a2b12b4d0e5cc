"""The log that every benchmark reads: 600-byte JSON events, 15 numeric and 5 categorical columns.

One function writes events, one builds the reference profile that fits them. Same seed, same bytes. The numeric columns
are 14 features and the prediction; the categorical ones have 5 to 20,000 categories with a long tail.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache

import numpy as np

from monitor.drift.bins import SPECIAL, Bins, Floats, count_ordered, count_unordered, ordered_bins, unordered_bins
from monitor.drift.profiles import Column, Profile, Role

MODEL, VERSION = "credit", "3"
START = 1_704_067_200_000  # 2024-01-01T00:00:00Z
EVERY = 10  # milliseconds from one event to the next
REFERENCE, REFERENCE_SEED = 50_000, 2**31 - 1  # rows of the reference, and where they come from
NUMERIC = tuple(f"amount_day_{i:02}" for i in range(14))
CATEGORICAL = {"channel": 5, "product": 40, "branch": 300, "postcode": 3_000, "merchant": 20_000}


def events(
    n: int,
    seed: int = 0,
    *,
    start: int = START,
    every: int = EVERY,
    model: str = MODEL,
    version: str = VERSION,
    text_in: str | None = None,
    shift: float = 0.0,
) -> list[bytes]:
    """`n` events in order of time, the first at `start`.

    text_in: a numeric feature that is a string in every event. shift: how far every numeric feature moves, in units
    of its spread, so that there is drift to find.
    """
    numbers, names = values(n, seed, shift)
    rows = np.column_stack(numbers).tolist()
    texts = zip(*names, strict=True)
    logged = []
    for i, (row, text) in enumerate(zip(rows, texts, strict=True)):
        features: dict[str, object] = dict(zip((*NUMERIC, *CATEGORICAL), (*row[:-1], *text), strict=True))
        if text_in is not None:
            features[text_in] = str(features[text_in])
        event = {
            "model": model,
            "version": version,
            "id": f"{seed:08x}-0000-4000-8000-{i:012x}",
            "time": start + i * every,
        }
        event |= {"features": features, "prediction": row[-1]}
        logged.append(json.dumps(event, separators=(",", ":")).encode())
    return logged


@cache
def profile(*, model: str = MODEL, version: str = VERSION, rows: int = REFERENCE) -> Profile:
    """The reference profile of these events, from `rows` rows of a seed of its own."""
    numbers, names = values(rows, REFERENCE_SEED, shift=0.0)
    columns = [numeric(name, "feature", column) for name, column in zip(NUMERIC, numbers, strict=False)]
    columns += [categorical(name, column) for name, column in zip(CATEGORICAL, names, strict=True)]
    columns.append(numeric("prediction", "prediction", numbers[-1]))
    return Profile(model, version, tuple(columns))


def values(n: int, seed: int, shift: float) -> tuple[list[Floats], list[list[str]]]:
    """Rounded values of the numeric columns, the prediction last, and the names of each categorical column."""
    rng = np.random.default_rng(seed)
    draws = (
        lambda: 1_000 + 200 * (rng.standard_normal(n) + shift),
        lambda: 100 * np.exp(rng.standard_normal(n) + shift),
        lambda: rng.random(n) + shift / 3.5,
        lambda: rng.poisson(40 + 6.3 * shift, n).astype(np.float64),
    )
    numbers = [np.round(draws[i % 4](), 6) for i in range(len(NUMERIC))]
    numbers.append(np.round(rng.beta(2, 5, n), 6))
    names = [[f"{name}-{int(code)}" for code in (size * rng.random(n) ** 3)] for name, size in CATEGORICAL.items()]
    return numbers, names


def numeric(name: str, role: Role, values: Floats) -> Column:
    bins = ordered_bins(values)
    return _column(name, role, bins, count_ordered(bins, values))


def categorical(name: str, values: list[str]) -> Column:
    labels, sizes = np.unique(values, return_counts=True)
    bins = unordered_bins(dict(zip(labels.tolist(), sizes.tolist(), strict=True)))
    return _column(name, "feature", bins, count_unordered(bins, values))


def _column(name: str, role: Role, bins: Bins, counts: Iterable[int]) -> Column:
    return Column(name, role, bins, np.array([*counts, *[0] * SPECIAL], dtype=np.int64))
