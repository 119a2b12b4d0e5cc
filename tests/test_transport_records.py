"""Records that Python's drivers refuse to read: headers whose names are not UTF-8."""

from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from kafka.record import memory_records

from monitor.transport_records import TolerantRecords, tolerate_in_kafka_python
from tests.hostile import Latin

LOG = TopicPartition("log", 0)
BAD = Latin("caf\xe9")
PLAIN, GZIP, LZ4 = 0, 1, 3
CODECS = pytest.mark.parametrize("codec", [PLAIN, GZIP, LZ4])


def batch(first: int, *names: str, codec: int = PLAIN) -> bytes:
    """A record batch of Kafka's version 2 whose first offset is `first`; each record has a header of one name."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, -1, 1 << 20)
    for number, name in enumerate(names):
        value = b"value %d " % (first + number) * 50
        assert builder.append(number, 1_000 + number, b"key", value, headers=[(name, b"\xff")]) is not None
    built = builder.build()
    return first.to_bytes(8) + bytes(built[8:])  # the offset is not among what the checksum covers


def read(answer: bytes, fetch_offset: int = 0) -> list[Any]:
    """What aiokafka makes of a broker's answer."""
    return list(PartitionRecords(LOG, TolerantRecords(answer), [], fetch_offset, None, None, True, READ_COMMITTED))


@CODECS
def test_a_record_whose_header_has_a_name_that_is_not_utf8_is_read_with_all_around_it(codec: int) -> None:
    answer = batch(0, "good", "good", codec=codec) + batch(2, "good", BAD, "good", codec=codec) + batch(5, "good")
    with pytest.raises(UnicodeDecodeError):  # what the driver does
        list(PartitionRecords(LOG, MemoryRecords(answer), [], 0, None, None, True, READ_COMMITTED))
    found = read(answer)
    assert [record.offset for record in found] == [0, 1, 2, 3, 4, 5]
    assert [record.value for record in found] == [b"value %d " % offset * 50 for offset in range(6)]
    assert [record.headers for record in found] == [
        (("caf\\xe9" if offset == 3 else "good", b"\xff"),) for offset in range(6)
    ]


def test_reading_goes_on_in_the_middle_of_such_a_batch() -> None:
    assert [record.offset for record in read(batch(0, "a", BAD, "c", "d"), fetch_offset=2)] == [2, 3]


@pytest.mark.parametrize("cut", [1, 11, 12, 40, 100])
def test_a_batch_that_is_cut_off_at_the_end_of_an_answer_is_left_for_the_next(cut: int) -> None:
    first = batch(0, "a", BAD)
    assert [record.offset for record in read(first + batch(2, "c")[:cut])] == [0, 1]


@CODECS
def test_the_commands_driver_reads_it_too(codec: int) -> None:
    tolerate_in_kafka_python()
    tolerate_in_kafka_python()  # each command that connects asks for it
    answer = memory_records.MemoryRecords(batch(0, "good", BAD, codec=codec))
    assert [record.headers for record in answer.next_batch()] == [[("good", b"\xff")], [("caf\\xe9", b"\xff")]]


def test_good_batches_are_read_by_the_drivers_compiled_code() -> None:
    assert {type(record) for record in TolerantRecords(batch(0, "a", "b")).next_batch()} == {DefaultRecord}
    assert DefaultRecord not in {type(record) for record in TolerantRecords(batch(0, BAD)).next_batch()}
