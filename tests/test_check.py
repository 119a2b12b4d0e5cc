"""`driftline check`: everything that is wrong at once, and the exit code that says what kind of wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from monitor.check import check, warnings
from monitor.cli import app
from monitor.config import DAY, Config, Kafka, Model, Server, Tls, Webhook
from monitor.drift.calendars import MONTH, Calendar
from monitor.drift.profiles import Chunks, Profile
from monitor.drift.windows import Windows
from tests.examples import HOUR, START, profile, profile_file, segmented

ROOM = Kafka(panes=36_000)
NO_BROKER = 'kafka: {brokers: "127.0.0.1:1"}\n'


def chunked(reference: Profile) -> Profile:
    return replace(reference, chunks=Chunks.of(HOUR, (START,), np.zeros((1, reference.size), dtype=np.int32)))


def written(folder: Path, text: str) -> Path:
    profile_file(folder, chunked(profile()))
    path = folder / "driftline.yaml"
    path.write_text("models: [{name: credit, versions: {'3': credit-3.json}, window: {size: 10d}}]\n" + text)
    return path


def by_month(reference: Profile) -> Config:
    months = Windows(MONTH, MONTH, scale=Calendar("UTC", MONTH))
    return Config((Model(reference.model, {reference.version: reference}, months),))


def with_reference(reference: Profile, size: int = 10 * DAY) -> Config:
    return Config((Model("credit", {"3": reference}, Windows(size, size)),))


def test_a_right_configuration_offline_has_nothing_to_say(tmp_path: Path) -> None:
    report = check(written(tmp_path, ""), offline=True)

    assert (report.mistakes, report.outside, report.warnings, report.exit_code) == ([], [], [], 0)


def test_mistakes_warnings_and_kafka_are_told_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        NO_BROKER + "max_series: none\nserver: {host: 0.0.0.0, allow_anonymous: true, allow_plaintext: true}\n",
    )

    report = check(path, deadline=2)

    assert [text.split(":")[0] for text in report.mistakes] == ["max_series"]
    assert [text.split(":")[0] for text in report.outside] == ["no Kafka broker can be reached"]
    assert [text.split(":")[0] for text in report.warnings] == ["server.host"]
    assert report.exit_code == 2


def test_kafka_is_not_asked_where_its_own_section_is_wrong(tmp_path: Path) -> None:
    report = check(written(tmp_path, "kafka: {brokers: here}\n"))

    assert len(report.mistakes) == 1
    assert report.outside == []


def test_what_is_no_yaml_is_the_one_mistake(tmp_path: Path) -> None:
    path = tmp_path / "driftline.yaml"
    path.write_text("models: [")

    assert [text.startswith(f"{path}: not YAML") for text in check(path).mistakes] == [True]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (with_reference(chunked(profile())), None),
        (with_reference(profile()), "has no chunks, so how much it moves by itself is unknown"),
        (with_reference(replace(profile(), start=None, end=None)), "has no times"),
        (
            with_reference(chunked(replace(profile(), start=START - 10 * DAY)), size=6 * DAY),
            "a window of 6d is larger than half of the reference (10.0 days)",
        ),
        (
            by_month(chunked(replace(profile(), start=START - 10 * DAY))),
            "a window of 1 month is larger than half of the reference (10.0 days)",
        ),
        (
            Config(
                (Model("credit", {"3": chunked(profile())}, Windows(HOUR, HOUR, events=600)),),
                kafka=Kafka(panes=36_000),
            ),
            "a window of 600 events is larger than half of the reference (1,000)",
        ),
        (
            Config(
                (Model("credit", {"3": chunked(profile())}, Windows(HOUR, HOUR, events=100)),),
                kafka=Kafka(panes=36_000),
            ),
            "a window of 100 events may have fewer than min_events (200) and stay undecided",
        ),
        (
            with_reference(chunked(profile()), size=5 * DAY),
            "5d bring 166 events, fewer than min_events (200), so windows would stay undecided; take larger ones",
        ),
        (
            with_reference(chunked(replace(profile(), start=START - 3 * DAY)), size=DAY),
            "the reference covers 3.0 days and has never seen a whole week",
        ),
        (
            replace(with_reference(chunked(profile())), server=Server("10.0.0.1")),
            "server.host: 10.0.0.1 is beyond loopback, and anybody can read the metrics; guard the network",
        ),
        (
            replace(with_reference(chunked(profile())), server=Server("10.0.0.1", token="t")),
            "server.host: 10.0.0.1 is beyond loopback, and anybody on the way can read along; guard the network",
        ),
        (replace(with_reference(chunked(profile())), server=Server("10.0.0.1", token="t", tls=Tls())), None),
        (
            replace(with_reference(chunked(profile())), triggers=(Webhook("https://example.test"),)),
            "triggers[0]: calls are not signed",
        ),
        (
            replace(with_reference(chunked(profile())), triggers=(Webhook("http://example.test", "s"),)),
            "triggers[0]: calls go over http",
        ),
        (replace(with_reference(chunked(profile())), triggers=(Webhook("http://127.0.0.1:1", "s"),)), None),
    ],
)
def test_what_will_be_regretted_later_is_a_warning(made: Config, said: str | None) -> None:
    found = list(warnings(made))

    assert len(found) == (said is not None)
    assert all(said in text for text in found if said)


def test_a_small_reference_and_a_column_without_values_are_warnings() -> None:
    columns = tuple(
        replace(column, counts=np.array([0] * (column.size - 2) + [100, 0])) for column in profile().columns
    )
    found = list(warnings(with_reference(chunked(replace(profile(), columns=columns)))))

    assert "models[0].versions.3: the reference has only 100 events" in found[1]
    assert [text.split("'")[1] for text in found[2:]] == ["age0", "country", "score"]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_the_command_prints_every_line_and_exits_with_the_kind_of_wrong(tmp_path: Path) -> None:
    right = str(written(tmp_path, NO_BROKER))

    assert run("check", "--config", right, "--offline") == (0, f"{right}: the configuration is right\n")
    code, output = run("check", "--config", right, "--deadline", "1")
    assert code == 3
    assert output.startswith("outside: no Kafka broker can be reached: 127.0.0.1:1")
    code, output = run("check", "--config", str(written(tmp_path, "max_series: [red]none[/red]\n")), "--offline")
    assert code == 2
    assert output.startswith("mistake: ")


def test_events_so_rare_that_a_block_spans_more_slices_than_it_may_are_told_before_they_are_lost() -> None:
    reference = chunked(profile())  # 1,000 events in 720 hours
    windows = Windows(HOUR, HOUR, events=500)
    config = Config((Model("credit", {"3": reference}, windows),))
    (told,) = [text for text in warnings(config) if "too_many_panes" in text]
    assert told.startswith(
        "models[0].window: at the rate of the references a block of 50,000 records spans 36,000 times 1h"
    )
    assert "raise kafka.panes to 36,000 at least" in told
    for kafka in (Kafka(panes=36_000), Kafka(block=1_388)):
        assert not [text for text in warnings(replace(config, kafka=kafka)) if "too_many_panes" in text]


def test_segments_share_the_slices_of_a_block() -> None:
    reference = segmented(profile())
    config = Config((Model("credit", {"3": reference}, Windows(HOUR, HOUR, events=500)),), kafka=Kafka(panes=36_000))
    assert [text for text in warnings(config) if "raise kafka.panes to 72,000" in text]
