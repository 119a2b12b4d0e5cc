"""What was used last, up to a weight: making it again costs time, and keeping all of it too much memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values of `most` weight in all; those whose use lies back farthest go first."""

    def __init__(self, most: int) -> None:
        self._most, self._weight = most, 0
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, None where it is not held."""
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    def put(self, key: K, value: V, weight: int) -> V:
        """Hold a value that was not, unless it is too heavy by itself; the value."""
        if weight <= self._most:
            self._held[key] = value, weight
            self._weight += weight
        while self._weight > self._most:
            self._weight -= self._held.popitem(last=False)[1][1]
        return value
