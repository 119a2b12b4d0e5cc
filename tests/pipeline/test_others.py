"""Further references beside the deciding one: counted once, compared with each, and nothing decided by them."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest

from monitor.config import Config, Model, Reference
from monitor.drift.profiles import Profile
from monitor.drift.stretches import Like
from monitor.drift.updates import Window, fold
from monitor.drift.windows import Windows
from monitor.pipeline import results
from monitor.pipeline.compare import Comparison
from monitor.pipeline.merge import Output
from monitor.pipeline.results import ComparedColumn, EpisodeEvent, Result
from monitor.replay import files, replay
from tests.logfiles import DAY, as_json, decoded, half_hours, made, write


class Market:
    """Weeks of the electricity market: a reference, the same with what came after, and a log of what came then."""

    def __init__(self, folder: Path) -> None:
        rows = half_hours()
        parts = [rows[:1_440], rows[1_440:2_160], rows[2_160:]]
        first, second, self.log = (
            write(folder, f"{i}.jsonl", as_json(part, canonical=True)) for i, part in enumerate(parts)
        )
        self.training, _ = made(first)
        panes, _ = decoded(self.training, second)
        self.rolling = fold(self.training, [Window(day, day + DAY, part) for day, part in sorted(panes.items())])

    def outputs(self, deciding: Profile, **compare: Profile) -> list[Output]:
        model = Model(
            "credit",
            {"3": deciding},
            Windows(DAY, DAY),
            min_events=20,
            changes={"3": (Reference(deciding, None, compare),)},
        )
        config, found = Config((model,)), list[Output]()
        replay(config, files(config, [self.log]), on_output=found.append)
        return found

    def windows(self, deciding: Profile, **compare: Profile) -> list[Result]:
        return [output for output in self.outputs(deciding, **compare) if isinstance(output, Result)]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return Market(tmp_path_factory.mktemp("market"))


def test_what_a_further_reference_says_is_what_it_would_say_of_the_window_alone(market: Market) -> None:
    beside = market.windows(market.training, rolling=market.rolling)
    pvalue = Config(()).budget.pvalue(Windows(DAY, DAY))
    alone = Comparison(market.rolling, {}, pvalue=pvalue, min_events=20, like=Like(DAY))
    assert len(beside) > 10
    assert any(
        result.columns["nswdemand"].scores != result.compared["rolling"].columns["nswdemand"].scores
        for result in beside
    )
    for result in beside:
        counts = np.concatenate([column.counts or [] for column in result.columns.values()])
        verdict, columns = alone(counts.astype(np.int64), result.start)
        said = result.compared["rolling"]
        assert (said.reference, said.verdict, said.version) == (market.rolling.fingerprint, verdict, "3")
        assert said.columns == {
            name: ComparedColumn(column.verdict, column.ratio, column.scores) for name, column in columns.items()
        }


def test_verdicts_episodes_and_evidence_are_those_of_the_deciding_reference_alone(market: Market) -> None:
    stripped = [
        msgspec.structs.replace(output, compared={}) if isinstance(output, Result) else output
        for output in market.outputs(market.training, rolling=market.rolling)
    ]
    assert stripped == market.outputs(market.training)
    assert any(isinstance(output, EpisodeEvent) for output in stripped)


def test_results_beside_further_references_fit_the_schema_and_are_read_back(market: Market) -> None:
    schema = json.loads(resources.files("monitor.pipeline").joinpath("windows.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    for result in market.windows(market.training, rolling=market.rolling, again=market.training):
        line = results.encode(result)
        assert [error.message for error in validator.iter_errors(json.loads(line))] == []
        assert results.decode(line) == result
        assert list(result.compared) == ["rolling", "again"]
        older = json.loads(line)
        del older["compared"]
        assert results.decode(json.dumps(older).encode()) == msgspec.structs.replace(result, compared={})


def test_of_another_version_the_version_is_told(market: Market) -> None:
    other = replace(market.rolling, version="2")
    assert {result.compared["canary"].version for result in market.windows(market.training, canary=other)} == {"2"}
