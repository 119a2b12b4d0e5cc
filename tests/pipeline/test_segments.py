"""Segments are windows beside those of all events: same starts, own reference, one budget, one episode."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from monitor.config import Config, Model
from monitor.drift.bins import Counts
from monitor.drift.verdicts import model_verdict
from monitor.drift.windows import Windows
from monitor.logs.contract import Target
from monitor.logs.json import JsonDecoder
from monitor.pipeline import results
from monitor.pipeline.compare import Comparison
from monitor.pipeline.explain import sentences
from monitor.pipeline.judging import judge
from monitor.pipeline.merge import Late, Output
from monitor.pipeline.results import EpisodeEvent, Result, SegmentDrift, SegmentsResult, bare
from monitor.pipeline.state import dump
from tests import naive
from tests.naive import Event
from tests.pipeline.histories import History, before, histories, run
from tests.pipeline.test_count_windows import by_count
from tests.pipeline.wire import MINUTE, NOON, TEN, Wire, World, by_city, counted, logged, profile

SEGMENTS = {"Oslo": "Oslo", "Bergen": "Bergen", "Rome": "other"}  # by the city of an event


def of_series(outputs: list[Output]) -> dict[tuple[str, str, int], list[Result]]:
    """All revisions of every window, by model, segment ("" for all events) and start."""
    found: dict[tuple[str, str, int], list[Result]] = defaultdict(list)
    for output in outputs:
        if isinstance(output, Result):
            found[output.model, (output.segment or {"city": ""})["city"], output.start].append(output)
    return dict(found)


def parts(held: list[Event]) -> dict[str, list[Event]]:
    """Events by segment, those of all under ""."""
    found = {"": held}
    for event in held:
        found.setdefault(SEGMENTS[event.category], []).append(event)
    return found


def flat(outputs: list[list[Output]]) -> list[Output]:
    return [output for step in outputs for output in step]


@settings(max_examples=100)
@given(histories(segments=True))
def test_every_segments_windows_have_the_counts_of_the_slow_twin(history: History) -> None:
    world = history.world
    outputs = flat(run(history)[0])
    logs = {f"{topic}-{partition}": log for (topic, partition), log in history.logs.items()}
    expected, late = naive.merged(logs, history.told(), world.windows, disorder=world.disorder)
    newest = {key: revisions[-1] for key, revisions in of_series(outputs).items()}
    shares = {(m, segment, start): own for (m, start), held in expected.items() for segment, own in parts(held).items()}
    assert {key: result.events for key, result in newest.items()} == {key: len(own) for key, own in shares.items()}
    for (model, start), held in expected.items():
        comparison = world.comparisons[model, "1", world.targets[model, "1"].reference]
        counts = {f"city={segment}" if segment else "": counted(own) for segment, own in parts(held).items()}
        judged = judge(comparison, counts, start, trails(world, model, expected, start))
        whole_ = newest[model, "", start]
        assert whole_.verdict == model_verdict(one.verdict for one in judged.values())
        assert whole_.columns == judged[""].columns
        if not any(newest[model, s, start].revision for s in parts(held)):
            assert all(newest[model, s, start].columns == judged[f"city={s}"].columns for s in parts(held) if s)
    assert sum(output.events for output in outputs if isinstance(output, Late)) == late.total()


def trails(
    world: World, model: str, held: Mapping[tuple[str, int], list[Event]], start: int
) -> dict[str, list[tuple[int, Counts]]]:
    """By segment, what is known of the windows right before one."""
    comparison = world.comparisons[model, "1", world.targets[model, "1"].reference]
    found: dict[str, dict[int, Counts]] = defaultdict(dict)
    for (name, first), events in held.items():
        for segment, own in parts(events).items() if name == model else ():
            found[f"city={segment}" if segment else ""][first] = counted(own)
    series = {"": comparison, **dict(comparison.of_segments(found.keys()))}
    return {
        name: [(first, series[name].sums(own[first])) for first in before(world.windows[model], own.keys(), start)]
        for name, own in found.items()
    }


@settings(max_examples=50)
@given(histories(changes=True, segments=True))
def test_the_events_of_a_windows_segments_add_up_to_all_and_an_id_has_one_content(history: History) -> None:
    found = of_series(flat(run(history)[0]))
    contents: dict[str, bytes] = {}
    for revisions in found.values():
        assert [result.revision for result in revisions] == list(range(len(revisions)))
        for result in revisions:
            assert contents.setdefault(result.id, results.encode(result)) == results.encode(result)
    for (model, segment, start), revisions in found.items():
        if not segment:
            own = [found[model, s, start][-1].events for s in set(SEGMENTS.values()) if (model, s, start) in found]
            assert sum(own) == revisions[-1].events


@settings(max_examples=50)
@given(histories(changes=True, segments=True) | histories(changes=True, windows=by_count, segments=True), st.data())
def test_a_restart_at_any_point_changes_nothing(history: History, data: st.DataObject) -> None:
    outputs, states = run(history)
    cut = data.draw(st.integers(0, len(states) - 1))
    again, after = run(history, states[cut])
    assert flat(again) == flat(outputs[cut + 1 :])
    assert dump(after[-1]) == dump(states[-1])


@settings(max_examples=50)
@given(histories(windows=by_count, segments=True))
def test_windows_by_count_are_filled_by_all_events_and_have_their_segments(history: History) -> None:
    outputs = flat(run(history)[0])
    logs = {f"{topic}-{partition}": log for (topic, partition), log in history.logs.items()}
    found = {(*key, r.end): r.events for key, revisions in of_series(outputs).items() for r in revisions}
    expected: dict[tuple[str, str, int, int], int] = {}
    for model, windows in history.world.windows.items():
        held, _ = naive.filled(logs, history.told(), windows, disorder=history.world.disorder, model=model)
        expected |= {(model, s, start, end): len(own) for start, end, all_ in held for s, own in parts(all_).items()}
    assert found == expected


def test_histories_have_segments_that_drift_alone() -> None:
    def alone(history: History) -> bool:
        told = [output for output in flat(run(history)[0]) if isinstance(output, Result) and output.segments]
        return any(r.segments and r.segments.drifted and not r.drifted for r in told)

    find(histories(segments=True), alone, settings=settings(max_examples=2_000, phases=[Phase.generate]))


# One window at a time. Of the reference 8 events are in Oslo (values 1 and 2) and 4 in Bergen (value 5).


def window(*shares: tuple[str, float, int]) -> list[Output]:
    """What follows from a window with so many events of a city and value, in an hour of its own."""
    log = Wire(World({"m": TEN}, segments=True, block=100_000))
    events = [Event("m", NOON + i, city, value) for city, value, n in shares for i in range(n)]
    reader = log.readers[0]
    values = [logged(event) for event in [*events, Event("m", NOON + 60 * MINUTE, "Oslo", 1.0)]]
    reader.add(values, None, stop=len(values))
    return log.apply(reader.snapshot()[0])


def whole(outputs: list[Output]) -> Result:
    return next(output for output in outputs if isinstance(output, Result) and output.segment is None)


def test_a_window_like_the_reference_is_in_drift_nowhere() -> None:
    big = 1_000  # the reference has 12 events, so that nothing is certain
    outputs = window(("Oslo", 1.0, big), ("Oslo", 2.0, big), ("Bergen", 5.0, big))
    assert [r.verdict for r in outputs if isinstance(r, Result)] == ["ok"] * 3
    assert whole(outputs).segments == SegmentsResult(2, ())
    assert not [output for output in outputs if isinstance(output, EpisodeEvent)]


def test_two_segments_that_change_places_are_seen_though_all_events_together_are_as_ever() -> None:
    oslo, bergen = [("Oslo", value, 100) for value in (1.0, 2.0, 5.0, 5.0)], [("Bergen", v, 100) for v in (1.0, 2.0)]
    outputs = window(*oslo, *bergen)
    found = whole(outputs)
    assert found.columns["value"].verdict == "ok"
    assert found.verdict == "drift"
    assert found.segments
    assert found.segments.drifted == (SegmentDrift({"city": "Bergen"}, ("value",)),)
    own = next(o for o in outputs if isinstance(o, Result) and o.segment == {"city": "Bergen"}).columns["value"]
    (alone,) = found.segments.columns
    assert (alone.ratio, alone.reason, alone.moved) == (own.ratio, own.reason, own.moved)
    parts = "0 % → 100 % of values from 1 up to 2; 100 % → 0 % of values exactly 5"
    assert sentences(found) == [f"value 1.0× in city=Bergen: {parts}", "only city=Bergen (value) of 2 segments moved"]


def test_what_all_events_say_already_is_not_said_again_of_segments() -> None:
    found = whole(window(("Oslo", 9.0, 400), ("Bergen", 5.0, 200)))
    assert found.segments
    assert found.columns["value"].verdict == "drift"
    assert found.segments.drifted == (SegmentDrift({"city": "Oslo"}, ("value",)),)
    assert found.segments.columns == ()
    assert sentences(found)[1:] == ["only city=Oslo (value) of 2 segments moved"]


def test_an_incident_is_one_episode_of_the_model_whichever_segments_moved() -> None:
    outputs = window(("Oslo", 9.0, 400), ("Bergen", 0.0, 200))
    found = whole(outputs)
    (opened,) = [output for output in outputs if isinstance(output, EpisodeEvent)]
    assert (opened.kind, opened.segment, opened.columns, opened.evidence) == ("opened", None, ("value",), bare(found))
    assert {r.episode for r in outputs if isinstance(r, Result)} == {opened.id}
    assert found.segments
    assert len(found.segments.drifted) == found.segments.decided == 2
    assert sentences(found)[-1] == "all 2 segments moved"


def test_a_segment_with_few_events_in_the_window_or_none_in_the_reference_is_undecided() -> None:
    outputs = window(("Oslo", 1.0, 200), ("Oslo", 2.0, 200), ("Bergen", 0.0, 2), ("Rome", 0.0, 200))
    verdicts = {(r.segment or {}).get("city"): r.verdict for r in outputs if isinstance(r, Result)}
    assert (verdicts["Bergen"], verdicts["other"]) == ("undecided", "undecided")
    assert (whole(outputs).segments or SegmentsResult(0, ())).decided == 1


def test_a_late_event_revises_all_events_and_its_own_segment_only() -> None:
    log = Wire(World({"m": Windows(10 * MINUTE, 10 * MINUTE, 60 * MINUTE)}, segments=True))

    def tell(*events: Event) -> list[tuple[object, int, int]]:
        log.readers[0].add([logged(event) for event in events], None, stop=log.readers[0].end + len(events))
        told = log.apply(log.readers[0].snapshot()[0])
        return [((o.segment or {}).get("city"), o.revision, o.events) for o in told if isinstance(o, Result)]

    first, second = Event("m", NOON, "Oslo", 1.0), Event("m", NOON, "Bergen", 5.0)
    assert tell(first, second, Event("m", NOON + 11 * MINUTE, "Oslo", 1.0)) == [
        (None, 0, 2), ("Oslo", 0, 1), ("Bergen", 0, 1)
    ]  # fmt: skip
    assert tell(second) == [(None, 1, 3), ("Bergen", 1, 2)]
    assert tell(Event("m", NOON, "Rome", 5.0)) == [(None, 2, 4), ("other", 0, 1)]


def test_all_events_of_a_segment_that_none_was_in_on_time_are_late() -> None:
    log = Wire(World({"m": Windows(10 * MINUTE, 10 * MINUTE, 60 * MINUTE)}, segments=True))
    log.tell(0, 11)
    log.readers[0].add([logged(Event("m", NOON, "Rome", 5.0))] * 2, None, stop=4)
    told = [o for o in log.apply(log.readers[0].snapshot()[0]) if isinstance(o, Result)]
    assert [(o.revision, o.events, o.late) for o in told] == [(1, 3, 2), (0, 2, 2)]


def test_segments_that_the_configuration_monitors_no_more_are_dropped() -> None:
    log = Wire(World({"m": TEN}, segments=True))
    log.tell(1, 2)
    log.world.targets = {key: replace(target, segmentations=()) for key, target in log.world.targets.items()}
    log.merge = log.world.merge(state=log.merge.state)
    outputs = log.tell(12)
    assert [o.segment for o in outputs if isinstance(o, Result)] == [None]
    assert not any(key.segment for key in [*log.merge.state.panes, *log.merge.state.series])


def test_a_small_reference_is_not_taken_for_one_of_a_segment_in_the_reason() -> None:
    small = profile("m", events=12)
    comparison = Comparison(small, {}, pvalue=0.01, min_events=100)
    found = judge(comparison, {"": counted([Event("m", NOON, "Oslo", 1.0)] * 200)})[""].columns["value"]
    assert found.verdict != "undecided"
    assert found.reason is not None
    assert "threshold" in found.reason


def test_the_budget_is_shared_by_the_columns_of_all_events_and_of_every_segment() -> None:
    split = by_city(profile("m", events=12_000))
    comparison = Comparison(split, {}, pvalue=0.01, min_events=3, segmentations=split.segmentations)
    bergen = np.array([0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 100, 0, 0, 0, 0])
    oslo = np.array([0, 100, 0, 100, 0, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0])
    alone = judge(comparison, {"": oslo + bergen})[""].columns["value"].scores["ks"].threshold
    shared = judge(comparison, {"": oslo + bergen, "city=Oslo": oslo, "city=Bergen": bergen})
    assert alone is not None
    assert alone < (shared[""].columns["value"].scores["ks"].threshold or 0.0)


def test_a_block_opens_fewer_panes_where_events_are_counted_by_segment_as_well() -> None:
    split = by_city(profile("m"))
    values = [logged(Event("m", NOON + i * MINUTE, "Oslo", 1.0)) for i in range(8)]
    for segmentations, events in ((split.segmentations, 3), ((), 6)):
        target = Target(split, Windows(MINUTE, MINUTE), segmentations=segmentations)
        counted_ = JsonDecoder({("m", "1"): target}, max_panes=6).count(values, None)
        assert counted_.events == events
        assert {rejected.reason for rejected in counted_.rejected} == {"too_many_panes"}


def test_the_epoch_names_the_segments_that_are_counted() -> None:
    split = by_city(profile("m"))
    epochs = {Config((Model("m", {"1": split}, TEN, segments=chosen),)).epoch for chosen in (None, (), ("city",))}
    assert len(epochs) == 2
    none = {Config((Model("m", {"1": profile("m")}, TEN, segments=chosen),)).epoch for chosen in (None, ())}
    assert len(none) == 1
