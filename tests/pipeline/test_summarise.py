"""Summarise is a pure function of the log: however it is cut into batches and snapshots, blocks are the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.windows import Windows
from monitor.errors import DriftlineError
from monitor.logs.contract import PaneKey
from monitor.logs.json import JsonDecoder
from monitor.pipeline.envelopes import Envelope, encode, partition_of, unpack
from monitor.pipeline.summarise import SourcePartition
from tests.naive import Event
from tests.pipeline.wire import MINUTE, NOON, World, logged

WORLD = World({"a": Windows(MINUTE, MINUTE), "b": Windows(3 * MINUTE, MINUTE)}, block=5)
FIVE = 5

values = st.one_of(
    st.builds(
        Event,
        model=st.sampled_from("ab"),
        time=st.integers(0, 4).map(lambda minute: NOON + minute * MINUTE),
        category=st.sampled_from(["Oslo", "Rome"]),
        value=st.sampled_from([None, 2.0]),
    ).map(logged),
    st.sampled_from([None, b"", b"{", b"[]"]),
)
logs = st.lists(values, max_size=23)


def read(
    log: Sequence[bytes | None], cuts: Sequence[int], snapshots: Sequence[bool], *, summaries: int = 1
) -> tuple[list[Envelope], list[Envelope]]:
    """Read a log in batches that end at `cuts`, with a snapshot after some: the closed envelopes, the snapshots."""
    source = SourcePartition(
        "log",
        0,
        partitions=1,
        start=0,
        size=FIVE,
        epoch="first",
        decoder=JsonDecoder(WORLD.targets),
        summaries=summaries,
    )
    stops = sorted({*cuts, *range(FIVE, len(log) + 1, FIVE), len(log)})
    closed: list[Envelope] = []
    told: list[Envelope] = []
    for i, stop in enumerate(stops):
        if source.end <= stop <= len(log):
            source.add(log[source.end : stop], None, stop=stop)
            if source.full:
                closed += source.seal()
            elif i < len(snapshots) and snapshots[i]:
                told += source.snapshot()
    return closed, told


@given(logs, st.lists(st.integers(1, 23)), st.lists(st.booleans(), max_size=23))
def test_a_log_read_twice_gives_the_same_closed_envelopes_byte_for_byte(
    log: list[bytes | None], cuts: list[int], snapshots: list[bool]
) -> None:
    once, again = read(log, [], [])[0], read(log, cuts, snapshots)[0]
    assert [encode(envelope) for envelope in once] == [encode(envelope) for envelope in again]
    assert len(once) == len(log) // FIVE


@given(logs, st.lists(st.integers(1, 23)), st.lists(st.booleans(), max_size=23))
def test_a_blocks_snapshots_together_hold_what_the_block_held_at_the_last_of_them(
    log: list[bytes | None], cuts: list[int], snapshots: list[bool]
) -> None:
    _, told = read(log, cuts, snapshots)
    for block in {envelope.block for envelope in told}:
        own = [envelope for envelope in told if envelope.block == block]
        latest = {part.key: unpack(part.counts) for envelope in own for part in envelope.parts}
        whole = JsonDecoder(WORLD.targets).count(log[block * FIVE : own[-1].end], None).counts
        assert latest.keys() == whole.keys()
        assert all(np.array_equal(latest[key], whole[key]) for key in whole)
        assert [envelope.since for envelope in own] == [block * FIVE, *(envelope.end for envelope in own[:-1])]


@given(logs)
def test_every_offset_of_a_block_is_an_event_or_was_skipped_or_rejected(log: list[bytes | None]) -> None:
    for envelope in read(log, [], [])[0]:
        whole = envelope.events + sum(envelope.skipped.values()) + sum(envelope.rejected.values())
        assert whole == envelope.end - envelope.start == FIVE


@given(logs)
def test_every_partition_of_the_summaries_hears_of_every_block_but_only_of_its_own_models(
    log: list[bytes | None],
) -> None:
    closed, _ = read(log, [], [], summaries=3)
    assert len(closed) == len(log) // FIVE * 3
    for i, envelope in enumerate(closed):
        assert all(partition_of(part.key.model, 3) == i % 3 for part in envelope.parts)
        assert envelope.latest == closed[i - i % 3].latest


def started(start: int = 0) -> SourcePartition:
    return WORLD.reader("log", 0, start=start)


def test_offsets_without_a_record_lie_inside_their_block() -> None:
    # Compaction and transaction markers leave gaps: a block is a run of offsets, and may be empty.
    source = started()
    source.add([logged(Event("a", NOON, "Oslo", 2.0))], None, stop=5)
    assert source.full
    assert source.seal()[0].events == 1
    source.add([], None, stop=10)
    (empty,) = source.seal()
    assert (empty.block, empty.start, empty.end, empty.closed, empty.parts) == (1, 5, 10, True, [])


def test_a_log_whose_beginning_was_deleted_is_read_from_within_a_block() -> None:
    source = started(7)
    assert (source.block, source.start, source.stop) == (1, 7, 10)


@pytest.mark.parametrize("stop", [0, 6])
def test_a_batch_that_does_not_fit_the_block_is_refused(stop: int) -> None:
    source = started()
    source.add([], None, stop=1)
    with pytest.raises(DriftlineError, match=r"log\[0\]: a batch up to . does not fit the block \[1, 5\)"):
        source.add([], None, stop=stop)


def test_a_block_is_not_closed_before_it_is_full() -> None:
    with pytest.raises(DriftlineError, match=r"block 0 is counted up to 0, not to 5"):
        started().seal()


def test_where_reading_begins_can_be_moved_only_before_anything_was_counted() -> None:
    source = started()
    source.begin(12)
    assert (source.block, source.end) == (2, 12)
    source.add([logged(Event("a", NOON, "Oslo", 2.0))], None, stop=13)
    with pytest.raises(DriftlineError, match="cannot begin at 20, counted up to 13"):
        source.begin(20)


def test_a_snapshot_is_due_only_after_something_was_read() -> None:
    source = started()
    due = [source.snapshot_due]
    source.add([], None, stop=1)
    due.append(source.snapshot_due)
    source.snapshot()
    due.append(source.snapshot_due)
    assert due == [False, True, False]


def test_a_pane_holds_its_events_whatever_the_order() -> None:
    source = started()
    events = [logged(Event("b", NOON + minute * MINUTE, "Oslo", 2.0)) for minute in (4, 0, 4)]
    source.add(events, None, stop=3)
    (envelope,) = source.snapshot()
    found = {
        part.key.pane: int(unpack(part.counts)[: WORLD.targets["b", "1"].profile.offsets[1]].sum())
        for part in envelope.parts
    }
    assert found == {NOON: 1, NOON + 4 * MINUTE: 2}
    assert envelope.parts == sorted(envelope.parts)
    assert all(isinstance(part.key, PaneKey) for part in envelope.parts)
