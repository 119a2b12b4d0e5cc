"""Merge as timelines: when windows close, what makes them wait, and what is late.

Minutes after noon run to the right; `x` is an event, `|` the watermark, `[---)` a window. Windows are of ten minutes
unless a test says otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.drift.windows import Windows
from monitor.pipeline.merge import Late, Merge
from monitor.pipeline.results import EpisodeEvent, Result, bare
from tests.pipeline.wire import MINUTE, TEN, Wire, World, drifting, windows_of, wire


def test_a_window_closes_when_the_watermark_passes_its_end() -> None:
    # minutes   0         10        20
    # window    [---------)
    # events      x   x     x
    log = wire()
    assert log.tell(2, 6) == []
    assert windows_of(log.tell(12)) == [(0, 0, 2)]


def test_an_event_at_the_end_of_a_window_closes_it_and_is_not_in_it() -> None:
    log = wire()
    log.tell(2)
    assert windows_of(log.tell(10)) == [(0, 0, 1)]


def test_allowed_disorder_keeps_windows_open() -> None:
    # minutes   0         10   15
    # events      x        x    x
    # watermark         |<--5---|
    log = wire(disorder=5)
    assert windows_of(log.tell(2, 11)) == []
    assert windows_of(log.tell(15)) == [(0, 0, 1)]


def test_a_window_without_events_is_never_published() -> None:
    log = wire()
    log.tell(2)
    assert windows_of(log.tell(45)) == [(0, 0, 1)]


def test_several_windows_close_in_the_order_of_their_time() -> None:
    log = wire()
    log.tell(15)
    log.tell(2, 25)
    assert windows_of(log.tell(99)) == [(20, 0, 1)]
    assert [start for start, _, _ in windows_of(wire().tell(2, 15, 25, 99))] == [0, 10, 20]


def test_the_slowest_partition_holds_the_windows() -> None:
    # partition 0    x              x
    # partition 1    x  x           .           then    x
    log = wire(partitions=2)
    log.tell(1, partition=0)
    log.tell(1, 3, partition=1)
    assert log.tell(25, partition=0) == []
    assert windows_of(log.tell(21, partition=1)) == [(0, 0, 3)]


def test_a_partition_never_heard_of_holds_the_windows() -> None:
    log = wire(partitions=2)
    assert log.tell(1, 99, partition=0) == []
    assert windows_of(log.tell(98, partition=1)) == [(0, 0, 1)]


def test_a_topic_never_heard_of_holds_the_windows() -> None:
    log = wire()
    log.merge = log.world.merge(["log", "features"])
    assert log.tell(1, 99) == []


def test_an_idle_partition_holds_nothing() -> None:
    log = wire(partitions=2)
    log.tell(1, partition=0)
    log.tell(1, partition=1)
    log.tell(25, partition=0)
    assert windows_of(log.tell(partition=1, idle=5)) == [(0, 0, 2)]


def test_a_partition_that_is_read_again_is_no_longer_idle() -> None:
    log = wire(partitions=2)
    log.tell(1, partition=0)
    log.tell(2, partition=1, idle=5)
    log.tell(3, partition=1)
    assert log.tell(25, partition=0) == []


def test_when_all_are_idle_the_last_window_closes_by_the_clock() -> None:
    # minutes   0         10
    # event           x . . . idle for 3, then 4
    log = wire()
    log.tell(6)
    assert log.tell(idle=3) == []
    assert windows_of(log.tell(idle=4)) == [(0, 0, 1)]


def test_late_within_lateness_is_another_revision_and_later_is_counted() -> None:
    # minutes   0         10    13
    # window    [---------)~~~~~|
    # arrives          x    11: x at 7   14: x at 8
    log = wire(replace(TEN, lateness=3 * MINUTE))
    log.tell(5)
    (first,) = log.tell(11)
    (second,) = log.tell(7)
    assert isinstance(first, Result)
    assert isinstance(second, Result)
    assert (first.revision, first.events, first.late, first.final) == (0, 1, 0, False)
    assert (second.revision, second.events, second.late) == (1, 2, 1)
    assert first.id.removesuffix("/0") == second.id.removesuffix("/1")
    assert log.tell(14) == []
    assert log.tell(8, 8) == [Late("m", "1", 2)]


def test_late_events_are_counted_once_though_each_snapshot_of_their_block_tells_of_them() -> None:
    log = wire()
    log.tell(5, 11)
    assert log.tell(7) == [Late("m", "1", 1)]
    assert log.tell(8, 9) == [Late("m", "1", 2)]
    assert log.tell() == []


def test_a_window_without_lateness_is_final_at_once() -> None:
    log = wire()
    log.tell(5)
    (result,) = log.tell(11)
    assert isinstance(result, Result)
    assert result.final


def test_hopping_windows_share_their_events() -> None:
    # minutes   0    5    10   15   20
    # windows   [---------)
    #                [---------)
    #                     [---------)
    log = wire(Windows(10 * MINUTE, 5 * MINUTE))
    found = log.tell(1, 7, 12) + log.tell(40)
    assert windows_of(found) == [(-5, 0, 1), (0, 0, 2), (5, 0, 2), (10, 0, 1)]


def test_an_event_late_for_one_of_its_hopping_windows_is_in_the_other() -> None:
    log = wire(Windows(10 * MINUTE, 5 * MINUTE))
    assert windows_of(log.tell(1, 7)) == [(-5, 0, 1)]
    assert windows_of(log.tell(12)) == [(0, 0, 2)]
    assert log.tell(8) == []
    assert windows_of(log.tell(16)) == [(5, 0, 3)]


def test_versions_of_a_model_have_windows_of_their_own() -> None:
    world = World({"a": TEN, "b": TEN})
    log = Wire(world)
    log.tell(1, 2, model="a")
    log.tell(3, model="b")
    found = log.tell(15, model="a")
    assert [(r.model, r.events) for r in found if isinstance(r, Result)] == [("a", 2), ("b", 1)]


def test_an_episode_opens_with_drift_and_closes_when_three_windows_bring_none() -> None:
    # windows    0-10 drift, 10-20, 20-30, 30-40 as the reference
    log = Wire(World({"m": TEN}, block=100_000))
    log.apply(drifting(log, 5))
    usual = [minute + i / 100 for minute in (11, 21, 31) for i in range(12)]
    found = log.tell(*usual, 45)
    opened, closed = (output for output in found if isinstance(output, EpisodeEvent))
    results = [output for output in found if isinstance(output, Result)]
    assert (opened.kind, opened.columns, opened.evidence) == ("opened", ("city", "value"), bare(results[0]))
    assert (closed.kind, closed.id, closed.evidence) == ("closed", opened.id, bare(results[-1]))
    shown = [result.episode for result in results]
    assert shown == [opened.id, opened.id, opened.id, None]


def test_the_state_of_an_empty_merge_can_be_written_and_read() -> None:
    log = wire()
    assert isinstance(log.world.merge(state=log.merge.state), Merge)
