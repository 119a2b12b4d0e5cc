"""Whatever becomes of the state topic, merge is never silently wrong: it knows its state, or says what to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import DriftlineError
from monitor.pipeline.checkpoints import FORMAT, Record, Restored, restore, seal, unseal
from monitor.pipeline.results import Result
from monitor.pipeline.state import State, dump, load
from monitor.triggers.dispatch import LEDGER
from tests.memory import Topics
from tests.test_restart import TOPICS, Life, check


@cache
def history() -> tuple[list[Record], tuple[Restored, ...]]:
    """A state topic that two workers wrote, the first of which died; and all checkpoints that were ever whole in it."""
    life = Life()
    asyncio.run(life.run(lives=45))
    asyncio.run(life.run())
    records = checkpoints_in(life.topics)
    whole: dict[int, Restored] = {}
    for cut in range(len(records) + 1):
        found = restore(records[:cut])
        if found is not None:
            whole[found.offset] = found
    return records, tuple(whole.values())


def checkpoints_in(topics: Topics) -> list[Record]:
    return [r for r in topics.state(TOPICS.state) if not r.key.startswith(LEDGER)]


KINDS = ("lost", "tombstone", "short", "value", "key")
numbers = st.integers(0, 10**6)
harms = st.lists(st.tuples(st.sampled_from(KINDS), numbers, numbers), max_size=3)


def damaged(records: list[Record], *, cut: int, kinds: list[tuple[str, int, int]]) -> list[Record]:
    """The records before the last `cut` ones, some of them lost, cut short, or flipped in a bit of key or value."""
    found = records[: len(records) - cut % (len(records) + 1)]
    for kind, where, bit in kinds:
        if not found:
            break
        i = where % len(found)
        key, value = found[i]
        if kind == "lost":
            del found[i]
        elif kind == "tombstone" or not value:
            found[i] = Record(key, None)
        elif kind == "short":
            found[i] = Record(key, value[: bit % len(value)])
        elif kind == "value":
            found[i] = Record(key, flipped(value, bit % (8 * len(value))))
        else:
            found[i] = Record(flipped(key, bit % (8 * len(key))), value)
    return found


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 3) | numbers, harms, st.booleans())
def test_a_damaged_state_topic_gives_a_true_checkpoint_or_none_or_an_error_never_a_wrong_state(
    cut: int, kinds: list[tuple[str, int, int]], compaction: bool
) -> None:
    whole = history()[0]
    if compaction:
        whole = [Record(key, value) for key, value in dict(whole).items()]
    records = damaged(whole, cut=cut, kinds=kinds)
    said = ""
    try:
        found = restore(records)
    except DriftlineError as error:
        found, said = None, str(error)
    if found is not None:
        assert (found.items, found.offset) in [(true.items, true.offset) for true in history()[1]]
        assert dump(load(found.items)) == found.items
    elif any(b"|0|marker" in key and value is not None for key, value in dict(records).items()):
        assert "count everything again as docs/operations.md says" in said


def test_the_loss_of_any_one_record_of_a_compacted_topic_is_noticed_or_does_no_harm() -> None:
    records = [Record(key, value) for key, value in dict(history()[0]).items()]
    noticed = 0
    for i in range(len(records)):
        try:
            found = restore(records[:i] + records[i + 1 :])
        except DriftlineError:
            noticed += 1
            continue
        assert found is None or found.items == history()[1][-1].items
    assert noticed > 1


@pytest.mark.parametrize("version", [0, FORMAT + 1, 99])
def test_a_checkpoint_in_a_format_that_is_not_known_is_refused_and_says_what_to_do(version: int) -> None:
    records = [Record(key, None if value is None else of_format(version, value)) for key, value in history()[0]]
    with pytest.raises(DriftlineError) as said:
        restore(records)
    assert f"written in format {version}, this version of driftline reads 1, 2, 3, {FORMAT}" in str(said.value)
    assert "run the version that wrote it" in str(said.value)
    assert "count everything again" in str(said.value)


def of_format(version: int, value: bytes) -> bytes:
    """The record as another version would have written it."""
    return seal(msgspec.msgpack.encode([version, *msgspec.msgpack.decode(unseal(value))[1:]]))


def older(key: bytes, value: bytes, version: int) -> bytes:
    """The record as an earlier format had it.

    In format 1 a source had no `redo`, which now stands before its last field; up to format 2 a published window had no
    verdict, an episode no recovery, no worst window and no times of its columns, and a result no worst window and no
    explanation.
    """
    _, *fields = msgspec.msgpack.decode(unseal(value))
    held = b"|source " in key or b"|series " in key
    if held and fields[1] is not None:
        fields[1] = older_item(key, fields[1], version)
    return seal(msgspec.msgpack.encode([version, *fields]))


def older_item(key: bytes, data: bytes, version: int) -> bytes:
    """A source or a series as an earlier format had it."""
    if b"|source " in key and version == 1:
        *before, _, spent = msgspec.msgpack.decode(data)
        return msgspec.msgpack.encode([*before, spent])
    if b"|series " in key:
        published, episode, last, late = msgspec.msgpack.decode(data)
        columns = [(column, ("moved",)) for column in (last["columns"].values() if last else ())]
        for told, new in ((episode, ("recovery", "worst", "since")), (last, ("worst", "groups")), *columns):
            for name in new if told else ():
                del told[name]
        return msgspec.msgpack.encode([[[start, said[:3]] for start, said in published], episode, last, late])
    return data


def forgetful(items: dict[str, bytes]) -> State:
    """The state as it is read from an earlier format: no worst window, no explanation, every verdict taken for ok."""
    state = load(items)
    for series in state.series.values():
        series.published = {start: said._replace(verdict="ok") for start, said in series.published.items()}
        series.episode = series.episode and replace(series.episode, worst=None, since={})
        series.last = series.last and unexplained(series.last)
    return state


def unexplained(result: Result) -> Result:
    columns = {name: msgspec.structs.replace(column, moved=()) for name, column in result.columns.items()}
    return msgspec.structs.replace(result, columns=columns, worst=None, groups=())


@pytest.mark.parametrize("version", [1, 2])
def test_a_checkpoint_of_an_earlier_version_is_read(version: int) -> None:
    records = [Record(key, None if value is None else older(key, value, version)) for key, value in history()[0]]
    found = restore(records)
    assert found is not None
    newest = history()[1][-1].items
    assert found.items != newest
    assert any(series.episode for series in load(found.items).series.values())
    assert dump(load(found.items)) == dump(forgetful(newest))


def test_a_worker_without_any_state_computes_all_again_with_the_same_ids_and_content() -> None:
    life = Life()
    asyncio.run(life.run(lives=90))
    life.topics.records[TOPICS.state].clear()
    asyncio.run(life.run())
    check(life)


@pytest.mark.parametrize("harm", [lambda value: flipped(value, 70), lambda value: value[:-1], lambda value: b"\x93"])
def test_a_damaged_entry_of_the_ledger_is_said_and_left_out(
    harm: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    life = Life()
    asyncio.run(life.run())
    kept = damage(life.topics, harm)
    caplog.set_level(logging.ERROR)
    called = list(life.calls)
    asyncio.run(life.run())
    check(life)
    assert life.calls == called
    assert caplog.text.count("is damaged, or another version's, and was left out") == len(kept) > 0
    assert all(repr(key) in caplog.text for key in kept)


def damage(topics: Topics, harm: Callable[[bytes], bytes]) -> list[bytes]:
    """Harm every entry of the ledger; the keys of those that are still there."""
    log = topics.records[TOPICS.state]
    topics.records[TOPICS.state] = [
        r._replace(value=harm(r.value)) if r.key.startswith(LEDGER) and r.value else r for r in log
    ]
    return [key for key, value in {r.key: r.value for r in log}.items() if key.startswith(LEDGER) and value]
