"""What every decoder of logs promises: bytes and profiles in, counts per pane out, and the events it could not use.

A decoder is a pure function of the bytes, the targets and the panes that the block has opened. It does no I/O and reads
no clock, and its sums do not depend on where a batch begins or ends. Every value is accounted for exactly once:
events + skipped + rejected == len(values).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from monitor.drift.profiles import Profile
from monitor.drift.segments import Segmentation
from monitor.drift.windows import Windows

NOT_JSON = "not_json"
TOO_DEEP = "too_deep"
TOO_LARGE = "too_large"
NOT_AN_EVENT = "not_an_event"
BAD_TIME = "bad_time"
FUTURE_TIME = "future_time"
UNKNOWN_MODEL = "unknown_model"
UNKNOWN_VERSION = "unknown_version"
TOO_MANY_PANES = "too_many_panes"
REASONS = (
    NOT_JSON,
    TOO_DEEP,
    TOO_LARGE,
    NOT_AN_EVENT,
    BAD_TIME,
    FUTURE_TIME,
    UNKNOWN_MODEL,
    UNKNOWN_VERSION,
    TOO_MANY_PANES,
)

TOMBSTONE, EMPTY = "tombstone", "empty"  # what is skipped without harm

MAX_BYTES = 1_000_000  # of an event, unless configured
MAX_PANES = 1_000  # of a model version in a block, unless configured
MESSAGE = 500  # longest message of a rejected event, in characters
UNKNOWN_NAMES = 100  # most unknown columns remembered for a model version
UNKNOWN_LENGTH = 100  # characters kept of the name of one


Opened = Mapping[tuple[str, str, str], Collection[int]]
"""The panes (starts) that a block has opened so far, by model, version and reference."""


class PaneKey(NamedTuple):
    """Whose counts: `segment` is "" for all events, `profile` names the reference, `pane` is its start in UTC ms."""

    model: str
    version: str
    profile: str
    segment: str
    pane: int


@dataclass(frozen=True, slots=True)
class Target:
    """What is monitored for one model version: the reference's bins and the windows whose panes are counted.

    `segmentations` are those of the profile by which events are counted as well.
    Events from the `since` of its `successor` on (event time, UTC ms) are counted on that one instead.
    """

    profile: Profile
    windows: Windows
    since: int | None = None
    successor: Target | None = None
    segmentations: tuple[Segmentation, ...] = ()

    @property
    def reference(self) -> str:
        """Names the reference in keys: its fingerprint and, of one that came later, since when it is in force."""
        return self.profile.fingerprint if self.since is None else f"{self.profile.fingerprint}@{self.since}"

    @property
    def segments(self) -> tuple[str, ...]:
        """Names of the segments that are counted beside all events."""
        return tuple(name for found in self.segmentations for name in found.segments)

    @property
    def until(self) -> int | None:
        """When the next reference comes into force."""
        return self.successor.since if self.successor else None

    def all(self) -> Iterator[Target]:
        """This one and those that follow it, in the order of time."""
        yield self
        if self.successor:
            yield from self.successor.all()

    def starting_in(self, pane: int) -> Iterator[int]:
        """Starts of the windows that hold a pane and no event of another reference, earliest first.

        size 4, step 2     0   2   4   6   8   10    B is in force from 4 on; [2, 6) would hold events of both
                           |---A---|---B---|         and is nobody's
                                       |---B---|
        """
        for start in self.windows.starting_in(pane):
            ours = self.since is None or start >= self.since
            if ours and (self.until is None or not start < self.until < self.windows.end(start)):
                yield start


@dataclass(frozen=True, slots=True)
class Rejected:
    """A value that could not be used: its place in the batch, one of REASONS, and a printable message."""

    index: int
    reason: str
    message: str


@dataclass(slots=True)
class Counted:
    """What one batch held. `latest` is the largest event time counted; counts may be of any width that holds them.

    `unknown_columns` has those of the first events that bring any; once they are common it is a sample, not a census.
    """

    counts: dict[PaneKey, npt.NDArray[np.integer[Any]]] = field(default_factory=dict)
    events: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)
    latest: int | None = None
    unknown_columns: dict[tuple[str, str], set[str]] = field(default_factory=dict)


class Decoder(Protocol):
    """Turns logged values into counts."""

    def count(
        self, values: Sequence[bytes | None], timestamps: Sequence[int] | None, *, opened: Opened | None = None
    ) -> Counted:
        """Counts of a batch. timestamps: the broker's, in milliseconds, one per value; None for files.

        opened: what the batches before this one have opened of the same block; None where this one begins it.
        """
        ...


def in_force_since(reference: str) -> int | None:
    """The time in a reference's name; None for one that was there from the beginning.

    >>> in_force_since("39fc76358f96@1796083200000"), in_force_since("39fc76358f96")
    (1796083200000, None)
    """
    time = reference.partition("@")[2]
    return int(time) if time.lstrip("-").isdecimal() else None


def category_name(value: object) -> str | None:
    """The one name of a category, however it was written: 1, 1.0 and "1" are the same; None where it is no scalar.

    Shared by the logs and by `reference build`, so that a value falls into the bin that the reference gave it.

    >>> [category_name(value) for value in ("a", 7, 7.0, 0.5, True, -0.0, [1], None, float("nan"))]
    ['a', '7', '7', '0.5', 'true', '0', None, None, None]
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(float(value))
    return None


def note_unknown(known: dict[tuple[str, str], set[str]], found: Mapping[tuple[str, str], set[str]]) -> None:
    """Add the unknown columns of a batch to those known so far, never more than UNKNOWN_NAMES for a model version."""
    for key, names in found.items():
        noted = known.setdefault(key, set())
        noted.update(sorted(names - noted)[: max(UNKNOWN_NAMES - len(noted), 0)])
