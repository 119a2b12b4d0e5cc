"""References whose segments are told apart by the events' own field `segments`: of events and tables, and replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor import settings
from monitor.config import LogFields
from monitor.drift.bins import INVALID, MISSING, Unordered
from monitor.drift.profiles import Profile, encode
from monitor.drift.windows import Windows
from monitor.errors import DriftlineError
from monitor.logs.contract import Target
from monitor.logs.files import events
from monitor.logs.json import JsonDecoder
from monitor.pipeline.merge import Output
from monitor.pipeline.results import Result
from monitor.recounting import recount
from monitor.replay import files, replay
from tests.logfiles import DAY, HOUR, START, column, decoded, flat, made, write

ODD: list[Any] = [7, 7.0, True, None, [], {"a": 1}, "x" * 70_000, "", "other", "missing"]
AGES = np.random.default_rng(1).normal(40, 10, 4_000).round(1).tolist()


TABLE: dict[str, Any] = {"time": "ts", "prediction": "score"}


def event(i: int, segments: object, **more: Any) -> dict[str, Any]:
    """An event of model credit with an age."""
    fields = {"model": "credit", "version": "3", "time": START + i * 60_000, "features": {"age": AGES[i], "tier": "a"}}
    return fields | {"prediction": i % 2} | ({} if segments is None else {"segments": segments}) | more


def lines(*found: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in found)


def parted(folder: Path) -> Path:
    """2,000 events of DE and FR, some on the web, then such as no producer should log."""
    plain = [event(i, {"country": "DE" if i % 3 else "FR", "channel": "web" if i % 4 else "app"}) for i in range(2_000)]
    odd = [event(2_000 + i, {"country": value, "channel": "web", "age": value}) for i, value in enumerate(ODD)]
    containers: list[object] = [None, {}, [], "DE", 3, True]
    whole = [event(2_100 + i, value) for i, value in enumerate(containers)]
    return write(folder, "log.jsonl", lines(*plain, *odd, *whole))


def counted(profile: Profile, path: Path, **mapping: Any) -> dict[str, list[int]]:
    """The counts of a file by segment, as a worker counts it."""
    target = Target(profile, Windows(DAY, DAY), segmentations=profile.segmentations)
    decoder = JsonDecoder({("credit", "3"): target})
    found: dict[str, Any] = {}
    for batch in events(path, LogFields(**mapping), model="credit", version="3", segments=profile.segment_fields):
        for key, counts in decoder.count(batch, None).counts.items():
            found[key.segment] = found.get(key.segment, 0) + counts.astype(np.int64)
    return {name: counts.tolist() for name, counts in found.items()}


def test_what_segments_are_told_apart_by_is_a_column_of_categories_like_any_other(tmp_path: Path) -> None:
    profile, report = made(parted(tmp_path), segments=["country", "country,channel"])
    assert [(c.name, c.role) for c in profile.columns] == [
        ("age", "feature"), ("tier", "feature"), ("country", "segment"), ("channel", "segment"),
        ("prediction", "prediction"),
    ]  # fmt: skip
    country = column(profile, "country")
    assert isinstance(country.bins, Unordered)
    assert country.bins.categories[:3] == ("DE", "FR", "7")  # 7 and 7.0 are the same
    assert (country.counts[MISSING], country.counts[INVALID]) == (3, 6)
    assert dict(report.left_out) == {}
    assert {name.partition("=")[0] for found in profile.segmentations for name in found.segments} == {"country"}


def test_a_worker_counts_the_events_as_the_reference_did_segment_by_segment(tmp_path: Path) -> None:
    path = parted(tmp_path)
    profile, _ = made(path, segments=["country", "country,channel", "channel,tier"])
    found = counted(profile, path)
    assert found.pop("") == flat(profile)
    expected = {
        name: counts.tolist()
        for segmentation in profile.segmentations
        for name, counts in zip(segmentation.segments, segmentation.counts, strict=True)
        if counts.any()
    }
    assert found == expected


def test_nothing_is_read_of_events_segments_unless_it_is_asked_for(tmp_path: Path) -> None:
    log, bare = (
        write(tmp_path, name, lines(*(event(i, segments) for i in range(300))))
        for name, segments in (("log.jsonl", {"tier": "b", "age": 3}), ("bare.jsonl", None))
    )
    assert encode(made(log)[0]) == encode(made(bare)[0])
    assert encode(made(log, segments=["tier"])[0]) == encode(made(bare, segments=["tier"])[0])


def test_a_feature_of_the_same_name_goes_first_unless_it_is_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, "log.jsonl", lines(*(event(i, {"tier": "b"}) for i in range(300))))
    profile, report = made(path, segments=["tier"])
    assert (column(profile, "tier").role, column(profile, "tier").bins) == ("feature", Unordered(("a",)))
    assert (
        "column 'tier': a feature, and in the events' segments too, which are not read; to read these: --ignore tier"
        in report.notes
    )
    profile, report = made(path, segments=["tier"], ignore=["tier"])
    assert (column(profile, "tier").role, column(profile, "tier").bins) == ("segment", Unordered(("b",)))
    assert not any("segments" in note for note in report.notes)
    panes, unused = decoded(profile, path)
    assert (sum(panes.values()).tolist(), unused) == (flat(profile), {})  # type: ignore[union-attr]  # there are some


def test_segments_that_come_later_or_end_earlier_are_missing_there(tmp_path: Path) -> None:
    first = write(tmp_path, "1.jsonl", lines(*(event(i, {"country": "DE"}) for i in range(5))))
    second = write(tmp_path, "2.jsonl", lines(*(event(i, {"channel": "web"}) for i in range(5, 8))))
    profile, _ = made(first, second, segments=["country", "channel"])
    assert column(profile, "country").counts.tolist() == [5, 0, 0, 3, 0]
    assert column(profile, "channel").counts.tolist() == [3, 0, 0, 5, 0]


def tables(folder: Path) -> tuple[Path, Path]:
    """The same events as a table and as canonical events."""
    rows = [(START + i * 60_000, AGES[i], "DE" if i % 3 else "FR", i % 2) for i in range(2_000)]
    text = "ts,age,country,score\n" + "".join(f"{t},{age},{country},{score}\n" for t, age, country, score in rows)
    found = [
        event(i, {"country": country}) | {"features": {"age": age}, "prediction": score}
        for i, (_, age, country, score) in enumerate(rows)
    ]
    return write(folder, "log.csv", text), write(folder, "log.jsonl", lines(*found))


def test_a_table_whose_column_is_named_as_such_gives_the_same_profile(tmp_path: Path) -> None:
    table, log = tables(tmp_path)
    profile, _ = made(log, segments=["country"])
    assert encode(made(table, segments=["country"], segment_fields=["country"], **TABLE)[0]) == encode(profile)
    assert column(made(table, segments=["country"], **TABLE)[0], "country").role == "feature"
    assert counted(profile, table, **TABLE) == counted(profile, log)


def test_other_data_are_counted_on_the_bins_of_such_a_profile_from_tables_and_from_events(tmp_path: Path) -> None:
    table, log = tables(tmp_path)
    profile, _ = made(log, segments=["country"], chunk=HOUR)
    again = [recount([path], profile, version="3", **options)[0] for path, options in ((log, {}), (table, TABLE))]
    assert [found.fingerprint for found in again] == [profile.fingerprint] * 2


def test_a_derived_column_can_be_made_of_an_events_segment(tmp_path: Path) -> None:
    path = parted(tmp_path)
    options = {"segments": ["country"], "derive": ["domain:age,country"]}
    profile, _ = made(path, against=[path], **options)
    panes, _ = decoded(profile, path)
    assert sum(panes.values()).tolist() == flat(profile)  # type: ignore[union-attr]  # there are some


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"segments": ["contry"]},
            "column 'contry': named by --segments, but the data have only age, channel, country, ",
        ),
        ({"segments": ["country"], "numeric": ["country"]}, "named by --numeric, but the events' segments are categor"),
        (
            {"segments": ["country"], "segment_fields": ["age"]},
            "'age': named by --segment-fields, but by no --segments",
        ),
        (
            {"segments": ["country"], "segment_fields": ["country"], "ignore": ["country"]},
            "'country': named by --ignore and --segment-fields; leave out one",
        ),
        *(
            (
                {"segments": [name], "segment_fields": [name]} | TABLE,
                f"'{name}': named by {option} and --segment-fields",
            )
            for name, option in (("ts", "--time"), ("score", "--prediction"), ("prediction", "--prediction"))
        ),
    ],
)
def test_what_events_cannot_be_told_apart_by_says_why(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DriftlineError, match=message):
        made(parted(tmp_path), **options)


@pytest.mark.parametrize("user", ["u{}", 7])
def test_a_segment_that_names_nearly_every_event_is_refused_unless_somebody_insists(
    tmp_path: Path, user: str | int
) -> None:
    names = [user.format(i) if isinstance(user, str) else user * i for i in range(300)]
    path = write(tmp_path, "log.jsonl", lines(*(event(i, {"user": name}) for i, name in enumerate(names))))
    with pytest.raises(DriftlineError, match=r"'user': 300 different values .*; leave the column out of --segments"):
        made(path, segments=["user"])
    assert column(made(path, segments=["user"], categorical=["user"])[0], "user").role == "segment"


def test_a_table_without_the_column_says_which_it_has(tmp_path: Path) -> None:
    table, _ = tables(tmp_path)
    with pytest.raises(
        DriftlineError, match="column 'city': named by --segment-fields, but the data have only ts, age"
    ):
        made(table, segments=["city"], segment_fields=["city"], **TABLE)


def test_other_data_that_lack_the_segment_are_counted_without_it(tmp_path: Path) -> None:
    profile, _ = made(tables(tmp_path)[1], segments=["country"], chunk=HOUR)
    bare = write(tmp_path, "bare.csv", f"ts,age,score\n{START},30,1\n")
    found, report = recount([bare], profile, version="3", **TABLE)
    assert column(found, "country").counts.tolist() == [0, 0, 0, 0, 1, 0]
    assert "column 'country' has no usable value in these data" in report.notes


def test_a_segment_that_no_event_has_a_value_of_says_so(tmp_path: Path) -> None:
    log = write(tmp_path, "log.jsonl", lines(*(event(i, {"country": []}) for i in range(300))))
    with pytest.raises(DriftlineError, match="'country': named by --segments, but it has no usable value"):
        made(log, segments=["country"])


def test_a_number_out_of_range_in_a_segment_that_nobody_reads_is_none_of_our_business(tmp_path: Path) -> None:
    plain = json.dumps(event(0, {"country": "DE"}))
    log = write(tmp_path, "log.jsonl", "\n".join([plain.replace('"DE"', '"DE", "trace": 1e999')] * 300))
    _, report = made(log, segments=["country"])
    assert (report.events, report.left_out) == (300, {})
    bad = write(tmp_path, "bad.jsonl", "\n".join([plain.replace('"DE"', "1e999"), plain]))
    assert made(bad, segments=["country"])[1].left_out == {"not_json": 1}


def drifting(folder: Path, reference: Profile, log: str, *, mapping: str = "") -> dict[str, list[str]]:
    """Columns in drift in each segment of the last window, as a replay tells them."""
    write(folder, "credit-3.json", encode(reference))
    model = "models: [{name: credit, versions: {'3': credit-3.json}, window: {size: 1d}, min_events: 100}]\n"
    config = settings.load(write(folder, "driftline.yml", model + mapping))
    outputs: list[Output] = []
    replay(config, files(config, [folder / log]), on_output=outputs.append)
    found = [output for output in outputs if isinstance(output, Result)]
    last = [one for one in found if one.end == found[-1].end]
    return {(one.segment or {"country": ""})["country"]: sorted(one.drifted) for one in last}


def test_a_replay_tells_which_segment_drifts_and_that_their_mix_has_changed(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    reference, _ = made(tables(tmp_path)[1], segments=["country"])
    ages = {"DE": rng.normal(40, 10, 700).round(1), "FR": rng.normal(60, 10, 700).round(1)}
    found = [(country, float(age), i) for country, own in ages.items() for i, age in enumerate(own)]
    log = [event(i, {"country": c}) | {"features": {"age": age}} for c, age, i in found]
    table = "ts,age,country,score\n" + "".join(f"{START + i * 60_000},{age},{c},{i % 2}\n" for c, age, i in found)
    write(tmp_path, "new.jsonl", lines(*log))
    write(tmp_path, "new.csv", table)
    told = drifting(tmp_path, reference, "new.jsonl")
    assert told == {"": ["age", "country"], "DE": [], "FR": ["age"]}
    mapping = "logs: {time: ts, prediction: score}\n"
    assert drifting(tmp_path, reference, "new.csv", mapping=mapping) == told
