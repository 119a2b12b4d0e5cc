"""Files plain or compressed by gzip or Zstandard, told apart by what they begin with and not by their names."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from monitor.errors import DriftlineError

SUFFIXES = (".gz", ".zst", ".zstd")
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 17  # bytes read at a time


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, decompressed. What goes wrong while they are read is a DriftlineError that names the file."""
    try:
        with path.open("rb") as raw:
            start = raw.peek(4)[:4]
            if not start:
                raise DriftlineError(f"{path}: expected events, got an empty file")
            if start.startswith(_GZIP):
                yield cast(BinaryIO, gzip.GzipFile(fileobj=raw))
            elif start == _ZSTD:
                yield cast(BinaryIO, io.BufferedReader(_Zstandard(raw), 1 << 20))
            else:
                yield raw
    except FileNotFoundError as error:
        raise DriftlineError(f"{path}: no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DriftlineError(f"{path}: cannot be read: {reason}; is the file complete?") from error


class _Zstandard(io.RawIOBase):
    """Bytes of Zstandard frames. The library's own reader takes a file that was cut off for a whole one."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard

        self._raw = raw
        self._error = zstandard.ZstdError
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._frame.unused_data if self._frame and self._frame.eof else b""
            data = data or self._raw.read(_CHUNK)
            if not data:
                if self._frame and not self._frame.eof:
                    raise EOFError("compressed file ended before the end of its last frame")
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = self._new_frame()
            try:
                self._ready = self._frame.decompress(data)
            except self._error as error:
                raise OSError(str(error)) from error
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
