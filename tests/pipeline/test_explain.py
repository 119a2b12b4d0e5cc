"""What a result says about its drift: which columns together, and what moved in them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from monitor.drift.bins import MISSING
from monitor.drift.profiles import Chunks, Profile
from monitor.pipeline import results
from monitor.pipeline.explain import Explainer, sentences
from monitor.pipeline.judging import Judged, summed_up
from monitor.pipeline.results import Result, SegmentColumn, SegmentDrift, SegmentsResult
from tests.examples import HOUR, column, config, profile, result, segmented
from tests.pipeline.hours import told


def published(hours: list[int]) -> list[Result]:
    """Results of a log with these hours: the number of events in each that drift."""
    return [output for output in told(config(), hours) if isinstance(output, Result)]


def test_a_window_in_drift_says_what_moved_and_one_without_says_nothing() -> None:
    quiet, loud = published([0, 150])
    assert quiet.groups == ()
    assert [found.moved for found in quiet.columns.values()] == [()] * 3
    assert loud.groups == (("age0",),)
    assert [name for name, found in loud.columns.items() if found.moved] == ["age0"]
    first = loud.columns["age0"].moved[0]
    counts = loud.columns["age0"].counts
    assert counts is not None
    assert first.current == sum(counts[first.first : first.stop]) / sum(counts[:-2])
    (line,) = sentences(loud)
    assert line.startswith("age0 ")
    assert str(first) in line


def test_a_result_with_movements_is_read_as_it_was_written() -> None:
    loud = published([150])[0]
    assert loud.groups
    assert results.decode(results.encode(loud)) == loud


def test_a_result_from_before_there_were_explanations_is_read() -> None:
    raw = msgspec.json.decode(results.encode(published([0])[0]))
    for name in ("worst", "groups"):
        del raw[name]
    for found in raw["columns"].values():
        del found["moved"]
    old = results.decode(msgspec.json.encode(raw))
    assert (old.worst, old.groups, old.columns["age0"].moved) == (None, (), ())


def moving(features: int) -> Profile:
    """A reference in whose chunks all numeric columns move together, and the category does not."""
    plain = profile(features=features)
    rows = []
    for chunk in range(40):
        more = chunk % 3 * 5
        numeric = [10 + more, 20, 30 - more, 0, 0]
        rows.append([*numeric * features, 40, 20, 0, 0, 0, 0, *[20, 20, 20, 0, 0]])
    chunks = Chunks.of(HOUR, tuple(range(40)), np.array(rows, dtype=np.int32))
    return replace(plain, chunks=chunks)


def test_columns_that_move_together_are_one_line_with_the_worst_of_them_first() -> None:
    reference = moving(3)
    counts = np.concatenate([[800, 100, 100, 0, 0]] * 3 + [[600, 380, 0, 0, 20, 0], [500, 300, 200, 0, 0]])
    ratios = {"age0": 0.2, "age1": 0.5, "age2": 0.3, "country": 0.4}
    drifted = {name: column(statistic=statistic) for name, statistic in ratios.items()}
    columns = drifted | {"score": column("prediction", 0.01, verdict="ok")}
    explainer = Explainer(reference)
    expected = {own.name: own.counts[:MISSING] for own in reference.columns if own.name in drifted}
    found, groups = explainer.moved(counts, columns, expected), explainer.groups(columns, None)
    assert groups == (("age1", "age2", "age0"), ("country",))
    said = sentences(msgspec.structs.replace(result(reference), columns=found, groups=groups), most=1)
    assert said == ["age1 5.0×: 31.6 % → 80 % of values below 30; with age2 3.0×, age0 2.0×", "country 4.0×"]


@pytest.mark.parametrize(("features", "lines"), [(8, 10), (9, 11), (300, 11)])
def test_however_many_columns_drift_what_is_said_stays_short(features: int, lines: int) -> None:
    said = sentences(result(profile(features=features)))
    assert len(said) == lines
    assert (lines > 10) == said[-1].startswith(f"and {features - 8} more column")


def alone(reference: Profile, *sizes: int) -> Result:
    """A window in which none of all events' columns drift, but as many of each of the two segments of a country."""
    quiet = result(reference, verdict="ok")
    judged = {"": Judged("ok", quiet.columns, np.array([]))}
    for place, (name, size) in enumerate(zip(("DE", "FR"), sizes, strict=True)):
        own = {f"age{i}": column(statistic=0.9 - place / 10 - i / 1000) for i in range(size)}
        judged[f"country={name}"] = Judged("drift", quiet.columns | own, np.array([]))
    (found,) = segmented(reference).segmentations
    return msgspec.structs.replace(quiet, verdict="drift", segments=summed_up(judged, found.segments))


def test_a_column_that_drifts_in_two_segments_is_told_of_the_worse_one() -> None:
    assert sentences(alone(profile(features=2), 1, 2)) == [
        "age0 9.0× in country=DE",
        "age1 8.0× in country=FR",
        "all 2 segments moved",
    ]


def test_however_many_columns_drift_in_segments_alone_what_is_said_stays_short() -> None:
    found = alone(profile(features=300), 300, 299)
    said = sentences(found)
    assert len(said) == 12
    assert said[-2:] == ["and 290 more columns", "all 2 segments moved"]
    assert found.segments
    assert len(found.segments.columns) == 10


def test_columns_of_segments_share_the_ten_lines_with_those_of_all_events() -> None:
    quiet = alone(profile(features=8), 3, 0)
    drifted = {name: column() for name in (*(f"age{i}" for i in range(3, 8)), "country", "score")}
    said = sentences(msgspec.structs.replace(quiet, columns=quiet.columns | drifted))
    assert [line.partition(" ")[0] for line in said] == [*sorted(drifted), "age0", "age1", "age2", "all"]
    more = {f"age{i}": column() for i in (8, 9)}
    said = sentences(msgspec.structs.replace(quiet, columns=quiet.columns | drifted | more))
    assert said[10] == "and 2 more columns"


def test_names_of_segments_and_columns_that_do_not_print_are_told_safely() -> None:
    odd = SegmentColumn("a\x1b[31m", {"c\n": "\x07"}, None, "why", ())
    found = SegmentsResult(1, (SegmentDrift(odd.segment, (odd.column,)),), (odd,))
    said = sentences(msgspec.structs.replace(result(verdict="ok"), segments=found))
    assert len(said) == 2
    assert all(line.isprintable() for line in said)
    assert said[0].endswith(": why")


def test_however_many_columns_move_together_a_line_stays_short() -> None:
    reference = profile(features=300)
    names = tuple(f"age{i}" for i in range(300))
    (line,) = sentences(msgspec.structs.replace(result(reference), groups=(names,)))
    assert line.endswith(" and 289 more")
    assert len(line) < 300
