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

from monitor.drift.bins import SPECIAL, Bins, Counts, Ordered, Unordered
from monitor.drift.derivations import check_derived, decode_derived
from monitor.drift.derived import Derived
from monitor.drift.segments import Segmentation, check
from monitor.errors import DriftlineError

SCHEMA = "driftline.profile/1"
KINDS = ("numeric", "categorical")
REBUILD = "build it again with `driftline reference build`"
Role = Literal["feature", "prediction", "derived"]


@dataclass(frozen=True, slots=True)
class Column:
    """One monitored column: its bins and the reference's counts on them, `missing` and `invalid` at the end.

    `derived` says how it is made, where the events do not bring it.
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


@dataclass(frozen=True)
class Profile:
    """The reference of one model version. Times are UTC milliseconds of the reference's first and last event."""

    model: str
    version: str
    columns: tuple[Column, ...]
    start: int | None = None
    end: int | None = None
    chunks: Chunks | None = None
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
            check(self.segmentations, bins, whole, self.offsets)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each column's slice begins in the flat vector, and the vector's size at the end."""
        return tuple(int(i) for i in np.cumsum([0] + [column.size for column in self.columns]))

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
        return digest.hexdigest()[:12]


def encode(profile: Profile) -> bytes:
    """The profile as JSON, a line per column: the same profile always gives the same bytes."""
    head = _document(profile) | {"chunks": _encode_chunks(profile.chunks) if profile.chunks else None}
    if profile.segmentations:
        head["segmentations"] = [_encode_segmentation(found) for found in profile.segmentations]
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
        "columns": [_encode_column(column) for column in profile.columns],
    }


def _decode(document: dict[str, Any]) -> Profile:
    columns = tuple(map(_decode_column, _field(document, "columns", list)))
    packed = _field(document, "chunks", dict, NoneType)
    chunks = _decode_chunks(packed, sum(column.size for column in columns)) if packed else None
    names = [_field(document, key, str) for key in ("model", "version")]
    times = [_field(document, key, int, NoneType) for key in ("start", "end")]
    listed = _field(document, "segmentations", list) if "segmentations" in document else []
    size = sum(column.size for column in columns)
    segmentations = tuple(_decode_segmentation(found, size) for found in listed)
    return Profile(names[0], names[1], columns, times[0], times[1], chunks, segmentations)


def _field(document: Any, key: str, *kinds: type) -> Any:
    """A field of one of these types; flags are no numbers."""
    if not isinstance(document, dict) or key not in document:
        raise DriftlineError(f"{key!r} is missing")
    value = document[key]
    if type(value) not in kinds:
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise DriftlineError(f"{key!r} must be {expected}, got {type(value).__name__}")
    return value


def _array(document: Any, key: str, *, kinds: str) -> npt.NDArray[Any]:
    """A list of numbers whose numpy kinds are among `kinds`."""
    values = np.array(_field(document, key, list) or np.empty(0))
    if values.ndim != 1 or (values.dtype.kind not in kinds and len(values)) or not np.all(np.isfinite(values)):
        raise DriftlineError(f"{key!r} must be a list of {'numbers' if 'f' in kinds else 'integers of 64 bits'}")
    return values


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
    name, role, kind = (_field(document, key, str) for key in ("name", "role", "type"))
    if role not in get_args(Role) or kind not in KINDS:
        raise DriftlineError(
            f"column {name!r}: expected a role of {get_args(Role)} and a type of {KINDS}, got {role!r} and {kind!r}"
        )
    found = _field(document, "bins", dict)
    bins: Bins
    if kind == "numeric":
        edges, centers = (_array(found, key, kinds="iuf").astype(np.float64) for key in ("edges", "centers"))
        bins = Ordered(edges, centers)
    else:
        categories, others = (_field(found, key, list) for key in ("categories", "others"))
        # Interned: a hundred models share countries, currencies and product names.
        bins = Unordered(*(tuple(sys.intern(str(name)) for name in names) for names in (categories, others)))
    derived = decode_derived(document["derived"]) if document.get("derived") is not None else None
    return Column(name, role, bins, _array(document, "counts", kinds="i").astype(np.int64), derived)


def _encode_chunks(chunks: Chunks) -> dict[str, Any]:
    return {"size": chunks.size, "starts": chunks.starts, "counts": base64.b64encode(chunks.packed).decode()}


def _decode_chunks(document: Any, size: int) -> Chunks:
    length, counts = _field(document, "size", int), _field(document, "counts", str)
    starts = tuple(_array(document, "starts", kinds="i").astype(np.int64).tolist())
    raw = _unpacked(counts, len(starts) * size * 4)
    if length < 1:
        raise DriftlineError(f"chunks of {length} ms: expected at least 1 ms")
    return Chunks.of(length, starts, np.frombuffer(raw, dtype="<i4").reshape(len(starts), size))


def _encode_segmentation(found: Segmentation) -> dict[str, Any]:
    return {"columns": found.columns, "values": found.values, "counts": base64.b64encode(found.packed).decode()}


def _decode_segmentation(document: Any, size: int) -> Segmentation:
    columns, values = (_field(document, key, list) for key in ("columns", "values"))
    if not all(isinstance(value, list) for value in values):
        raise DriftlineError("'values' of segments must be lists of strings")
    named = tuple(tuple(sys.intern(str(part)) for part in value) for value in values)
    raw = _unpacked(_field(document, "counts", str), (len(named) + 2) * size * 8)
    counts = np.frombuffer(raw, dtype="<i8").reshape(len(named) + 2, size)
    return Segmentation.of(tuple(map(str, columns)), named, counts)


def _unpacked(text: str, expected: int) -> bytes:
    """So many bytes that were compressed; never more, whatever they would unpack to."""
    raw = zlib.decompressobj().decompress(base64.b64decode(text), expected + 1)
    if len(raw) != expected:
        raise DriftlineError(f"packed counts hold {len(raw)} bytes, expected {expected}")
    return raw
