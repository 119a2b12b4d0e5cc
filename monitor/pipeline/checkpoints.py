"""How merge's state lives in a compacted topic so that any cut between two records leaves a whole checkpoint.

Each run of a worker writes under a name of its own, its incarnation, so a worker that was thought dead harms nobody.
An item has two slots, and a checkpoint writes to the one that the last complete checkpoint does not use. The marker
comes last; it holds the checkpoint's number, the count of its items and their digest. Reading takes the complete
checkpoint with the largest input offset: all are true, because merge is deterministic, and that one is nearest.

    items of 7 (changed ones, free slots) ── confirmed ── marker 7 ── confirmed ── tombstones for what 7 made useless
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from monitor.errors import DriftlineError

FORMAT = 1
MARKER = "marker"


class Record(NamedTuple):
    """A record of the state topic; a value of None is a tombstone."""

    key: bytes
    value: bytes | None


class Plan(NamedTuple):
    """What to send, in this order, each step confirmed before the next."""

    items: list[Record]
    marker: Record
    useless: list[Record]


@dataclass(slots=True)
class _Item:
    """What the last complete checkpoint holds of an item."""

    slot: int
    number: int
    digest: bytes


@dataclass(slots=True)
class Checkpoints:
    """Writes the checkpoints of one partition in one incarnation; `stale` are keys of earlier ones, to be removed."""

    incarnation: str
    stale: list[bytes] = field(default_factory=list)
    _number: int = 0
    _items: dict[str, _Item] = field(default_factory=dict)

    def plan(self, state: Mapping[str, bytes], *, offset: int) -> Plan:
        """The next checkpoint, of the state after all input before `offset`. Its plan must be carried out, or nothing
        more be written by this incarnation."""
        self._number += 1
        records, useless = [], [Record(key, None) for key in self.stale]
        self.stale = []
        for key in sorted(self._items.keys() - state.keys()):
            item = self._items.pop(key)
            records.append(self._record(key, 1 - item.slot, None))
            # The value before the word that it is gone, or a crash between the two would bring it back.
            useless += [Record(self._key(key, slot), None) for slot in (item.slot, 1 - item.slot)]
        for key, data in sorted(state.items()):
            digest = _digest(data)
            known = self._items.get(key)
            if known is None or known.digest != digest:
                slot = 1 - known.slot if known else 0
                self._items[key] = _Item(slot, self._number, digest)
                records.append(self._record(key, slot, data))
        numbers = {key: item.number for key, item in self._items.items()}
        body = msgspec.msgpack.encode([FORMAT, self._number, offset, len(numbers), _summary(numbers)])
        return Plan(records, Record(self._key(MARKER, 0), _sealed(body)), useless)

    def _record(self, key: str, slot: int, data: bytes | None) -> Record:
        return Record(self._key(key, slot), _sealed(msgspec.msgpack.encode([FORMAT, self._number, data])))

    def _key(self, key: str, slot: int) -> bytes:
        return f"{self.incarnation}|{slot}|{key}".encode()


class Restored(NamedTuple):
    """A complete checkpoint, the input offset from which to go on, and every key that was found."""

    items: dict[str, bytes]
    offset: int
    keys: list[bytes]


def restore(records: Iterable[Record]) -> Restored | None:
    """The complete checkpoint with the largest input offset; None where there never was one.

    records: the state partition in order. Raises DriftlineError where markers exist but no checkpoint is whole.
    """
    latest = dict(records)
    kept = {key: value for key, value in latest.items() if value is not None}
    runs: dict[str, dict[tuple[str, int], bytes]] = {}
    for raw, value in kept.items():
        incarnation, slot, key = raw.decode().split("|", 2)
        runs.setdefault(incarnation, {})[key, int(slot)] = value
    found, faults = [], []
    for incarnation, items in sorted(runs.items()):
        if (MARKER, 0) in items:
            try:
                found.append(_read(items))
            except (DriftlineError, ValueError, TypeError) as error:
                faults.append(f"{incarnation}: {error}")
    if not found and faults:
        raise DriftlineError(
            f"no checkpoint is whole ({'; '.join(faults)}); delete the state topic's records and replay the log"
        )
    if not found:
        return None
    offset, state = max(found, key=lambda entry: entry[0])
    return Restored(state, offset, list(kept))


def _read(items: Mapping[tuple[str, int], bytes]) -> tuple[int, dict[str, bytes]]:
    """The items of the checkpoint that an incarnation's marker names; raises where they are not all there."""
    version, number, offset, count, summary = msgspec.msgpack.decode(_opened(items[MARKER, 0]))
    if version != FORMAT:
        raise DriftlineError(
            f"written in format {version}, this version of driftline reads {FORMAT}; run the newer version"
        )
    newest: dict[str, tuple[int, bytes | None]] = {}
    for (key, _), value in items.items():
        if key == MARKER:
            continue
        _, written, data = msgspec.msgpack.decode(_opened(value))
        if written <= number and written > newest.get(key, (0, None))[0]:
            newest[key] = (written, data)
    state = {key: data for key, (_, data) in newest.items() if data is not None}
    if len(state) != count or _summary({key: newest[key][0] for key in state}) != summary:
        raise DriftlineError(f"checkpoint {number} names {count} items, {len(state)} are there")
    return offset, state


def _summary(numbers: Mapping[str, int]) -> bytes:
    """Names a set of items and the checkpoints that wrote them."""
    return _digest("\n".join(f"{key} {number}" for key, number in sorted(numbers.items())).encode())


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def _sealed(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big") + body


def _opened(value: bytes) -> bytes:
    if zlib.crc32(value[4:]) != int.from_bytes(value[:4], "big"):
        raise DriftlineError("a record's checksum does not match its content")
    return value[4:]
