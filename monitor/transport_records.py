"""Records whose headers have names that are not UTF-8: any producer may write them, and Python's drivers refuse them.

Brokers let them pass, and Java's driver puts other characters in their place. aiokafka 0.14.0 and kafka-python 3.0.12
raise an error at such a record, again and again: one record would stop a partition. A header's name decides nothing
here, so those bytes are read as `\\xff`. What is overridden is private in both drivers, pinned for that reason;
`tests/test_transport_records.py` fails when it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords


def tolerate_in_aiokafka() -> None:
    """Have all its consumers in this process read every record."""
    fetcher.MemoryRecords = TolerantRecords


def tolerate_in_kafka_python() -> None:
    """Have all its consumers in this process read every record."""
    from kafka.record import memory_records

    if not issubclass(memory_records.DefaultRecordBatch, _Tolerant):
        memory_records.DefaultRecordBatch = type("TolerantBatch", (_Tolerant, memory_records.DefaultRecordBatch), {})


class TolerantRecords:
    """What a broker answered for a partition, batch by batch; like aiokafka's `MemoryRecords`, in whose place it is."""

    def __init__(self, answer: bytes) -> None:
        self._records, self._answer, self._start = MemoryRecords(answer), memoryview(answer), 0

    def has_next(self) -> bool:
        """Whether there is another batch; the last one of an answer may be cut off, which is none."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """Length of the answer."""
        return int(self._records.size_in_bytes())

    def next_batch(self) -> Any:
        """The next batch, or None."""
        batch, start = self._records.next_batch(), self._start
        # An offset in 8 bytes, a length in 4, and so many bytes more, in every version of the format.
        self._start = stop = start + 12 + int.from_bytes(self._answer[start + 8 : start + 12])
        return batch if batch is None or batch.is_control_batch else _Readable(batch, self._answer[start:stop])


class _Readable:
    """aiokafka's compiled batch; where that breaks down, it is read again, more slowly and to its end."""

    def __init__(self, batch: Any, content: memoryview) -> None:
        self._batch, self._content = batch, content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._batch
        except UnicodeDecodeError:
            yield from _TolerantBatch(self._content)  # from its beginning: the driver drops what it has had


class _Tolerant:
    """What is put before a driver's own batch written in Python, so that any name can be decoded."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()  # type: ignore[misc]  # the driver's
        if not isinstance(self._buffer, _Bytes):
            self._buffer = _Bytes(self._buffer)


class _TolerantBatch(_Tolerant, _DefaultRecordBatchPy):  # type: ignore[misc]  # which is said to be final
    pass


class _Bytes(bytearray):
    """Bytes of which every slice can be decoded."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Bytes(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
