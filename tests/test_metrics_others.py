"""Gauges of a window beside references that do not decide."""

from __future__ import annotations

import msgspec

from monitor.metrics_names import COMPARED
from monitor.metrics_windows import show
from monitor.pipeline.results import ComparedColumn, ComparedReference
from tests.examples import profile, result
from tests.test_metrics import AGE, fully_used, value


def test_what_another_reference_says_has_names_of_its_own_and_its_name_as_a_label() -> None:
    metrics = fully_used()

    assert value(metrics, "compared_ks", AGE | {"reference": "last-week"}) == 0.3
    assert value(metrics, "compared_ks", AGE) is None
    shown = [line for line in b"".join(metrics.render()).decode().splitlines() if 'reference="' in line]
    assert {line.partition("{")[0] for line in shown} == {spec.full for spec in COMPARED}


def test_series_beside_other_references_give_way_to_those_of_the_deciding_one() -> None:
    reference, shown = profile(), result()
    beside = {name: ComparedColumn("ok", c.ratio, c.scores) for name, c in shown.columns.items()}
    both = msgspec.structs.replace(shown, compared={"last-week": ComparedReference("3", "0" * 12, "ok", beside)})
    alone = show(shown, reference, key=("credit", "3", ""), room=1_000)

    found = show(both, reference, key=("credit", "3", ""), room=alone.series)

    assert (found.series, found.lines) == (alone.series, alone.lines)
    assert found.dropped == show(both, reference, key=("credit", "3", ""), room=1_000).series - alone.series > 0
