"""Envelopes: what is packed comes out again, the same content is the same bytes, and damage is told."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.bins import Counts
from monitor.errors import DriftlineError
from monitor.logs.contract import PaneKey
from monitor.pipeline.envelopes import FORMAT, Envelope, Part, decode, encode, pack, partition_of, unpack

cells = st.integers(0, 3) | st.integers(0, 2**16) | st.integers(0, 2**63 - 1)
vectors = st.lists(cells | st.just(0), max_size=60).map(lambda counts: np.array(counts, dtype=np.int64))
sparse = st.dictionaries(st.integers(0, 5_000), st.integers(1, 2**40), max_size=5)


def example(**changes: object) -> Envelope:
    key = PaneKey("credit", "3", "0123456789ab", "", 3_600_000)
    made = Envelope(
        FORMAT, "log", 1, 4, 7, 700, 700, 750, False, "epoch", 5, None, 49, {"empty": 1}, {}, [Part(key, b"\x01\x07")]
    )
    return msgspec.structs.replace(made, **changes)


@given(vectors)
def test_packed_counts_come_out_again(counts: Counts) -> None:
    found = unpack(pack(counts), len(counts))
    assert found.tolist() == counts.tolist()
    assert found.dtype == np.int64


@given(sparse)
def test_counts_that_are_mostly_zero_are_small(filled: dict[int, int]) -> None:
    counts = np.zeros(5_001, dtype=np.int64)
    counts[list(filled)] = list(filled.values())
    assert unpack(pack(counts)).tolist() == counts.tolist()
    assert len(pack(counts)) <= 5 + 12 * len(filled)


@pytest.mark.parametrize("largest", [0, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1])
def test_a_cell_is_as_wide_as_its_count_and_no_wider(largest: int) -> None:
    counts = np.full(8, largest, dtype=np.int64)
    assert unpack(pack(counts), 8).tolist() == counts.tolist()
    width = max(1, (largest.bit_length() + 7) // 8)
    assert len(pack(counts)) <= 1 + 8 * (1 << (width - 1).bit_length()) + 4


def test_the_packed_form_is_the_same_on_every_machine() -> None:
    assert pack(np.array([1, 2, 300])).hex() == "02" + "0100" + "0200" + "2c01"
    assert pack(np.array([0] * 20 + [7])).hex() == "81" + "15000000" + "14000000" + "07"


@given(vectors, st.integers(0, 60))
def test_counts_of_another_size_are_refused(counts: Counts, size: int) -> None:
    if size != len(counts):
        with pytest.raises(DriftlineError, match=f"counts of {size} cells, got {len(counts)}"):
            unpack(pack(counts), size)


@given(st.binary(max_size=30), st.none() | st.integers(0, 10))
def test_bytes_that_are_no_counts_are_refused_or_read_but_never_break_anything(data: bytes, size: int | None) -> None:
    try:
        found = unpack(data, size if size is not None else 10)
    except DriftlineError:
        return
    assert len(found) == (10 if size is None else size)


@pytest.mark.parametrize("cut", range(5))
def test_counts_cut_short_are_refused(cut: int) -> None:
    packed = pack(np.array([70_000, 2]))
    with pytest.raises(DriftlineError):
        unpack(packed[: cut + 1], 2)


def test_an_envelope_is_read_back_as_it_was_written() -> None:
    assert decode(encode(example())) == example()
    assert isinstance(decode(encode(example())).parts[0].key, PaneKey)


def test_the_same_envelope_is_the_same_bytes() -> None:
    skipped, turned = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert encode(example(skipped=skipped)) == encode(example(skipped=turned))


@given(st.binary(max_size=60))
def test_bytes_that_are_no_envelope_are_refused(data: bytes) -> None:
    with pytest.raises(DriftlineError, match="expected an envelope"):
        decode(data)


def test_an_envelope_of_another_format_says_what_to_do() -> None:
    with pytest.raises(DriftlineError, match=f"of format {FORMAT}, got 99; run workers of one version"):
        decode(encode(example(format=99)))


def test_all_of_a_model_meets_in_one_partition_which_no_release_may_move() -> None:
    # crc32 of the name: `python -c "import zlib; print(zlib.crc32(b'credit') % 4)"`
    assert [partition_of(name, 4) for name in ("credit", "fraud", "été")] == [2, 2, 0]
    assert {partition_of(str(i), 4) for i in range(100)} == {0, 1, 2, 3}
