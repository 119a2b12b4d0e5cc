"""References of one model version that follow each other in event time: no window has events of two, none is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.drift.windows import Windows
from monitor.logs.contract import Counted, PaneKey, Target
from monitor.logs.json import JsonDecoder
from monitor.pipeline.compare import Comparison
from monitor.pipeline.merge import Late, Output
from monitor.pipeline.results import Result
from tests.naive import Event
from tests.pipeline.wire import MINUTE, NOON, TEN, Wire, World, logged, profile, windows_of

OLD, NEW = profile("m"), profile("m", events=15)
TWENTY = Windows(20 * MINUTE, 10 * MINUTE)


def chain(windows: Windows, *switches: int) -> Target:
    """The old reference, then the new and the old in turn, each from so many minutes after noon on."""
    target: Target | None = None
    for i, minute in reversed(list(enumerate(switches))):
        target = Target(OLD if i % 2 else NEW, windows, NOON + minute * MINUTE, target)
    return Target(OLD, windows, None, target)


def world(target: Target, *, block: int = 100) -> World:
    made = World({"m": target.windows}, block=block)
    made.targets = {("m", "1"): target}
    made.comparisons = {
        ("m", "1", each.reference): Comparison(each.profile, {}, pvalue=0.01, min_events=3) for each in target.all()
    }
    return made


def references(outputs: list[Output]) -> list[str]:
    return [output.reference for output in outputs if isinstance(output, Result)]


def reload(log: Wire, made: World) -> None:
    """Merge goes on with its state under another configuration."""
    log.world, log.merge = made, made.merge(state=log.merge.state)


def redo(log: Wire, partition: int = 0, *, of: int = 1) -> None:
    """The partition is read again from its start, under the present configuration."""
    log.readers[partition] = log.world.reader("log", partition, of=of, epoch="second")


def test_events_are_counted_on_the_reference_of_their_time_and_every_window_has_one() -> None:
    # minutes   0    10    20    30
    #           |-old-|-new-|-new-|
    log = Wire(world(chain(TEN, 10)))
    outputs = [output for minutes in ([1, 2], [12, 13, 14], [25], [31]) for output in log.tell(*minutes)]
    assert windows_of(outputs) == [(0, 0, 2), (10, 0, 3), (20, 0, 1)]
    assert references(outputs) == [OLD.fingerprint, NEW.fingerprint, NEW.fingerprint]


def test_a_late_event_revises_the_old_references_window_after_the_new_one_has_come_into_force() -> None:
    log = Wire(world(chain(Windows(10 * MINUTE, 10 * MINUTE, lateness=30 * MINUTE), 10)))
    log.tell(1, 2)
    log.tell(12)
    revised = log.tell(3)
    assert (windows_of(revised), references(revised)) == ([(0, 1, 3)], [OLD.fingerprint])


def test_overlapping_windows_across_the_time_are_nobodys() -> None:
    # 0    10    20    30    40
    # |----old---|
    #      |--nobody's-|
    #            |----new----|
    log = Wire(world(chain(TWENTY, 20)))
    outputs = [output for minute in (1, 11, 21, 31, 61) for output in log.tell(minute)]
    assert windows_of(outputs) == [(-10, 0, 1), (0, 0, 2), (20, 0, 2), (30, 0, 1)]
    assert references(outputs) == [OLD.fingerprint] * 2 + [NEW.fingerprint] * 2


def test_a_window_by_count_ends_where_the_reference_changes() -> None:
    # minutes   0    10    20    30    40
    # events      2     1     4     1
    # 4 wanted  |----old----|-new-|          the old one's window has what there was
    log = Wire(world(chain(Windows(10 * MINUTE, 10 * MINUTE, events=4), 20, 30)))
    outputs = [output for minutes in ([1, 2], [12], [21, 22, 23, 24], [31], [41]) for output in log.tell(*minutes)]
    assert windows_of(outputs) == [(0, 0, 3), (20, 0, 4)]
    assert references(outputs) == [OLD.fingerprint, NEW.fingerprint]
    ended = [(output.end - NOON) / MINUTE for output in outputs if isinstance(output, Result)]
    assert ended == [20, 30]


def test_a_window_by_count_ends_with_its_reference_also_where_the_next_one_has_no_events() -> None:
    log = Wire(world(chain(Windows(10 * MINUTE, 10 * MINUTE, events=4), 10, 20)))
    outputs = [output for minutes in ([1, 2], [21, 22, 23, 24], [31]) for output in log.tell(*minutes)]
    assert windows_of(outputs) == [(0, 0, 2), (20, 0, 4)]
    assert len({output.id for output in outputs if isinstance(output, Result)}) == 2


def test_a_window_by_count_ends_after_its_events_also_where_a_reference_was_told_too_late() -> None:
    # minutes   0    10    20    30    40
    # events      2     1     1     4        from 10 on, but the slices up to 30 are in the old one's window already
    windows = Windows(10 * MINUTE, 10 * MINUTE, events=9)
    log = Wire(World({"m": windows}, block=2))
    for minutes in ([1, 2], [12, 21], [31, 32]):
        log.tell(*minutes)
    reload(log, world(Target(OLD, windows, None, Target(NEW, replace(windows, events=2), NOON + 10 * MINUTE)), block=2))
    log.readers = [log.world.reader("log", 0, start=6, epoch="second")]
    outputs = [output for minutes in ([33, 34], [41, 42]) for output in log.tell(*minutes)]
    found = [((o.start - NOON) // MINUTE, (o.end - NOON) // MINUTE, o.events) for o in outputs if isinstance(o, Result)]
    assert found == [(0, 30, 4), (30, 40, 2)]


def test_a_reference_may_return_later() -> None:
    log = Wire(world(chain(TEN, 10, 20)))
    outputs = [output for minute in (1, 11, 21, 31) for output in log.tell(minute)]
    assert references(outputs) == [OLD.fingerprint, NEW.fingerprint, OLD.fingerprint]
    assert len({output.id for output in outputs if isinstance(output, Result)}) == 3


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_how_a_log_is_cut_into_batches_does_not_change_its_counts(size: int) -> None:
    decoder = JsonDecoder({("m", "1"): chain(TEN, 10, 20)}, max_future=MINUTE)
    minutes = [1, 25, 12, 3, 29, 11, 2, 15, 21, None, 4, 19]
    values = [logged(None if at is None else Event("m", NOON + at * MINUTE, "Oslo", 2.0)) for at in minutes]
    stamps = [NOON + 26 * MINUTE] * len(values)  # so 29 comes from the future
    counted = [decoder.count(values[i : i + size], stamps[i : i + size]) for i in range(0, len(values), size)]
    assert sum(each.events for each in counted) == 10
    rejected = [(i * size + r.index, r.reason) for i, each in enumerate(counted) for r in each.rejected]
    assert rejected == [(4, "future_time"), (9, "not_json")]
    assert totals(counted) == {
        (OLD.fingerprint, 0): 4,
        (f"{NEW.fingerprint}@{NOON + 10 * MINUTE}", 10): 4,
        (f"{OLD.fingerprint}@{NOON + 20 * MINUTE}", 20): 2,
    }


def totals(counted: list[Counted]) -> dict[tuple[str, int], int]:
    """Events by reference and pane, in minutes after noon."""
    found: dict[tuple[str, int], int] = {}
    for each in counted:
        for key, counts in each.counts.items():
            place = (key.profile, (key.pane - NOON) // MINUTE)
            found[place] = found.get(place, 0) + int(counts.sum()) // len(OLD.columns)
    return found


def test_while_a_new_epoch_counts_again_no_window_closes_and_none_is_revised() -> None:
    # old epoch    1 2 12 |                of partition 0; partition 1 goes on, and would close the first window
    # new epoch    1 | 2 12 |
    log = Wire(World({"m": Windows(10 * MINUTE, 10 * MINUTE, lateness=60 * MINUTE)}), partitions=2)
    log.tell(1, 2, 12)
    redo(log, of=2)
    assert log.tell(1) == []
    assert log.tell(13, partition=1) == []
    assert windows_of(log.tell(2, 12)) == [(0, 0, 2)]


def test_a_published_window_is_not_revised_by_counting_it_again() -> None:
    log = Wire(World({"m": Windows(10 * MINUTE, 10 * MINUTE, lateness=60 * MINUTE)}))
    assert windows_of(log.tell(1, 2, 12)) == [(0, 0, 2)]
    redo(log)
    assert [log.tell(1), log.tell(2), log.tell(12)] == [[], [], []]
    assert windows_of(log.tell(3)) == [(0, 1, 3)]


def test_an_open_block_counted_beyond_the_time_by_an_old_configuration_is_waited_for_and_counted_again() -> None:
    log = Wire(World({"m": TEN}), partitions=2)
    log.tell(1, 12, 13)
    reload(log, world(chain(TEN, 10)))
    log.readers[1] = log.world.reader("log", 1, of=2, epoch="second")
    assert log.tell(2, 14, 25, partition=1) == []
    assert log.tell(25) == []  # still told by the old configuration
    redo(log, of=2)
    outputs = log.tell(1, 12, 13, 25)
    assert windows_of(outputs) == [(0, 0, 2), (10, 0, 3)]
    assert references(outputs) == [OLD.fingerprint, NEW.fingerprint]
    assert log.merge.tally.superseded == 0


def test_a_closed_block_of_an_old_configuration_beyond_the_time_is_counted_once_apart_and_told_of() -> None:
    log = Wire(world(chain(TEN, 10), block=3))
    made = World({"m": TEN}, block=3)
    log.readers = [made.reader("log", 0)]
    log.tell(1, 12, 13)
    log.readers = [log.world.reader("log", 0, start=3, epoch="second")]
    outputs = log.tell(14, 25)
    made_of = sorted(zip(references(outputs), windows_of(outputs), strict=True))
    assert made_of == sorted([(OLD.fingerprint, (10, 0, 2)), (NEW.fingerprint, (10, 0, 1))])
    assert log.merge.tally.superseded == 1


def test_a_reference_that_is_newer_than_the_configuration_is_noticed_and_one_that_was_removed_is_not() -> None:
    old, new = Wire(World({"m": TEN})), Wire(world(chain(TEN, 10)))
    newer = new.envelope([12])
    assert old.merge.ahead(newer) == PaneKey(
        "m", "1", f"{NEW.fingerprint}@{NOON + 10 * MINUTE}", "", NOON + 10 * MINUTE
    )
    assert old.merge.ahead(old.envelope([1])) is None
    assert new.merge.ahead(newer) is None
    alone = world(Target(NEW, TEN, NOON + 10 * MINUTE))
    assert alone.merge().ahead(old.envelope([2])) is None


def test_events_before_the_time_are_late_once_the_reference_of_that_time_is_configured_no_more() -> None:
    log = Wire(world(Target(NEW, TEN, NOON + 10 * MINUTE)))
    assert log.tell(1, 12, 13) == [Late("m", "1", 1)]
    assert windows_of(log.tell(25)) == [(10, 0, 2)]


def test_the_old_references_windows_survive_a_checkpoint_and_close_on_it() -> None:
    log = Wire(world(chain(TEN, 10)))
    log.tell(1, 2)
    reload(log, world(chain(TEN, 10)))
    outputs = log.tell(12)
    assert (windows_of(outputs), references(outputs)) == ([(0, 0, 2)], [OLD.fingerprint])
    assert not log.merge.holds("m", "1", OLD.fingerprint)
