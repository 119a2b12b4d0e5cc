"""Episodes as the pipeline tells of them: what the configuration asks for, and what stands in every result."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

from monitor.config import Config
from monitor.drift.episodes import Worst
from monitor.pipeline.assemble import Embedded, LogBatch
from monitor.pipeline.merge import Output
from monitor.pipeline.results import EpisodeEvent, Result, decode, encode
from tests.examples import HOUR, START, config

USUAL = [
    ({"age0": age, "country": land}, score)
    for age in (25, 25, 40, 40, 60)
    for land in ("DE", "DE", "FR")
    for score in (25, 25, 40, 40, 60)
]  # about as in the reference


def hour(number: int, *, drift: int = 0) -> list[bytes]:
    """The events of an hour, in the first `drift` of which nobody is older than 25."""
    found = []
    for i, (features, score) in enumerate(USUAL * 4):
        event = {"model": "credit", "version": "3", "time": START + number * HOUR + i, "prediction": score}
        found.append(json.dumps(event | {"features": features | ({"age0": 25} if i < drift else {})}).encode())
    return found


def told(configured: Config, hours: list[int]) -> list[Output]:
    """What follows from a log with these hours: the number of events in each that drift."""
    log = [event for number, drift in enumerate(hours) for event in hour(number, drift=drift)]
    embedded = Embedded(configured, {"log": 1}, lambda *counted: None)
    batch = LogBatch("log", 0, log, None, range(len(log)), len(log))
    return [*embedded.feed(batch), *embedded.end("log", 0)]


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
