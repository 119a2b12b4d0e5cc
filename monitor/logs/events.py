"""A typed decoder of one model version's events, made from its profile: three times faster than decoding to dicts.

It reads what nearly every event holds: numbers in numeric columns, strings in categorical ones, whole milliseconds.
It raises at everything else, and the event goes the careful way (`careful.py`). A column that is odd time and again
gets a type that takes anything, so that a producer that always sends strings costs little more than one that does not;
and where columns that the profile does not know have come time and again, they are passed over.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from types import NoneType
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import astuple

from monitor.drift.bins import Floats
from monitor.logs.careful import TIME, UNKNOWN
from monitor.logs.columns import MISSING_NUMBER, NO_CATEGORY, NO_NUMBER, Layout
from monitor.logs.contract import category_name
from monitor.logs.derive import Cells, by_source
from monitor.logs.millis import Millis, Zoned, milliseconds

PATIENCE = 8  # odd values of a column before its type takes anything

AnyNumber = float | str | bool | list[Any] | dict[str, Any] | None
NoObject = str | float | bool | list[Any] | None
NO_OBJECT = frozenset((str, float, bool, list))
AnyCategory = str | int | float | bool | list[Any] | dict[str, Any] | None
"""Types in which msgspec tells all JSON values apart; integers stay exact only where they are names."""


class Key(NamedTuple):
    """Whose events: the model and version as configured, and the field that names the model."""

    model: str
    version: str
    named_by: Literal["model", "feature_view"]


class Reader:
    """Decodes events of one key. `decode` is replaced when a column turns out odd; the fields keep their order."""

    def __init__(self, key: Key, layout: Layout, *, versions: Iterable[str | int | None]) -> None:
        self.key = key
        self.layout = layout
        self._versions = tuple(versions)
        self._odd: Counter[int] = Counter()
        self._tolerant: set[int] = set()
        self._instead: dict[str, tuple[Any, Any]] = {}  # of features and segments that are null, or no object
        columns = layout.profile.columns
        self._predictions = [i for i in range(len(columns)) if columns[i].role == "prediction"]
        self._segments = [i for i in layout.categorical if columns[i].role == "segment"]
        beside = {*self._predictions, *self._segments}
        self._features = [i for i in (*layout.numeric, *layout.categorical) if i not in beside]
        self._numeric = sum(1 for i in layout.numeric if i not in self._predictions)
        self._sources = by_source(layout.values)
        read = [columns[i].name for i in self._features]
        self._alone = [name for name in self._sources if name not in read]  # what only derived columns read
        self._place = {name: place for place, name in enumerate([*read, *self._alone])}
        self.decode: Callable[[bytes], Any] | None = self._decoder() if self._typed() else None

    def note(self, odd: Sequence[int]) -> None:
        """Count the odd columns of an event; replaces `decode` if one has been odd too often."""
        self._odd.update(odd)
        fed_up = {i for i in odd if self._odd[i] >= PATIENCE} - self._tolerant
        if fed_up and self.decode is not None:
            self._tolerant |= fed_up
            self.decode = self._decoder()

    def times(self, events: list[Any]) -> npt.NDArray[np.int64]:
        """Times of decoded events; of strings they may lie outside the bounds of a time."""
        times = map(attrgetter("time"), events)
        if TIME in self._tolerant:
            return milliseconds(times, len(events))
        return np.fromiter(times, dtype=np.int64, count=len(events))

    def columns(self, events: list[Any]) -> tuple[Floats, Cells]:
        """Floats (numeric columns, n) and cells (categorical columns, n) of decoded events."""
        n = len(events)
        values: list[Sequence[Any]] = list(zip(*map(astuple, self._held("features", events)), strict=True))
        made = [list(map(v.compute, values[self._place[v.source]])) for v in self.layout.values]
        numeric, categorical = values[: self._numeric], values[self._numeric : len(self._features)]
        if self._segments:
            categorical += zip(*map(astuple, self._held("segments", events)), strict=True)
        for i in self._predictions:
            (numeric if i in self.layout.numeric else categorical).append(list(map(attrgetter("prediction"), events)))
        for place, i in enumerate(self.layout.numeric):
            if i in self._tolerant:
                numeric[place] = _numbers(numeric[place])
        for place, i in enumerate(self.layout.categorical):
            if i in self._tolerant:
                categorical[place] = _names(categorical[place])
        numeric += made
        cells = [map(table.__getitem__, names) for table, names in zip(self.layout.tables, categorical, strict=True)]
        return (
            np.fromiter(chain.from_iterable(numeric), np.float64, len(numeric) * n).reshape(
                len(numeric), n
            ),  # None becomes nan
            np.fromiter(chain.from_iterable(cells), np.int64, len(cells) * n).reshape(len(cells), n),
        )

    def _held(self, field: Literal["features", "segments"], events: list[Any]) -> list[Any]:
        """What decoded events hold in a field; where it is null all columns are missing, where no object invalid."""
        null, other = self._instead[field]
        found = [*map(attrgetter(field), events)]
        if {*map(type, found)} <= {type(null)}:
            return found
        return [null if one is None else other if type(one) in NO_OBJECT else one for one in found]

    def _typed(self) -> bool:
        """Whether a struct can hold these columns: msgspec takes no quotes or control characters in a field's name."""
        names = [*self._place, *self.layout.segments]
        plain = all(not set(name) & {'"', "\\"} and min(name, default=" ") >= " " for name in names)
        return plain and len(self._predictions) <= 1

    def _decoder(self) -> Callable[[bytes], Any]:
        literal: Any = Literal
        columns = self.layout.profile.columns
        fields = [(f"c{i}", *self._type(i)) for i in self._features]
        fields += [(f"s{self._place[name]}", self._type_of_source(name), None) for name in self._alone]
        renamed = {f"c{i}": columns[i].name for i in self._features}
        renamed |= {f"s{self._place[name]}": name for name in self._alone}
        strict = UNKNOWN not in self._tolerant
        features = msgspec.defstruct("Features", fields, rename=renamed, gc=False, forbid_unknown_fields=strict)
        self._instead["features"] = features(), None
        outer: list[Any] = [
            (self.key.named_by, literal[self.key.model]),
            ("time", Millis | Zoned if TIME in self._tolerant else Millis),
            ("features", features | None, msgspec.field(default_factory=features)),
        ]
        if self._segments:
            fields = [(f"c{i}", *self._type(i)) for i in self._segments]
            renamed = {f"c{i}": columns[i].name for i in self._segments}
            segments = msgspec.defstruct("Segments", fields, rename=renamed, gc=False)
            self._instead["segments"] = segments(), segments(*[NO_CATEGORY] * len(fields))
            outer.append(("segments", segments | NoObject, msgspec.field(default_factory=segments)))
        if self.key.named_by == "feature_view":
            outer.append(("model", None, None))
        version = literal[self._versions]
        outer.insert(0, ("version", version)) if None not in self._versions else outer.append(
            ("version", version, None)
        )
        outer += [("prediction", *self._type(i)) for i in self._predictions]
        return msgspec.json.Decoder(msgspec.defstruct("Event", outer, gc=False)).decode

    def _type(self, i: int) -> tuple[Any, Any]:
        """Type and default of a column."""
        if i in self.layout.numeric:
            return (AnyNumber if i in self._tolerant else float | None), math.nan
        return (AnyCategory if i in self._tolerant else str | None), None

    def _type_of_source(self, name: str) -> Any:
        """Type of a value that only derived columns read: what they take, unless it was something else too often."""
        if any(value.index in self._tolerant for value in self._sources[name]):
            return AnyCategory
        return str | None if self._sources[name][0].takes == "text" else list[float] | None


def _numbers(values: Sequence[Any]) -> list[float]:
    return [value if type(value) is float else MISSING_NUMBER if value is None else NO_NUMBER for value in values]


def _names(values: Sequence[Any]) -> list[Any]:
    plain = (str, NoneType)
    return [value if type(value) in plain else category_name(value) or NO_CATEGORY for value in values]
