"""Whatever becomes of the envelopes on their way, the windows hold what the slow twin finds event by event."""

from __future__ import annotations

from collections import Counter

from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from monitor.pipeline import judging, results
from monitor.pipeline.merge import Late
from monitor.pipeline.results import EpisodeEvent, Result
from monitor.pipeline.state import dump
from tests import naive
from tests.pipeline.histories import History, before, histories, newest, run
from tests.pipeline.wire import counted


@settings(max_examples=150)
@given(histories())
def test_the_newest_revision_of_every_window_has_the_counts_of_the_slow_twin(history: History) -> None:
    world = history.world
    outputs = [output for step in run(history)[0] for output in step]
    logs = {f"{topic}-{partition}": log for (topic, partition), log in history.logs.items()}
    expected, late = naive.merged(logs, history.told(), world.windows, disorder=world.disorder)
    found = newest(outputs)
    assert found.keys() == expected.keys()
    for (model, start), held in expected.items():
        comparison = world.comparisons[model, "1", world.targets[model, "1"].reference]
        starts = before(world.windows[model], [first for name, first in expected if name == model], start)
        earlier = [(first, comparison.sums(counted(expected[model, first]))) for first in starts]
        judged = judging.judge(comparison, {"": counted(held)}, start, {"": earlier})
        result = found[model, start]
        assert (result.events, result.verdict, result.columns) == (len(held), judged[""].verdict, judged[""].columns)
    told = Counter[str]()
    for output in outputs:
        if isinstance(output, Late):
            told[output.model] += output.events
    assert told == +late


@settings(max_examples=100)
@given(histories(changes=True, orderly=True))
def test_events_within_disorder_and_lateness_are_exact_however_envelopes_interleave(history: History) -> None:
    outputs = [output for step in run(history)[0] for output in step]
    expected = naive.windowed([event for log in history.logs.values() for event in log], history.world.windows)
    assert {key: result.events for key, result in newest(outputs).items()} == expected
    assert not any(isinstance(output, Late) for output in outputs)


@settings(max_examples=200)
@given(histories(changes=True), st.data())
def test_every_event_is_in_one_tumbling_window_or_late_never_both_never_neither(
    history: History, data: st.DataObject
) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(history.sent) - 1), max_size=3))
    outputs = [output for step in run(history, restarts=cuts)[0] for output in step]
    for model, windows in history.world.windows.items():
        written = sum(event is not None and event.model == model for log in history.logs.values() for event in log)
        held = sum(result.events for (name, _), result in newest(outputs).items() if name == model)
        late = sum(output.events for output in outputs if isinstance(output, Late) and output.model == model)
        if windows.size == windows.step:
            assert held + late == written
        else:
            assert held + late <= written * (windows.size // windows.step)


@settings(max_examples=50)
@given(histories(changes=True), st.data())
def test_a_restart_at_any_point_changes_nothing(history: History, data: st.DataObject) -> None:
    outputs, states = run(history)
    cut = data.draw(st.integers(0, len(states) - 1))
    again, after = run(history, states[cut])
    assert again[: cut + 1] == [[]] * (cut + 1)
    assert again[cut + 1 :] == outputs[cut + 1 :]
    assert dump(after[-1]) == dump(states[-1])


@settings(max_examples=50)
@given(histories(changes=True))
def test_revisions_count_up_and_an_id_has_one_content(history: History) -> None:
    contents: dict[str, bytes] = {}
    revisions: dict[tuple[str, int], int] = {}
    for output in [output for step in run(history)[0] for output in step]:
        if isinstance(output, Result):
            assert contents.setdefault(output.id, results.encode(output)) == results.encode(output)
            assert output.revision == revisions.get((output.model, output.start), -1) + 1
            revisions[output.model, output.start] = output.revision


@settings(max_examples=50)
@given(histories(changes=True))
def test_episodes_open_and_close_in_turn_and_never_twice_under_one_id(history: History) -> None:
    open_: dict[str, str] = {}
    seen = set()
    for output in [output for step in run(history)[0] for output in step]:
        if isinstance(output, EpisodeEvent):
            assert (output.kind, output.id) not in seen
            seen.add((output.kind, output.id))
            assert (open_.get(output.model) is None) == (output.kind == "opened")
            open_[output.model] = output.id if output.kind == "opened" else ""
            open_ = {model: name for model, name in open_.items() if name}


@settings(max_examples=100)
@given(histories(changes=True), st.data())
def test_episodes_are_those_of_the_slow_twin_whatever_is_revised_and_whoever_restarts(
    history: History, data: st.DataObject
) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(history.sent) - 1), max_size=3))
    said: dict[str, list[naive.Said]] = {}
    for output in [output for step in run(history, restarts=cuts)[0] for output in step]:
        if isinstance(output, Result):
            ratios = {name: output.columns[name].ratio or 0.0 for name in output.drifted}
            told = said.setdefault(output.model, [])
            told.append(naive.Said(output.start, output.end, output.verdict, ratios))
            found = naive.episodes(told, recovery=history.world.recovery[output.model])
            opened = found[-1].drifts[0].start if found and not found[-1].closed else None
            assert output.episode == (None if opened is None else f"{name_of(output)}/{results.rfc3339(opened)}")


def test_histories_have_episodes_that_open_and_close_and_revisions_in_drift() -> None:
    def rich(history: History) -> bool:
        outputs = [output for step in run(history)[0] for output in step]
        kinds = {output.kind for output in outputs if isinstance(output, EpisodeEvent)}
        revised = [output for output in outputs if isinstance(output, Result) and output.revision]
        return kinds == {"opened", "closed"} and any(result.verdict == "drift" for result in revised)

    find(histories(), rich, settings=settings(max_examples=2_000, phases=[Phase.generate], database=None))


def test_histories_have_windows_that_are_told_again_because_one_before_them_changed() -> None:
    def follows(history: History) -> bool:
        events: dict[tuple[str, int], int] = {}
        for output in [output for step in run(history)[0] for output in step]:
            if isinstance(output, Result):
                if events.get((output.model, output.start)) == output.events:
                    return any(column.lasting for column in output.columns.values())
                events[output.model, output.start] = output.events
        return False

    find(histories(), follows, settings=settings(max_examples=2_000, phases=[Phase.generate], database=None))


def name_of(result: Result) -> str:
    """The row of windows that a result stands in."""
    return results.series_id(result.model, result.version, "", result.reference)
