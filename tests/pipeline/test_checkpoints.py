"""A checkpoint survives any cut between two records, a zombie that writes on, and damage that it must not hide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import DriftlineError
from monitor.pipeline.checkpoints import Checkpoints, Record, restore

STATES = [
    {"head": b"1", "pane a": b"x"},
    {"head": b"2", "pane a": b"x", "pane b": b"y"},
    {"head": b"3", "pane b": b"y2"},  # pane a has retired
    {"head": b"4", "pane b": b"y3", "pane c": b"z"},
]


def written(states: list[dict[str, bytes]], incarnation: str = "one") -> list[tuple[int, Record]]:
    """Every record of the states' checkpoints in order, with how many checkpoints are complete once it is written."""
    checkpoints, records = Checkpoints(incarnation), []
    for complete, state in enumerate(states):
        plan = checkpoints.plan(state, offset=10 * (complete + 1))
        records += [(complete, record) for record in plan.items]
        records += [(complete + 1, record) for record in (plan.marker, *plan.useless)]
    return records


def compacted(records: list[Record]) -> list[Record]:
    """What a broker's compaction may leave: the newest record of each key."""
    return [Record(key, value) for key, value in dict(records).items()]


@pytest.mark.parametrize("cut", range(len(written(STATES)) + 1))
def test_a_crash_between_any_two_records_restores_the_last_whole_checkpoint(cut: int) -> None:
    before = written(STATES)[:cut]
    complete = before[-1][0] if before else 0
    for log in ([record for _, record in before], compacted([record for _, record in before])):
        restored = restore(log)
        if complete == 0:
            assert restored is None
        else:
            assert restored is not None
            assert (restored.items, restored.offset) == (STATES[complete - 1], 10 * complete)


def test_a_zombie_that_writes_on_after_its_successor_changes_nothing() -> None:
    old = [record for _, record in written(STATES[:2], "old")]
    first = restore(old)
    assert first is not None
    successor = Checkpoints("new", stale=first.keys)
    plan = successor.plan(STATES[3], offset=99)
    log = [*old, *plan.items, plan.marker, *plan.useless]
    zombie = [record for _, record in written(STATES[:3], "old")][len(old) :]
    for cut in range(len(zombie) + 1):
        restored = restore(log + zombie[:cut])
        assert restored is not None
        assert (restored.items, restored.offset) == (STATES[3], 99)


def test_what_an_earlier_incarnation_wrote_is_removed() -> None:
    old = [record for _, record in written(STATES[:2], "old")]
    first = restore(old)
    assert first is not None
    plan = Checkpoints("new", stale=first.keys).plan(STATES[1], offset=30)
    left = {key for key, value in compacted([*old, *plan.items, plan.marker, *plan.useless]) if value is not None}
    assert all(key.startswith(b"new|") for key in left)


def test_only_items_that_changed_are_written_again() -> None:
    checkpoints = Checkpoints("one")
    checkpoints.plan({"a": b"1", "b": b"2"}, offset=1)
    assert [record.key for record in checkpoints.plan({"a": b"1", "b": b"3"}, offset=2).items] == [b"one|1|b"]


def test_a_flipped_bit_is_detected_and_said() -> None:
    log = [record for _, record in written(STATES[:1])]
    victim = next(i for i, record in enumerate(log) if b"pane a" in record.key)
    value = bytearray(log[victim].value or b"")
    value[-1] ^= 1
    log[victim] = Record(log[victim].key, bytes(value))
    with pytest.raises(DriftlineError, match="checksum"):
        restore(log)


def test_a_missing_item_is_detected_and_said() -> None:
    log = [record for _, record in written(STATES[:1])]
    with pytest.raises(DriftlineError, match="names 2 items, 1 of them are there"):
        restore(log[1:])


def test_a_crash_while_useless_records_are_removed_brings_no_removed_item_back() -> None:
    states = [{"a": b"1", "b": b"1"}, {"a": b"1", "b": b"2"}, {"a": b"1"}]  # b lies in slot 1 when it goes
    records = [record for _, record in written(states)]
    for cut in range(len(records) - 2, len(records) + 1):
        restored = restore(compacted(records[:cut]))
        assert restored is not None
        assert restored.items == {"a": b"1"}


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=3)), min_size=1, max_size=8), st.data())
def test_any_history_of_states_restores_as_it_was(states: list[dict[str, bytes]], data: st.DataObject) -> None:
    records = written(states)
    cut = data.draw(st.integers(0, len(records)))
    complete = records[cut - 1][0] if cut else 0
    restored = restore(compacted([record for _, record in records[:cut]]))
    assert (restored.items if restored else None) == (states[complete - 1] if complete else None)
