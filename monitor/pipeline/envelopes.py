"""An envelope carries what one block of a source partition adds, to one partition of the summaries topic.

It is a pure function of the log's bytes and the epoch: reading a topic twice gives the same closed envelopes, byte for
byte. The consumer group's generation travels in a header, not here.
"""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from monitor.drift.bins import Counts
from monitor.errors import DriftlineError
from monitor.logs.contract import PaneKey

FORMAT = 1
_WIDTHS = (1, 2, 4, 8)


class Part(NamedTuple):
    """The block's cumulative counts of one pane, packed."""

    key: PaneKey
    counts: bytes


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """What is known of block `block` of a source partition up to offset `end`, the next one that is not counted.

    A closed envelope holds all panes of the block; a snapshot those that changed since the previous snapshot, which
    had reached `since`. `latest` is the largest event time in the block (UTC ms). `idle` (ms) is set where the consumer
    has stood at the log's end. `partitions` is how many the source topic has, so that `merge` knows for whom to wait.
    """

    format: int
    topic: str
    partition: int
    partitions: int
    block: int
    start: int
    since: int
    end: int
    closed: bool
    epoch: str
    latest: int | None
    idle: int | None
    events: int
    skipped: dict[str, int]
    rejected: dict[str, int]
    parts: list[Part]


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(Envelope)


def encode(envelope: Envelope) -> bytes:
    """The envelope as bytes."""
    return _encoder.encode(envelope)


def decode(data: bytes) -> Envelope:
    """The envelope in bytes. Raises DriftlineError for anything that is not an envelope of this format."""
    try:
        envelope = _decoder.decode(data)
    except (ValueError, RecursionError) as error:
        raise DriftlineError(f"expected an envelope, got {len(data)} bytes that are none: {error}") from error
    if envelope.format != FORMAT:
        raise DriftlineError(
            f"expected an envelope of format {FORMAT}, got {envelope.format}; run workers of one version"
        )
    return envelope


def partition_of(model: str, partitions: int) -> int:
    """The partition of the summaries topic where all of a model meets; the same in every process and version."""
    return zlib.crc32(model.encode()) % partitions


def pack(counts: npt.NDArray[np.integer[Any]]) -> bytes:
    """Counts as the shorter of all cells, or the places and values of those that are not zero."""
    width = next(w for w in _WIDTHS if int(counts.max(initial=0)) < 1 << (8 * w - 1 if w == 8 else 8 * w))
    places = np.flatnonzero(counts)
    if len(places) * (4 + width) < len(counts) * width:
        body = places.astype("<u4").tobytes() + counts[places].astype(f"<u{width}").tobytes()
        return bytes([width | 0x80]) + len(counts).to_bytes(4, "little") + body
    return bytes([width]) + counts.astype(f"<u{width}").tobytes()


def unpack(data: bytes, size: int | None = None) -> Counts:
    """The counts that `pack` wrote. Raises DriftlineError where they are damaged, or not `size` cells."""
    cells, places, values = _read(data, size)
    if places is None:
        return values.astype(np.int64)
    counts = np.zeros(cells, dtype=np.int64)
    counts[places] = values
    return counts


def check(data: bytes, size: int) -> None:
    """Raise DriftlineError where `unpack` would, at less cost."""
    _read(data, size)


def _read(data: bytes, size: int | None) -> tuple[int, npt.NDArray[Any] | None, npt.NDArray[Any]]:
    """How many cells there are, the places of those that are told (None: all of them), and their values."""
    try:
        width, sparse = data[0] & 0x7F, data[0] & 0x80
        if width not in _WIDTHS:
            raise DriftlineError(f"expected packed counts, got a width of {width}")
        if not sparse:
            dense = np.frombuffer(data, dtype=f"<u{width}", offset=1)
            _check_size(len(dense), size)
            return len(dense), None, dense
        cells, body = int.from_bytes(data[1:5], "little"), data[5:]
        _check_size(cells, size)
        filled, rest = divmod(len(body), 4 + width)
        if rest:
            raise DriftlineError(f"expected packed counts of {4 + width} bytes each, got {len(body)} bytes")
        places = np.frombuffer(body, dtype="<u4", count=filled)
        if filled and int(places.max()) >= cells:
            raise DriftlineError(f"expected packed counts of {cells} cells, got one at {int(places.max())}")
        return cells, places, np.frombuffer(body, dtype=f"<u{width}", offset=4 * filled)
    except (ValueError, IndexError) as error:
        raise DriftlineError(f"expected packed counts, got {len(data)} damaged bytes: {error}") from error


def _check_size(got: int, size: int | None) -> None:
    if size is not None and got != size:
        raise DriftlineError(f"expected counts of {size} cells, got {got}; they were made on another reference profile")
