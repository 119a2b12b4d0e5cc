"""Which configuration may follow another one while a worker runs, and why not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitor.config import Budget, Config, Model, Reference
from monitor.drift.profiles import Profile
from monitor.drift.windows import Windows
from monitor.reloading import refused
from tests.examples import HOUR, START, config, profile

OLD = profile()


def other(missing: int) -> Profile:
    """Another reference of the same version."""
    age = replace(OLD.columns[0], counts=np.array([300, 400, 250, missing, 50 - missing]))
    return replace(OLD, columns=(age, *OLD.columns[1:]))


FIRST, SECOND, THIRD = Reference(OLD), Reference(other(1), START), Reference(other(2), START + HOUR)


def listing(*references: Reference, step: int = HOUR) -> Config:
    """A configuration of one model version whose references follow each other."""
    windows = Windows(HOUR, step)
    return Config((Model("credit", {"3": references[0].profile}, windows, changes={"3": references}),))


def why(before: Config, after: Config, *, reached: int | None = None, held: bool = False) -> list[str]:
    return list(refused(before, after, reached=reached, holds=lambda model, version, reference: held))


def test_thresholds_budgets_models_and_references_that_follow_may_change() -> None:
    before = listing(FIRST)
    more = replace(before, models=(replace(before.models[0], min_events=5), config(profile("fraud")).models[0]))
    assert why(before, replace(more, budget=Budget(2.0))) == []
    assert why(before, listing(FIRST, SECOND), reached=START - 1) == []
    assert why(listing(FIRST, SECOND), listing(FIRST, SECOND, THIRD), reached=START) == []
    assert why(config(OLD), listing(FIRST, SECOND)) == []


def test_a_reference_goes_when_none_of_its_windows_is_open() -> None:
    before, after = listing(FIRST, SECOND), listing(SECOND)
    assert why(before, after, reached=START + HOUR) == []
    (reason,) = why(before, after, held=True)
    assert "windows are still open" in reason


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (listing(FIRST), listing(Reference(other(3)))),
        (listing(FIRST, SECOND), listing(FIRST, THIRD)),
        (listing(FIRST, SECOND), listing(FIRST)),
        (listing(FIRST, SECOND), listing(Reference(other(1)))),
    ],
)
def test_a_reference_is_never_exchanged(before: Config, after: Config) -> None:
    (reason,) = why(before, after)
    assert reason.startswith(
        "models[0].versions.3: a reference that is in force was exchanged or removed; keep its file"
    )


def test_a_time_that_was_reached_is_refused() -> None:
    (reason,) = why(listing(FIRST), listing(FIRST, SECOND), reached=START)
    assert "still to come, got 2023-11-14T22:00:00Z" in reason


def test_what_everything_rests_on_needs_a_restart() -> None:
    before = listing(FIRST)
    after = replace(listing(FIRST, step=HOUR // 2), kafka=replace(before.kafka, block=100))
    assert [reason.partition(":")[0] for reason in why(before, after)] == ["kafka", "models[0].window"]
