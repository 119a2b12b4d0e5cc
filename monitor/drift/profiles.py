"""A reference profile is the stored reference: bins and counts per column, no raw rows.

All columns of a profile share one flat vector of counts (see `summaries`); a column owns a slice of it. A profile's
fingerprint names its content: counts made on different profiles are never added.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from types import NoneType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from monitor.drift import segments
from monitor.drift.bins import SPECIAL, Bins, Counts, Ordered, Unordered
from monitor.drift.derivations import check_derived, decode_derived
from monitor.drift.derived import Derived
from monitor.drift.fields import array_of, field_of, unpacked
from monitor.drift.segments import Segmentation
from monitor.errors import DriftlineError

SCHEMA = "driftline.profile/1"
KINDS = ("numeric", "categorical")
REBUILD = "build it again with `driftline reference build`"
Role = Literal["feature", "segment", "prediction", "derived"]


@dataclass(frozen=True, slots=True)
class Column:
    """One monitored column: its bins and the reference's counts on them, `missing` and `invalid` at the end.

    One whose role is `segment` stands in the events' field `segments`, and has categories. `derived` says how it is
    made, where the events do not bring it.
    """

    name: str
    role: Role
    bins: Bins
    counts: Counts
    derived: Derived | None = None

    def __post_init__(self) -> None:
        if len(self.counts) != self.size:
            raise DriftlineError(
                f"column {self.name!r}: expected {self.size} counts for its bins, got {len(self.counts)}"
            )
        if np.any(self.counts < 0):
            raise DriftlineError(f"column {self.name!r}: counts must not be negative")
        if self.role == "segment" and self.ordered:
            raise DriftlineError(f"column {self.name!r}: what the events have in `segments` needs categorical bins")
        self.counts.setflags(write=False)

    @property
    def size(self) -> int:
        """Cells of the count vector."""
        return self.bins.values + SPECIAL

    @property
    def ordered(self) -> bool:
        """Whether the bins have an order (a numeric column)."""
        return isinstance(self.bins, Ordered)


@dataclass(frozen=True, slots=True)
class Chunks:
    """The reference's own counts over time: how far it moves by itself.

    `size` is a chunk's length in milliseconds, `cells` how many counts each has. They stay compressed until somebody
    asks: a month of hours of fifty columns would be 30 MB for each model of a worker.
    """

    size: int
    starts: tuple[int, ...]
    cells: int
    packed: bytes

    @classmethod
    def of(cls, size: int, starts: tuple[int, ...], counts: npt.NDArray[np.int32]) -> Chunks:
        """Chunks with these counts, of shape (starts, profile.size)."""
        if len(counts) != len(starts):
            raise DriftlineError(f"expected counts of {len(starts)} chunks, got {len(counts)}")
        return cls(size, starts, counts.shape[1], zlib.compress(counts.astype("<i4").tobytes(), 6))

    @property
    def counts(self) -> npt.NDArray[np.int32]:
        """The counts; shape (starts, profile.size)."""
        flat = np.frombuffer(zlib.decompress(self.packed), dtype="<i4")
        return flat.reshape(len(self.starts), self.cells)


@dataclass(frozen=True, slots=True)
class Update:
    """Live windows that were folded into the reference `parent` (its fingerprint): their stretch of time and events.

    `since`: what the reference had from before was forgotten; None where all was kept. Times are UTC milliseconds.
    """

    parent: str
    start: int
    end: int
    windows: int
    events: int
    since: int | None = None


@dataclass(frozen=True)
class Profile:
    """The reference of one model version. Times are UTC milliseconds of the reference's first and last event.

    `history` has the updates that made it of the one that was built, the oldest first.
    """

    model: str
    version: str
    columns: tuple[Column, ...]
    start: int | None = None
    end: int | None = None
    chunks: Chunks | None = None
    history: tuple[Update, ...] = ()
    segmentations: tuple[Segmentation, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if not names:
            raise DriftlineError(f"profile of {self.model!r}: expected at least one column, got none")
        if len(set(names)) < len(names):
            raise DriftlineError(f"profile of {self.model!r}: a column stands twice: {sorted(names)}")
        totals = {int(column.counts.sum()) for column in self.columns}
        if len(totals) > 1:
            raise DriftlineError(
                f"profile of {self.model!r}: every column must count the same events, got {sorted(totals)}"
            )
        for column in self.columns:
            if column.derived:
                check_derived(self, column)
        if self.chunks and self.chunks.cells != self.size:
            raise DriftlineError(
                f"profile of {self.model!r}: chunks have {self.chunks.cells} counts each, expected {self.size}"
            )
        if self.segmentations:
            bins = {column.name: column.bins for column in self.columns}
            whole = np.concatenate([column.counts for column in self.columns])
            segments.check(self.segmentations, bins, whole, self.offsets)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each column's slice begins in the flat vector, and the vector's size at the end."""
        return tuple(int(i) for i in np.cumsum([0] + [column.size for column in self.columns]))

    @property
    def segment_fields(self) -> set[str]:
        """Columns that stand in the events' own segments."""
        return {column.name for column in self.columns if column.role == "segment"}

    @property
    def size(self) -> int:
        """Cells of the flat vector of counts."""
        return self.offsets[-1]

    @cached_property
    def events(self) -> int:
        """Events in the reference."""
        return int(self.columns[0].counts.sum())

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that name the content, whatever compressed it."""
        digest = hashlib.sha256(json.dumps(_document(self)).encode())
        if self.chunks:
            digest.update(json.dumps([self.chunks.size, self.chunks.starts]).encode())
            digest.update(self.chunks.counts.astype("<i4").tobytes())
        for segmentation in self.segmentations:
            digest.update(json.dumps([segmentation.columns, segmentation.values]).encode())
            digest.update(segmentation.counts.astype("<i8").tobytes())
            if segmentation.moves:
                digest.update(zlib.decompress(segmentation.moves))
        return digest.hexdigest()[:12]


def encode(profile: Profile) -> bytes:
    """The profile as JSON, a line per column: the same profile always gives the same bytes."""
    head = _document(profile) | {"chunks": _encode_chunks(profile.chunks) if profile.chunks else None}
    if profile.segmentations:
        head["segmentations"] = [segments.encode(found) for found in profile.segmentations]
    columns = ",\n".join(json.dumps(column) for column in head.pop("columns"))
    return f'{json.dumps(head)[:-1]}, "columns": [\n{columns}\n]}}\n'.encode()


def decode(data: bytes) -> Profile:
    """The profile that `encode` wrote. Raises DriftlineError that says what is wrong with other bytes."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        message = f"a reference profile must be JSON: {error}; build it with `driftline reference build`"
        raise DriftlineError(message) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise DriftlineError(
            f"expected a reference profile of schema {SCHEMA!r}, got {schema!r}; "
            "build it again with `driftline reference build`"
        )
    try:
        return _decode(document)
    except (ValueError, zlib.error, DriftlineError) as error:
        raise DriftlineError(
            f"the reference profile is damaged: {error}; build it again with `driftline reference build`"
        ) from error


