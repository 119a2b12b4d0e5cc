"""One batch on its way from bytes to counts: every value ends as an event, as skipped or as rejected, exactly once."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import numpy as np

from monitor.drift.bins import Counts
from monitor.drift.windows import Windows
from monitor.logs.careful import Row, open_envelope, read_row, scalar, unknown_columns
from monitor.logs.columns import Part, join
from monitor.logs.contract import (
    EMPTY,
    FUTURE_TIME,
    MESSAGE,
    TOMBSTONE,
    TOO_MANY_PANES,
    Counted,
    Opened,
    PaneKey,
    Rejected,
    note_unknown,
)
from monitor.logs.events import Key, Reader
from monitor.logs.millis import HIGH, LOW
from monitor.logs.routes import Routes
from monitor.logs.screen import Screen, Unusable

CHUNK = 500  # events decoded at a time: their objects stay in the processor's cache
STRANGERS = 8  # events that are not the likely target's before the rest of a chunk is sorted by target
BLANK = b" \t\r\n"

Owner = tuple[str, str]  # model, version


class Batch:
    """Parts decoded so far, rows read with care, and values that wait to be decoded with others of their target."""

    def __init__(self, routes: Routes, screen: Screen) -> None:
        self._routes = routes
        self._screen = screen
        self._counted = Counted()
        self._parts: dict[Owner, list[Part]] = {}
        self._rows: dict[Owner, list[tuple[int, Row]]] = {}
        self._waiting: dict[Key, tuple[list[int], list[bytes]]] = {}
        self._sampled: set[Owner] = set()
        self.elsewhere: list[int] = []  # places of events whose time belongs to another reference of their target

    def read(self, start: int, values: Sequence[bytes | None], likely: Key | None) -> Key | None:
        """Take in the values from place `start` of the batch on; returns whose events are likely to come next."""
        places, texts = self._usable(start, values)
        done = self._decode(self._routes.reader(likely), places, texts, strangers=STRANGERS) if likely else 0
        sizes: dict[Key, int] = {}
        for place, text in zip(places[done:], texts[done:], strict=True):
            key = self._routes.guess(text)
            if key is None:
                self._read_carefully(place, text)
                continue
            waiting = self._waiting.setdefault(key, ([], []))
            waiting[0].append(place)
            waiting[1].append(text)
            sizes[key] = sizes.get(key, 0) + 1
        if 2 * done >= len(texts):
            return likely
        largest = max(sizes, key=lambda key: sizes[key], default=None)
        return largest if largest and 2 * sizes[largest] > len(texts) else None

    def finish(self, timestamps: Sequence[int] | None, *, max_future: int, max_panes: int, opened: Opened) -> Counted:
        """The counts of everything taken in."""
        for key, (places, texts) in self._waiting.items():
            for i in range(0, len(texts), CHUNK):
                self._decode(self._routes.reader(key), places[i : i + CHUNK], texts[i : i + CHUNK])
        for owner, rows in self._rows.items():
            self._parts.setdefault(owner, []).append(_part(rows))
        received = None if timestamps is None else np.fromiter(timestamps, dtype=np.int64)
        for owner in sorted(self._parts):
            part = self._in_force(owner, join(self._parts[owner]))
            if received is not None:
                part = self._present(part, received, max_future)
            target = self._routes.targets[owner]
            known = opened.get((*owner, target.reference), ())
            # An event opens a pane of all events and of a segment in each segmentation.
            most = max(max_panes // (1 + len(target.segmentations)), 1)
            self._count(owner, self._fitting(part, target.windows, most, known))
        self._counted.rejected.sort(key=lambda rejected: rejected.index)
        return self._counted

    def _usable(self, start: int, values: Sequence[bytes | None]) -> tuple[Sequence[int], Sequence[bytes]]:
        """The values that may hold an event, with their places; the others are skipped or rejected here."""
        if self._screen.clean(values):
            return range(start, start + len(values)), values  # type: ignore[return-value]  # no tombstone among them
        places, texts = [], []
        for place, value in enumerate(values, start):
            if value is None or not value.strip(BLANK):
                self._counted.skipped[TOMBSTONE if value is None else EMPTY] += 1
                continue
            try:
                self._screen.check(value)
            except Unusable as flaw:
                self._reject(place, flaw)
                continue
            places.append(place)
            texts.append(value)
        return places, texts

    def _decode(
        self, reader: Reader, places: Sequence[int], texts: Sequence[bytes], *, strangers: float = math.inf
    ) -> int:
        """Decode values by a typed reader, what it refuses with care; returns how many, fewer if strangers abound."""
        decode = reader.decode
        if decode is None:
            for place, text in zip(places, texts, strict=True):
                self._read_carefully(place, text)
            return len(texts)
        events: list[Any] = []
        refused: list[int] = []
        source = iter(texts)
        decoding = map(decode, source)
        while True:
            try:
                events.extend(decoding)  # keeps what came before an exception, and the map goes on after it
                break
            except (msgspec.MsgspecError, ValueError):
                i = len(events) + len(refused)
                refused.append(i)
                if self._read_carefully(places[i], texts[i]) != reader.key:
                    strangers -= 1
                if strangers <= 0:
                    break
                if reader.decode is not decode:
                    decode = reader.decode or decode
                    decoding = map(decode, source)
        done = len(events) + len(refused)
        if events:
            self._keep(reader, places[:done], texts, events, refused)
        return done

    def _keep(
        self, reader: Reader, places: Sequence[int], texts: Sequence[bytes], events: list[Any], refused: list[int]
    ) -> None:
        """Turn decoded events into a part of their target."""
        index = np.delete(np.asarray(places, dtype=np.int64), refused)
        part = Part(index, reader.times(events), *reader.columns(events))
        outside = (part.times < LOW) | (part.times >= HIGH)
        if outside.any():  # times written as strings are bounded here, not in their type
            values = dict(zip(places, texts, strict=False))
            for place in index[outside].tolist():
                self._read_carefully(place, values[place])
            part = part.take(~outside)
        owner = reader.key[:2]
        if len(part.index):
            self._parts.setdefault(owner, []).append(part)
            if owner not in self._sampled:  # what has come too often to be looked for in every event
                self._sampled.add(owner)
                first = texts[list(places).index(int(part.index[0]))]
                self._note_unknown(owner, unknown_columns(first, self._routes.layouts[owner]))

    def _read_carefully(self, place: int, text: bytes) -> Key | None:
        """Keep or reject one event; returns whose it is, None if it was rejected."""
        if not text.strip(BLANK):
            self._counted.skipped[EMPTY] += 1
            return None
        try:
            envelope = open_envelope(text)
            model = scalar(envelope.model)
            view = scalar(envelope.feature_view) if model is None else None
            key = self._routes.locate(model, view, scalar(envelope.version))
            row = read_row(envelope, self._routes.layouts[key[:2]])
        except Unusable as flaw:
            self._reject(place, flaw)
            return None
        self._routes.reader(key).note(row.odd)
        self._rows.setdefault(key[:2], []).append((place, row))
        self._note_unknown(key[:2], row.unknown)
        return key

    def _note_unknown(self, owner: Owner, names: set[str]) -> None:
        if names:
            note_unknown(self._counted.unknown_columns, {owner: names})

    def _count(self, owner: Owner, part: Part) -> None:
        """Add the events of one target to the counts of their panes."""
        if not len(part.index):
            return
        target = self._routes.targets[owner]
        for segment, pane, counts in self._routes.layouts[owner].count_panes(part, target.windows):
            self._counted.counts[PaneKey(*owner, target.reference, segment, pane)] = counts
        self._counted.events += len(part.index)
        latest = int(part.times.max())
        self._counted.latest = max(latest, self._counted.latest or latest)

    def _in_force(self, owner: Owner, part: Part) -> Part:
        """The events of the time in which the target's reference is in force; the others are left to another batch."""
        target = self._routes.targets[owner]
        outside = np.zeros(len(part.times), dtype=bool)
        if target.until is not None:
            outside |= part.times >= target.until
        if owner in self._routes.succeeding and target.since is not None:
            outside |= part.times < target.since
        if not outside.any():
            return part
        self.elsewhere += part.index[outside].tolist()
        return part.take(~outside)

    def _present(self, part: Part, timestamps: Counts, max_future: int) -> Part:
        """The events that do not come from the future; those that do are rejected."""
        received = timestamps[part.index]
        ahead = part.times - received
        future = (received >= 0) & (ahead > max_future)
        for place, lead in zip(part.index[future].tolist(), ahead[future].tolist(), strict=True):
            problem = f"the time is {lead} ms after the broker's, more than {max_future} ms; check the producer's clock"
            self._reject(place, Unusable(FUTURE_TIME, problem))
        return part.take(~future) if future.any() else part

    def _fitting(self, part: Part, windows: Windows, most: int, opened: Collection[int]) -> Part:
        """The events whose panes the block may hold; which panes come first is decided by the log's order alone."""
        if not len(part.index):
            return part
        panes = windows.panes_of(part.times)
        if len(opened) + windows.panes_from(int(panes.min()), int(panes.max())) <= most:
            return part
        distinct, pane_of = np.unique(panes, return_inverse=True)
        first = np.full(len(distinct), np.iinfo(np.int64).max)
        np.minimum.at(first, pane_of, part.index)
        new = np.flatnonzero(~np.isin(distinct, np.array(list(opened), dtype=np.int64)))
        surplus = new[np.argsort(first[new])][max(most - len(opened), 0) :]
        outside = np.isin(pane_of, surplus)
        for place in part.index[outside].tolist():
            problem = f"the block has {most} panes of this model already; raise kafka.panes, or lower kafka.block"
            self._reject(place, Unusable(TOO_MANY_PANES, problem))
        return part.take(~outside) if len(surplus) else part

    def _reject(self, place: int, flaw: Unusable) -> None:
        message = "".join(char if char.isprintable() else "?" for char in flaw.message[:MESSAGE])
        self._counted.rejected.append(Rejected(place, flaw.reason, message))


def _part(rows: list[tuple[int, Row]]) -> Part:
    """Rows read with care as a part."""
    return Part(
        np.array([place for place, _ in rows], dtype=np.int64),
        np.array([row.time for _, row in rows], dtype=np.int64),
        np.array([row.floats for _, row in rows], dtype=np.float64).T,
        np.array([row.cells for _, row in rows], dtype=np.int64).T,
    )
