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

# Of what is written. Read are also 1, whose sources had no `redo`, 2, whose windows had no verdict, and 3, whose series
# had no trail.
FORMAT = 4
READ = frozenset({1, 2, 3, FORMAT})
MARKER = "marker"
REMEDY = (
    "stop all workers, delete the state and the summaries topic, and count everything again as docs/operations.md says"
)


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
        return Plan(records, Record(self._key(MARKER, 0), seal(body)), useless)

    def _record(self, key: str, slot: int, data: bytes | None) -> Record:
        return Record(self._key(key, slot), seal(msgspec.msgpack.encode([FORMAT, self._number, data])))

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
        incarnation, slot, key = _name(raw)
        runs.setdefault(incarnation, {})[key, slot] = value
    found, faults = [], []
    for incarnation, items in sorted(runs.items()):
        if (MARKER, 0) in items:
            try:
                found.append(_read(items))
            except (DriftlineError, ValueError, TypeError) as error:
                faults.append(f"{incarnation}: {error}")
    if not found and faults:
        raise DriftlineError(f"no checkpoint can be read ({'; '.join(faults)}); or {REMEDY}")
    if not found:
        return None
    offset, state = max(found, key=lambda entry: entry[0])
    return Restored(state, offset, list(kept))


def _name(raw: bytes) -> tuple[str, int, str]:
    """Incarnation, slot and item of a record's key."""
    try:
        incarnation, slot, key = raw.decode().split("|", 2)
        return incarnation, int(slot), key
    except ValueError as error:
        raise DriftlineError(f"the state topic holds a record whose key is damaged: {raw!r}; {REMEDY}") from error


def _read(items: Mapping[tuple[str, int], bytes]) -> tuple[int, dict[str, bytes]]:
    """The items of the checkpoint that an incarnation's marker names; raises where they are not all there."""
    version, *fields = msgspec.msgpack.decode(unseal(items[MARKER, 0]))
    if version not in READ:
        raise DriftlineError(
            f"written in format {version}, this version of driftline reads {', '.join(map(str, sorted(READ)))}: "
            "run the version that wrote it"
        )
    number, offset, count, summary = fields
    newest: dict[str, tuple[int, bytes | None]] = {}
    for (key, _), value in items.items():
        if key == MARKER:
            continue
        _, written, data = msgspec.msgpack.decode(unseal(value))
        if written <= number and written > newest.get(key, (0, None))[0]:
            newest[key] = (written, data)
    state = {key: data for key, (_, data) in newest.items() if data is not None}
    if len(state) != count or _summary({key: newest[key][0] for key in state}) != summary:
        raise DriftlineError(f"checkpoint {number} names {count} items, {len(state)} of them are there")
    return offset, state


def _summary(numbers: Mapping[str, int]) -> bytes:
    """Names a set of items and the checkpoints that wrote them."""
    return _digest("\n".join(f"{key} {number}" for key, number in sorted(numbers.items())).encode())


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def seal(body: bytes) -> bytes:
    """A record's value: a checksum before its content."""
    return zlib.crc32(body).to_bytes(4, "big") + body


def unseal(value: bytes) -> bytes:
    """The content that was sealed. Raises DriftlineError where it is not what was sealed."""
    if zlib.crc32(value[4:]) != int.from_bytes(value[:4], "big"):
        raise DriftlineError("a record's checksum does not match its content")
    return value[4:]