def _document(profile: Profile) -> dict[str, Any]:
    """Everything but the chunks' counts, ready for JSON."""
    return {
        "schema": SCHEMA,
        "model": profile.model,
        "version": profile.version,
        "events": profile.events,
        "start": profile.start,
        "end": profile.end,
        **({"history": [asdict(update) for update in profile.history]} if profile.history else {}),
        "columns": [_encode_column(column) for column in profile.columns],
    }


def _decode(document: dict[str, Any]) -> Profile:
    columns = tuple(map(_decode_column, field_of(document, "columns", list)))
    packed = field_of(document, "chunks", dict, NoneType)
    chunks = _decode_chunks(packed, sum(column.size for column in columns)) if packed else None
    names = [field_of(document, key, str) for key in ("model", "version")]
    times = [field_of(document, key, int, NoneType) for key in ("start", "end")]
    history = tuple(map(_decode_update, field_of(document, "history", list))) if "history" in document else ()
    listed = field_of(document, "segmentations", list) if "segmentations" in document else []
    size = sum(column.size for column in columns)
    segmentations = tuple(segments.decode(found, size, len(columns)) for found in listed)
    return Profile(names[0], names[1], columns, times[0], times[1], chunks, history, segmentations)


def _decode_update(document: Any) -> Update:
    start, end, windows, events = (field_of(document, key, int) for key in ("start", "end", "windows", "events"))
    since = field_of(document, "since", int, NoneType)
    return Update(field_of(document, "parent", str), start, end, windows, events, since)


def _encode_column(column: Column) -> dict[str, Any]:
    bins: dict[str, Any]
    if isinstance(column.bins, Ordered):
        bins = {"edges": column.bins.edges.tolist(), "centers": column.bins.centers.tolist()}
    else:
        bins = {"categories": column.bins.categories, "others": column.bins.others}
    kind = "numeric" if column.ordered else "categorical"
    made = {"derived": asdict(column.derived)} if column.derived else {}
    head = {"name": column.name, "role": column.role, "type": kind} | made
    return head | {"bins": bins, "counts": column.counts.tolist()}


def _decode_column(document: Any) -> Column:
    name, role, kind = (field_of(document, key, str) for key in ("name", "role", "type"))
    if role not in get_args(Role) or kind not in KINDS:
        raise DriftlineError(
            f"column {name!r}: expected a role of {get_args(Role)} and a type of {KINDS}, got {role!r} and {kind!r}"
        )
    found = field_of(document, "bins", dict)
    bins: Bins
    if kind == "numeric":
        edges, centers = (array_of(found, key, kinds="iuf").astype(np.float64) for key in ("edges", "centers"))
        bins = Ordered(edges, centers)
    else:
        categories, others = (field_of(found, key, list) for key in ("categories", "others"))
        # Interned: a hundred models share countries, currencies and product names.
        bins = Unordered(*(tuple(sys.intern(str(name)) for name in names) for names in (categories, others)))
    derived = decode_derived(document["derived"]) if document.get("derived") is not None else None
    return Column(name, role, bins, array_of(document, "counts", kinds="i").astype(np.int64), derived)


def _encode_chunks(chunks: Chunks) -> dict[str, Any]:
    return {"size": chunks.size, "starts": chunks.starts, "counts": base64.b64encode(chunks.packed).decode()}


def _decode_chunks(document: Any, size: int) -> Chunks:
    length, counts = field_of(document, "size", int), field_of(document, "counts", str)
    starts = tuple(array_of(document, "starts", kinds="i").astype(np.int64).tolist())
    raw = unpacked(counts, len(starts) * size * 4)
    if length < 1:
        raise DriftlineError(f"chunks of {length} ms: expected at least 1 ms")
    return Chunks.of(length, starts, np.frombuffer(raw, dtype="<i4").reshape(len(starts), size))
