"""Long envelopes in several records: whole once all are there, and never before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import DriftlineError
from monitor.pipeline.fragments import AGE, MOST, Fragment, Joiner, read, split

CUT = 2
SOURCE = b"log-0"
payloads = st.sampled_from([b"a", b"ab", b"abc", b"abcde", b"abcdefg", b"0123456", b"9876543210"])


class Sent(NamedTuple):
    """A record of the log; `piece` None is an envelope that needed no cutting."""

    generation: int
    payload: bytes
    piece: Fragment | None
    begins: int  # the offset of the first record of its envelope
    ends: bool


@st.composite
def logs(draw: st.DrawFn) -> list[Sent]:
    """What some senders of one source partition wrote, each envelope after envelope, until it died."""
    senders = []
    for generation in range(1, 1 + draw(st.integers(1, 3))):
        records = [
            (generation, payload, piece) for payload in draw(st.lists(payloads, max_size=5)) for piece in cut(payload)
        ]
        senders.append(records[: draw(st.integers(0, len(records)))] if draw(st.booleans()) else records)
    log: list[Sent] = []
    begun: dict[int, int] = {}
    while any(senders):
        records = draw(st.sampled_from([records for records in senders if records]))
        generation, payload, piece = records.pop(0)
        if piece is None or piece.number == 0:
            begun[generation] = len(log)
        ends = piece is None or piece.number == piece.of - 1
        log.append(Sent(generation, payload, piece, begun[generation], ends))
    return log


def cut(payload: bytes) -> Sequence[Fragment | None]:
    return [None] if len(payload) <= CUT else split(payload, CUT)


def feed(joiner: Joiner, log: Sequence[Sent], start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """The envelopes that the records from `start` to `stop` make whole, with the offset that did."""
    for offset in range(start, stop):
        generation, payload, piece, *_ = log[offset]
        if piece is None:
            joiner.passed(SOURCE, offset=offset, generation=generation)
            yield offset, payload
            continue
        again = read(piece.header, piece.data)
        whole = joiner.take(SOURCE, again, offset=offset, generation=generation)
        if whole is not None:
            yield offset, whole


@settings(max_examples=300)
@given(logs())
def test_an_envelope_is_whole_once_all_its_fragments_are_there_and_never_before(log: list[Sent]) -> None:
    for offset, whole in feed(Joiner(), log, 0, len(log)):
        there = {sent.piece for sent in log[: offset + 1] if sent.payload == whole}
        assert there >= set(cut(whole))


@settings(max_examples=300)
@given(logs())
def test_what_a_sender_finished_counts_unless_a_successor_had_begun(log: list[Sent]) -> None:
    found = list(feed(Joiner(), log, 0, len(log)))
    for offset, sent in enumerate(log):
        rivals = [other for other in log[sent.begins : offset] if other.generation > sent.generation]
        if sent.ends and not rivals:
            assert any(whole == sent.payload and at <= offset for at, whole in found)


@settings(max_examples=300)
@given(logs(), st.data())
def test_who_goes_on_from_the_first_fragment_that_waits_finds_the_same(log: list[Sent], data: st.DataObject) -> None:
    stop = data.draw(st.integers(0, len(log)))
    joiner, successor = Joiner(), Joiner()
    list(feed(joiner, log, 0, stop))
    list(feed(successor, log, stop if joiner.first is None else joiner.first, stop))
    assert successor == joiner
    assert list(feed(successor, log, stop, len(log))) == list(feed(joiner, log, stop, len(log)))


@given(logs())
def test_no_more_than_one_unfinished_envelope_of_each_sender_is_held(log: list[Sent]) -> None:
    joiner = Joiner()
    for offset in range(len(log)):
        list(feed(joiner, log, offset, offset + 1))
        senders = len({sent.generation for sent in log[: offset + 1]})
        assert joiner.held <= senders * max(len(sent.payload) for sent in log)


def test_a_set_whose_sender_is_never_heard_of_again_does_not_hold_the_log_for_ever() -> None:
    joiner = Joiner()
    joiner.take(SOURCE, split(b"abcde", CUT)[0], offset=7, generation=50)
    for offset, first in ((8, 7), (6 + AGE, 7), (7 + AGE, None)):
        joiner.passed(b"another-0", offset=offset, generation=1)
        assert joiner.first == first
    assert joiner.held == 0


def test_the_same_bytes_cut_for_another_limit_are_another_set() -> None:
    assert split(b"abcde", 2)[0].whole == split(b"abcde", 2)[0].whole != split(b"abcde", 3)[0].whole


def test_an_envelope_that_would_need_too_many_records_says_what_to_change() -> None:
    with pytest.raises(DriftlineError, match=r"1,001 records of 1 bytes, .* raise max.message.bytes"):
        split(b"x" * (MOST + 1), 1)


@pytest.mark.parametrize("header", [b"", b"x 1", b"x one 2", b"x 2 2", b"x -1 2", b"x 0 1001", b"\xff 0 2"])
def test_a_header_that_names_no_fragment_is_refused(header: bytes) -> None:
    with pytest.raises(DriftlineError, match=r"expected .* fragment"):
        read(header, b"")
