"""Hypothesis strategies that several tests share."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from monitor.drift.bins import Counts

Pair = tuple[Counts, Counts]


@st.composite
def count_pairs(draw: st.DrawFn, *, bins: int = 1, largest: int = 60, empty: bool = False) -> Pair:
    """A reference and a current sample on the same bins, at least `bins` of them; many cells hold nothing.

    No cell holds more than `largest`. With `empty` a whole sample may hold nothing.
    """
    size = draw(st.integers(bins, 12))
    cells = st.lists(st.just(0) | st.integers(0, largest), min_size=size, max_size=size)
    reference, current = (draw(cells if empty else cells.filter(any)) for _ in range(2))
    return np.array(reference, dtype=np.int64), np.array(current, dtype=np.int64)
