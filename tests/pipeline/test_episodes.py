"""Episodes as the pipeline tells of them: what the configuration asks for, and what stands in every result."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

from monitor.drift.episodes import Worst
from monitor.drift.windows import Windows
from monitor.pipeline.merge import Output
from monitor.pipeline.results import EpisodeEvent, Result, decode, encode
from tests.examples import HOUR, START, config
from tests.pipeline.hours import told
from tests.pipeline.wire import MINUTE, Wire, World, drifting


@pytest.mark.parametrize(("recovery", "closed_after"), [(1, 2), (2, 5), (3, 6)])
def test_a_models_recovery_says_how_many_windows_end_its_episodes(recovery: int, closed_after: int) -> None:
    # hours      0  1  2  3  4  5
    #            D  o  D  o  o  o
    plain = config()
    asked = replace(plain, models=tuple(replace(model, recovery=recovery) for model in plain.models))
    outputs = told(asked, [300, 0, 300, 0, 0, 0])
    assert [r.verdict for r in outputs if isinstance(r, Result)] == ["drift", "ok", "drift", "ok", "ok", "ok"]
    closed = [event for event in outputs if isinstance(event, EpisodeEvent) and event.kind == "closed"]
    assert closed[0].evidence.end == START + closed_after * HOUR


def test_every_result_of_an_episode_names_its_worst_window_so_far() -> None:
    # hours      0  1    2  3 …
    #            o  D worse  o
    outputs = told(config(), [0, 150, 300, 0, 0, 0])
    results = [output for output in outputs if isinstance(output, Result)]
    ratios = [result.columns["age0"].ratio for result in results]
    first, second = (Worst(START + n * HOUR, START + (n + 1) * HOUR, "age0", ratios[n]) for n in (1, 2))
    assert [result.worst for result in results] == [None, first, second, second, second, None]
    opened, closed = (output for output in outputs if isinstance(output, EpisodeEvent))
    assert (opened.worst, opened.windows) == (first, 1)
    assert (closed.worst, closed.windows, closed.start, closed.end) == (second, 2, first.start, second.end)


@pytest.mark.parametrize(
    "worst", [None, Worst(START, START + HOUR, "age0", 4.5), Worst(START, START + 1, "age0", None)]
)
def test_the_worst_window_is_read_from_a_result_as_it_was_written(worst: Worst | None) -> None:
    result = next(output for output in told(config(), [300]) if isinstance(output, Result))
    written = msgspec.structs.replace(result, worst=worst)
    assert decode(encode(written)) == written
    if worst:
        assert json.loads(encode(written))["worst"]["start"] == json.loads(encode(written))["start"]


LATE = Windows(10 * MINUTE, 10 * MINUTE, 60 * MINUTE)


def usual(*windows: int) -> list[float]:
    """Minutes of a dozen events as in the reference in each of these windows of ten minutes."""
    return [window * 10 + i / 100 for window in windows for i in range(12)]


def kinds(outputs: list[Output]) -> list[str]:
    return [output.kind for output in outputs if isinstance(output, EpisodeEvent)]


def test_a_window_that_late_events_change_counts_once_towards_the_recovery() -> None:
    # windows    0 drift, 1 and 2 as usual, an event more in 1, 3 as usual
    log = Wire(World({"m": LATE}, block=100_000))
    assert kinds([*log.apply(drifting(log, 5)), *log.tell(*usual(1, 2), 31)]) == ["opened"]
    assert kinds(log.tell(15)) == []
    assert kinds(log.tell(*usual(3), 41)) == ["closed"]


@pytest.mark.parametrize(("recovery", "told"), [(2, []), (3, ["opened"])])
def test_drift_that_late_events_bring_pages_unless_it_is_over(recovery: int, told: list[str]) -> None:
    # windows    0, 1 and 2 as usual, then drift in 0: two windows without it are known to have followed
    log = Wire(World({"m": LATE}, block=100_000, recovery=recovery))
    assert kinds(log.tell(*usual(0, 1, 2), 31)) == []
    assert kinds(log.apply(drifting(log, 5))) == told
    assert kinds(log.tell(*usual(3), 41)) == ["closed"] * len(told)
