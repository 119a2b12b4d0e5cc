"""Counts by pane, in little memory: a pane with few events is packed, because most of its cells are zero.

So scattered event times cost what their events hold, and not a wide vector of counts for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import Counts
from monitor.logs.contract import PaneKey
from monitor.pipeline.envelopes import pack, unpack

SPARSE = 8  # less than an eighth of the cells filled: packed they take less than half, whatever their width


class Panes(Mapping[PaneKey, Counts]):
    """Totals by pane. dtype: wide enough for any total."""

    def __init__(self, dtype: npt.DTypeLike = np.int64) -> None:
        self._dtype = np.dtype(dtype)
        self._held: dict[PaneKey, npt.NDArray[Any] | bytes] = {}

    def add(self, key: PaneKey, change: npt.NDArray[np.integer[Any]]) -> None:
        """Add to a pane, in place where it is large."""
        known = self._held.get(key)
        if isinstance(known, np.ndarray):
            np.add(known, change, out=known, casting="unsafe")
            return
        total = change if known is None else change + unpack(known)
        sparse = np.count_nonzero(total) * SPARSE < len(total)
        self._held[key] = pack(total) if sparse else total.astype(self._dtype)

    def packed(self, key: PaneKey) -> bytes:
        """A pane as it is sent and stored: the same total always gives the same bytes."""
        held = self._held[key]
        return held if isinstance(held, bytes) else pack(held)

    def __getitem__(self, key: PaneKey) -> Counts:
        """A copy of the counts."""
        held = self._held[key]
        return unpack(held) if isinstance(held, bytes) else held.astype(np.int64)

    def __delitem__(self, key: PaneKey) -> None:
        del self._held[key]

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[PaneKey]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)
