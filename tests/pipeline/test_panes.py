"""Panes of a block are bounded: which events come too late to open one is decided by the order of the log alone."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.windows import Windows
from monitor.logs.contract import PaneKey, Rejected
from monitor.logs.json import JsonDecoder
from monitor.pipeline.envelopes import Envelope, encode, pack, unpack
from monitor.pipeline.panes import Panes
from monitor.pipeline.summarise import SourcePartition
from tests.naive import Event
from tests.pipeline.wire import MINUTE, NOON, World, counted, logged

BLOCK, MOST = 12, 3
WORLD = World({"a": Windows(MINUTE, MINUTE), "b": Windows(3 * MINUTE, MINUTE)}, block=BLOCK)
YEAR = 365 * 24 * 60 * MINUTE

events = st.builds(
    Event,
    model=st.sampled_from("aab"),
    time=st.integers(-4, 4).map(lambda years: NOON + years * YEAR),
    category=st.sampled_from(["Oslo", "Rome"]),
    value=st.sampled_from([None, 2.0]),
)
logs = st.lists(events | st.none(), min_size=BLOCK, max_size=3 * BLOCK)


def twin(log: Sequence[Event | None]) -> tuple[dict[PaneKey, list[Event]], list[int]]:
    """The events of a block by pane, one after the other, and the places of those that found no room."""
    panes: dict[PaneKey, list[Event]] = {}
    refused = []
    for place, event in enumerate(log):
        if event is None:
            continue
        target = WORLD.targets[event.model, "1"]
        key = PaneKey(event.model, "1", target.profile.fingerprint, "", target.windows.pane_of(event.time))
        if key not in panes and sum(other.model == event.model for other in panes) == MOST:
            refused.append(place)
        else:
            panes.setdefault(key, []).append(event)
    return panes, refused


def read(log: Sequence[Event | None], cuts: Sequence[int]) -> tuple[list[Envelope], list[tuple[int, Rejected]]]:
    """The closed envelopes of a log that comes in batches, and what was rejected, with its offset."""
    decoder = JsonDecoder(WORLD.targets, max_panes=MOST)
    source = SourcePartition("log", 0, partitions=1, start=0, size=BLOCK, epoch="first", decoder=decoder, summaries=1)
    closed, rejected = [], []
    for stop in sorted({*cuts, *range(BLOCK, len(log) + 1, BLOCK)}):
        if source.end <= stop <= len(log):
            start = source.end
            batch = source.add([logged(event) for event in log[start:stop]], None, stop=stop)
            rejected += [(start + one.index, one) for one in batch.rejected]
            if source.full:
                closed += source.seal()
    return closed, rejected


@given(logs, st.lists(st.integers(1, 3 * BLOCK)))
def test_a_block_opens_its_first_panes_in_the_order_of_the_log_however_it_is_cut(
    log: list[Event | None], cuts: list[int]
) -> None:
    closed, rejected = read(log, cuts)
    assert [encode(envelope) for envelope in closed] == [encode(envelope) for envelope in read(log, [])[0]]
    for envelope in closed:
        panes, refused = twin(log[envelope.start : envelope.end])
        assert {part.key: unpack(part.counts).tolist() for part in envelope.parts} == {
            key: counted(held).tolist() for key, held in panes.items()
        }
        surplus = [at for at, one in rejected if one.reason == "too_many_panes"]
        assert [at for at in surplus if envelope.start <= at < envelope.end] == [envelope.start + at for at in refused]
        assert envelope.rejected.get("too_many_panes", 0) == len(refused)
        assert envelope.events + sum(envelope.rejected.values()) == BLOCK


def test_one_model_whose_times_are_scattered_takes_no_room_from_another() -> None:
    scattered = [Event("a", NOON + i * YEAR, "Oslo", 2.0) for i in range(BLOCK - 1)]
    (envelope,), rejected = read([*scattered, Event("b", NOON, "Oslo", 2.0)], [])
    assert {part.key.model for part in envelope.parts} == {"a", "b"}
    assert [at for at, _ in rejected] == list(range(MOST, BLOCK - 1))


def test_an_event_without_room_says_what_to_change() -> None:
    _, rejected = read([Event("a", NOON + i * YEAR, "Oslo", 2.0) for i in range(BLOCK)], [])
    assert "has 3 panes of this model already; raise kafka.panes" in rejected[0][1].message


def test_an_event_from_the_future_opens_no_pane() -> None:
    decoder = JsonDecoder(WORLD.targets, max_panes=1)
    values = [logged(Event("a", NOON + years * YEAR, "Oslo", 2.0)) for years in (1, 0)]
    found = decoder.count(values, [NOON, NOON])
    assert [one.reason for one in found.rejected] == ["future_time"]
    assert found.events == 1


@pytest.mark.parametrize("times", [1, 300])
def test_a_pane_holds_the_same_counts_whether_its_events_come_one_by_one_or_at_once(times: int) -> None:
    world = World({"a": Windows(MINUTE, MINUTE)}, block=1_000)
    values = [logged(Event("a", NOON, "Oslo", 2.0))] * times
    at_once, one_by_one = world.reader("log", 0), world.reader("log", 0)
    at_once.add(values, None, stop=times)
    for i, value in enumerate(values):
        one_by_one.add([value], None, stop=i + 1)
    (one,), (other,) = at_once.snapshot()[0].parts, one_by_one.snapshot()[0].parts
    assert np.array_equal(unpack(one.counts), unpack(other.counts))
    assert one == other


def test_a_pane_with_few_events_takes_the_memory_of_its_events_and_not_of_all_its_cells() -> None:
    cells, columns, panes = 11_000, 50, 1_000
    counts = np.zeros(cells, dtype=np.int64)
    counts[:: cells // columns] = 1
    held = Panes()
    tracemalloc.start()
    for pane in range(panes):
        held.add(PaneKey("a", "1", "abc", "", pane), counts)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken < panes * 1_000 < panes * cells * 8 / 50
    assert all(np.array_equal(held[key], counts) for key in held)


@given(st.lists(st.lists(st.integers(0, 3), min_size=9, max_size=9).map(np.array), max_size=8))
def test_totals_are_the_sums_whatever_they_are_kept_as(changes: list[npt.NDArray[np.int64]]) -> None:
    held, key = Panes(np.uint16), PaneKey("a", "1", "abc", "", 0)
    for change in changes:
        held.add(key, change)
    if changes:
        total = np.sum(changes, axis=0)
        assert held[key].tolist() == total.tolist()
        assert held.packed(key) == pack(total)
