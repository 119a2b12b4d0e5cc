"""Windows by count: as many slices of event time as it takes, each final, however the envelopes come."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.drift.bins import Counts
from monitor.drift.calendars import DAY
from monitor.drift.windows import Windows
from monitor.pipeline.judging import judge
from monitor.pipeline.merge import Late, Output
from monitor.pipeline.results import Result
from monitor.pipeline.state import State, dump, load
from tests import naive
from tests.pipeline.histories import TARAWA, History, histories, run
from tests.pipeline.wire import MINUTE, NOON, Wire, World, counted, windows_of

slices = st.sampled_from([(MINUTE, 0, 1), (MINUTE, MINUTE, 4), (2 * MINUTE, 0, 5), (3 * MINUTE, 2 * MINUTE, 2)])
by_count = slices.map(lambda chosen: Windows(chosen[0], chosen[0], chosen[1], events=chosen[2]))


def told(outputs: list[list[Output]], model: str) -> list[Result]:
    return [o for step in outputs for o in step if isinstance(o, Result) and o.model == model]


@settings(max_examples=100)
@given(histories(windows=by_count))
def test_windows_hold_what_the_slow_twin_finds_event_by_event(history: History) -> None:
    outputs = run(history)[0]
    logs = {f"{topic}-{partition}": log for (topic, partition), log in history.logs.items()}
    for model, windows in history.world.windows.items():
        expected, late = naive.filled(logs, history.told(), windows, disorder=history.world.disorder, model=model)
        results = told(outputs, model)
        assert [(r.start, r.end, r.events) for r in results] == [(start, end, len(e)) for start, end, e in expected]
        comparison = history.world.comparisons[model, "1", history.world.targets[model, "1"].reference]
        trail: list[tuple[int, Counts]] = []
        for result, (start, _, events) in zip(results, expected, strict=True):
            judged = judge(comparison, {"": counted(events)}, start, {"": trail})[""]
            assert (result.verdict, result.columns) == (judged.verdict, judged.columns)
            trail = [(start, judged.sums), *trail[:2]]
        assert sum(o.events for step in outputs for o in step if isinstance(o, Late) and o.model == model) == late


@settings(max_examples=100)
@given(histories(changes=True, windows=by_count))
def test_windows_tile_time_and_are_full_and_final(history: History) -> None:
    outputs, states = run(history)
    for model, windows in history.world.windows.items():
        results = told(outputs, model)
        assert all(r.revision == 0 and r.final and r.late == 0 and r.events >= (windows.events or 0) for r in results)
        assert [r.start for r in results[1:]] == [r.end for r in results[:-1]]
        written = sum(event is not None and event.model == model for log in history.logs.values() for event in log)
        late = sum(o.events for step in outputs for o in step if isinstance(o, Late) and o.model == model)
        left = written - late - sum(r.events for r in results)
        assert 0 <= left < (windows.events or 0)
        assert all(not series.published for series in states[-1].series.values())


@settings(max_examples=100)
@given(histories(changes=True, orderly=True, windows=by_count))
def test_events_within_disorder_and_lateness_are_in_the_same_windows_however_envelopes_interleave(
    history: History,
) -> None:
    outputs = run(history)[0]
    events = [event for log in history.logs.values() for event in log]
    for model, windows in history.world.windows.items():
        at_once = naive.Told("all", 0, len(events), True, 0, 10**15)
        expected, late = naive.filled({"all": events}, [at_once], windows, disorder=0, model=model)
        assert [(r.start, r.end, r.events) for r in told(outputs, model)] == [(s, e, len(n)) for s, e, n in expected]
        assert late == 0


@settings(max_examples=50)
@given(histories(changes=True, windows=by_count), st.data())
def test_a_restart_at_any_point_changes_nothing(history: History, data: st.DataObject) -> None:
    outputs, states = run(history)
    cut = data.draw(st.integers(0, len(states) - 1))
    again, after = run(history, states[cut])
    assert again == [[]] * (cut + 1) + outputs[cut + 1 :]
    assert dump(after[-1]) == dump(states[-1])


def wire(windows: Windows) -> Wire:
    return Wire(World({"m": windows}))


def test_a_window_ends_with_the_slice_that_fills_it() -> None:
    # minute      0    1    2    3    4    5    6
    # events      xx        xx             x
    # watermark                                 |
    # window      [-------------)                     4 of 3 wanted: a slice is never cut
    #                            [-------------       waits for 2 more
    made = wire(Windows(MINUTE, MINUTE, events=3))
    outputs = made.tell(0, 0.5, 2, 2.5, 5, 6)
    assert windows_of(outputs) == [(0, 0, 4)]
    assert [output.end for output in outputs if isinstance(output, Result)] == [NOON + 3 * MINUTE]
    assert windows_of(made.tell(6.5, 8)) == [(3, 0, 3)]


def test_a_slice_waits_for_its_lateness_and_a_window_is_never_revised() -> None:
    # minute      0    1    2    3    4
    # slice       [----)~~~~~~~~~|          lateness 2m
    # watermark             |               2m: waits; an event at 0m50s is in time
    #                            |          3m: closes; one at 0m50s is late
    made = wire(Windows(MINUTE, MINUTE, 2 * MINUTE, events=2))
    assert windows_of(made.tell(0, 2)) == []
    assert windows_of(made.tell(50 / 60)) == []
    assert windows_of(made.tell(3)) == [(0, 0, 2)]
    assert made.tell(50 / 60) == [Late("m", "1", 1)]


def test_slices_may_be_days_of_a_zone() -> None:
    # Tarawa      1 January   2 January
    # slices      ----------)[----------       midnight there is NOON here
    made = wire(Windows(DAY, DAY, 0, 0, TARAWA, events=2))
    outputs = made.tell(-2, -1, 1, 2, 24 * 60 + 1)
    found = [(output.start, output.end) for output in outputs if isinstance(output, Result)]
    assert found == [(NOON - DAY, NOON), (NOON, NOON + DAY)]


def test_other_windows_after_a_restart_take_nothing_from_the_old_ones() -> None:
    before = wire(Windows(MINUTE, MINUTE, events=3))
    before.tell(0, 1, 2)
    (series,) = before.merge.state.series.values()
    assert series.filling is not None
    by_time = World({"m": Windows(MINUTE, MINUTE, 10 * MINUTE)}).merge(state=before.merge.state)
    assert [series.filling for series in by_time.state.series.values()] == [None]

    revisable = wire(Windows(MINUTE, MINUTE, 10 * MINUTE))
    revisable.tell(0, 1, 2)
    assert any(series.published for series in revisable.merge.state.series.values())
    after = World({"m": Windows(MINUTE, MINUTE, events=3)}).merge(state=revisable.merge.state)
    assert not any(series.published for series in after.state.series.values())


def test_a_window_that_is_being_filled_is_in_the_checkpoint() -> None:
    made = wire(Windows(MINUTE, MINUTE, events=3))
    made.tell(0, 1, 2)
    read: State = load(dump(made.merge.state))
    assert [series.filling for series in read.series.values()] == [
        series.filling for series in made.merge.state.series.values()
    ]
    made.merge = made.world.merge(state=read)
    assert windows_of(made.tell(3)) == [(0, 0, 3)]
