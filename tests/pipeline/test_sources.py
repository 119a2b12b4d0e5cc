"""What merge believes: repeats, holes, zombies, epochs, damage, and what an earlier configuration left.

Windows are of ten minutes; numbers are minutes after noon.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from monitor.logs.contract import Target
from monitor.pipeline.compare import Comparison
from monitor.pipeline.envelopes import Part
from monitor.pipeline.merge import Late
from tests.pipeline.wire import MINUTE, TEN, Wire, World, profile, windows_of, wire


def test_a_repeat_changes_nothing() -> None:
    log = wire()
    log.tell(5)
    log.tell(11)
    for envelope in list(log.sent):
        assert log.apply(envelope) == []
    assert log.merge.tally.repeats == 2


def test_an_envelope_before_the_checkpoint_is_not_looked_at() -> None:
    log = wire()
    log.tell(5)
    assert log.merge.apply(log.sent[0], offset=0) == []
    assert log.merge.tally.repeats == 0


def test_a_hole_stops_the_closing_of_windows_until_the_missing_block_comes() -> None:
    # blocks of two    | 1  2 | 3  11 | 21  22 |
    #                    seen    lost    refused
    log = wire(block=2)
    log.tell(1, 2)
    lost = log.envelope([3, 11])
    after = log.envelope([21, 22])
    assert log.apply(after) == []
    assert log.merge.tally.holes == 1
    assert windows_of(log.apply(lost)) == [(0, 0, 3)]
    assert windows_of(log.apply(after)) == [(10, 0, 1)]


def test_behind_a_hole_nothing_is_idle() -> None:
    log = wire(block=2)
    log.tell(1, 2)
    log.envelope([3, 11])
    assert log.tell(idle=60) == []
    assert log.merge.tally.holes == 1


def test_a_partition_that_was_idle_before_a_hole_is_not_idle_behind_it() -> None:
    # partition 0    1 . . . . . . . . 25
    # partition 1    2 | idle | lost: 3 11 | 21 22      the window holds what was lost, and waits for it
    log = wire(block=2, partitions=2)
    log.tell(1, partition=0)
    log.tell(2, 2, partition=1)
    log.tell(partition=1, idle=5)
    lost = log.envelope([3, 11], partition=1)
    log.apply(log.envelope([21, 22], partition=1))
    assert log.merge.tally.holes == 1
    assert log.tell(25, partition=0) == []
    assert windows_of(log.apply(lost)) == [(0, 0, 4)]


def test_a_snapshot_after_one_that_was_lost_is_refused_until_the_block_is_closed() -> None:
    # snapshots    x x | lost: x | x      the last one does not tell of the lost event's pane
    log = wire(block=4)
    log.tell(1, 2)
    log.envelope([12])
    assert log.tell() == []
    assert log.merge.tally.holes == 1
    log.readers[0].add(log.events([31]), None, stop=4)
    assert windows_of(log.apply(log.readers[0].seal()[0])) == [(0, 0, 2), (10, 0, 1)]


def test_damaged_counts_are_a_hole_and_add_nothing() -> None:
    log = wire(block=2)
    log.tell(1)
    broken = log.envelope([2])
    part = broken.parts[0]
    damaged = msgspec.structs.replace(broken, parts=[Part(part.key, part.counts[:-1])])
    before = dict(log.merge.state.panes)
    assert log.apply(damaged) == []
    assert log.merge.tally.holes == 1
    assert log.merge.state.panes.keys() == before.keys()
    assert all((log.merge.state.panes[key] == counts).all() for key, counts in before.items())


def test_a_stale_snapshot_says_nothing_new() -> None:
    log = wire()
    old = log.envelope([1])
    newer = log.envelope([2])
    log.apply(old)
    log.apply(newer)
    log.apply(old)
    assert windows_of(log.tell(15)) == [(0, 0, 2)]


def test_a_successor_reads_the_open_block_again_and_goes_on() -> None:
    # first reader       x1 x2 |
    # successor        | x1 x2 x3    larger `end`: replaces
    log = wire()
    log.tell(1)
    log.tell(2)
    log.readers[0] = log.world.reader("log", 0)
    assert windows_of(log.tell(1, 2, 3)) == []
    assert windows_of(log.tell(15)) == [(0, 0, 3)]


def test_the_idleness_of_a_zombie_is_not_believed() -> None:
    # A zombie that was stopped for an hour says that it stands at the log's end; its successor stands there and reads.
    log = wire(partitions=2)
    log.tell(1, partition=0)
    log.tell(1, partition=1)
    log.tell(25, partition=0)
    zombie = log.envelope(partition=1, idle=60)
    log.readers[1] = log.world.reader("log", 1, of=2)
    log.apply(log.envelope([1], partition=1), generation=2)
    assert log.apply(zombie, generation=1) == []
    assert windows_of(log.apply(log.envelope(partition=1, idle=1), generation=2)) == [(0, 0, 2)]


def begun_anew(log: Wire, epoch: str) -> None:
    """The partition is read under another configuration, from the start of its open block."""
    start = log.readers[0].block * log.world.block
    log.readers[0] = log.world.reader("log", 0, of=len(log.readers), start=start, epoch=epoch)


def test_a_new_epoch_counts_the_open_block_anew() -> None:
    log = wire()
    log.tell(1, 2, 3)
    begun_anew(log, "second")
    log.apply(log.envelope([1, 2]), generation=2)
    assert windows_of(log.apply(log.envelope([15]), generation=2)) == [(0, 0, 2)]


def test_a_zombie_of_an_epoch_that_has_passed_is_not_heard() -> None:
    log = wire()
    log.tell(1)
    zombie = log.envelope([2, 3])
    begun_anew(log, "second")
    log.apply(log.envelope([1]), generation=2)
    assert log.apply(zombie, generation=1) == []
    assert windows_of(log.apply(log.envelope([15]), generation=2)) == [(0, 0, 1)]


def test_a_new_epoch_is_heard_also_where_the_groups_generations_began_again() -> None:
    # The worker stood still until the broker forgot its group, and came back with another configuration.
    log = wire()
    log.apply(log.envelope([1]), generation=57)
    begun_anew(log, "second")
    log.apply(log.envelope([1, 2]), generation=1)
    assert windows_of(log.apply(log.envelope([15]), generation=1)) == [(0, 0, 2)]


def test_what_was_published_is_not_late_as_well_when_a_new_epoch_counts_it_again() -> None:
    # The open block's events at 1 and 2 are in a window that has retired; only the one at 3 is new.
    log = wire()
    log.tell(1, 2)
    assert windows_of(log.tell(15)) == [(0, 0, 2)]
    begun_anew(log, "second")
    assert log.apply(log.envelope([1, 2, 15, 3]), generation=2) == [Late("m", "1", 1)]


def test_while_a_block_is_counted_anew_windows_wait_for_what_it_had() -> None:
    # partition 0    1 2 30 | a new epoch:     1 2 30
    # partition 1    11     |              20
    # window 0       two events, published; it would retire at 13 without those that are taken out
    log = wire(replace(TEN, lateness=3 * MINUTE), partitions=2)
    log.tell(1, 2, 30)
    assert windows_of(log.tell(11, partition=1)) == [(0, 0, 2)]
    begun_anew(log, "second")
    log.apply(log.envelope(), generation=2)
    assert log.tell(20, 1, partition=1) == []
    found = log.apply(log.envelope([1, 2, 30]), generation=2)
    assert windows_of(found) == [(0, 1, 3), (10, 0, 1)]


def test_a_window_shrinks_when_its_events_are_not_usable_in_a_new_epoch() -> None:
    # Another `max_future`, say: of the events at 1 and 2 only one is left, and nothing is said before that is known.
    log = wire(replace(TEN, lateness=30 * MINUTE))
    assert windows_of(log.tell(1, 2, 15)) == [(0, 0, 2)]
    begun_anew(log, "second")
    assert log.apply(log.envelope([1]), generation=2) == []
    log.readers[0].add([b"{"], None, stop=2)
    assert log.apply(log.readers[0].snapshot()[0], generation=2) == []
    assert windows_of(log.apply(log.envelope([15]), generation=2)) == [(0, 1, 1)]


def test_counts_on_another_reference_are_never_added() -> None:
    log = wire()
    log.tell(1)
    foreign = log.envelope([2])
    key = foreign.parts[0].key._replace(profile="0123456789ab")
    log.apply(msgspec.structs.replace(foreign, parts=[Part(key, foreign.parts[0].counts)]))
    assert log.merge.tally.strangers == 1
    assert windows_of(log.tell(15)) == [(0, 0, 1)]


def test_a_topic_that_is_not_read_says_nothing() -> None:
    log = wire()
    stranger = msgspec.structs.replace(log.envelope([1, 25]), topic="other")
    assert log.apply(stranger) == []
    assert log.merge.tally.strangers == 1


def other_world(log: Wire) -> World:
    """The same models against another reference."""
    world = World({"m": TEN})
    target = Target(profile("m", events=15), TEN)
    world.targets = {("m", "1"): target}
    world.comparisons = {("m", "1", target.reference): Comparison(target.profile, {}, pvalue=0.01, min_events=3)}
    return world


@pytest.mark.parametrize("topics", [["log"], ["other"]])
def test_a_changed_configuration_leaves_nothing_of_what_it_no_longer_names(topics: list[str]) -> None:
    log = wire()
    log.tell(1)
    merge = other_world(log).merge(topics, log.merge.state)
    assert (dict(merge.state.panes), merge.state.series) == ({}, {})
    assert set(merge.state.sources) == {(topic, 0) for topic in topics}
    assert merge.state.watermark == log.merge.state.watermark


def test_a_log_that_is_no_longer_read_does_not_hold_the_windows() -> None:
    log = wire()
    log.merge = log.world.merge(["log", "features"])
    log.tell(1)
    log.merge = log.world.merge(["log"], log.merge.state)
    assert windows_of(log.tell(15)) == [(0, 0, 1)]


@pytest.mark.parametrize(("step", "published"), [(10, [(0, 0, 2)]), (5, [(-5, 0, 1), (0, 0, 2), (5, 0, 2)])])
def test_a_window_that_was_final_stays_so_when_the_configuration_allows_more_lateness(
    step: int, published: list[tuple[float, int, int]]
) -> None:
    # events 1 7 12 17; pane 5 has retired, so window 5 could only be said again with a part of its events
    windows = replace(TEN, step=step * MINUTE)
    log = wire(windows)
    assert windows_of(log.tell(1, 7, 12) + log.tell(17)) == published
    log.merge = World({"m": replace(windows, lateness=30 * MINUTE)}).merge(state=log.merge.state)
    assert log.tell(17) == []
    assert log.tell(8) == [Late("m", "1", 1)]
