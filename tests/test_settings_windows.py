"""Windows in a configuration: by the clock, or by the days and months of a time zone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from monitor import config, settings
from monitor.drift.calendars import DAY, MONTH, Calendar
from monitor.drift.windows import Even, Windows
from tests.examples import HOUR, MODEL, profile, profile_file


def model(**entries: object) -> str:
    """The configuration with other entries in its only model."""
    made = yaml.safe_load(MODEL)
    made["models"][0] |= entries
    return yaml.safe_dump(made)


MISTAKES = [
    (
        model(window={"size": "1h", "events": 100}),
        ["models[0].window.size: expected `size` or `events`, got both; windows by count have a `step`"],
    ),
    (
        model(window={"events": 9, "step": "hourly"}),
        [
            "models[0].window.step: expected a duration such as 30s, 10m, 1h or 7d of at least 1s, got 'hourly'",
        ],
    ),
    (
        model(window={"events": 0}),
        ["models[0].window.events: expected a whole number from 1 to 1,000,000,000, got 0"],
    ),
    (
        model(window={"size": "1d", "zone": "Berlin"}),
        ["models[0].window.zone: expected a time zone of the IANA database, got 'Berlin'; did you mean Europe/Berlin?"],
    ),
    (
        model(window={"size": "3h", "zone": "UTC"}),
        [
            "models[0].window.size: expected whole days with a zone, such as 1d or 1w, or an equal part of one up to "
            "2h, such as 1h, got 3h; or remove `zone`"
        ],
    ),
    (
        model(window={"events": 100, "step": "1h", "zone": "UTC"}),
        ["models[0].window.step: expected whole days with a zone, such as 1d or 1w, got 1h; or remove `zone`"],
    ),
    (
        model(window={"size": "1h", "zone": "Berlin"}),
        ["models[0].window.zone: expected a time zone of the IANA database, got 'Berlin'; did you mean Europe/Berlin?"],
    ),
    (
        model(window={"size": "1w", "zone": "UTC", "begins": "mon"}),
        ["models[0].window.begins: expected a day of the week such as monday or sunday, got 'mon'"],
    ),
    (
        model(window={"size": "1w", "begins": "sunday"}),
        [
            "models[0].window.begins: expected no `begins`: it is for whole weeks with a zone, such as "
            "{size: 1w, zone: UTC}"
        ],
    ),
    (
        model(window={"size": "1w", "zone": "UTC", "offset": "6h"}),
        [
            "models[0].window.offset: expected no `offset`: with a zone, or in months, "
            "windows begin at midnight there; remove it"
        ],
    ),
    (
        model(window={"size": "month", "step": "1d"}),
        ["models[0].window.step: expected months, as in `size`, such as `month` or `3 months`, got '1d'"],
    ),
    (
        model(window={"size": "1d", "step": "month", "zone": "UTC"}),
        ["models[0].window.step: expected a duration, as in `size`, got months; give both in months"],
    ),
    (
        model(window={"size": "1 day", "zone": 3}),
        [
            "models[0].window.zone: expected a printable text of 1 to 1,000 characters, got 3; put it in quotes",
            "models[0].window.size: expected a duration such as 30s, 10m, 1h or 7d of at least 1s, got '1 day'",
        ],
    ),
    (
        model(
            window={"size": "1d", "zone": "Europe/Berlin"},
            versions={"3": ["credit-3.json", {"profile": "credit-3.json", "from": "2026-03-29T12:00:00Z"}]},
        ),
        [
            "models[0].versions.3[1].from: expected the start of a window, such as 2026-03-29T00:00:00+01:00 or "
            "2026-03-30T00:00:00+02:00: no window may have events of two references"
        ],
    ),
    (
        model(versions={"3": ["credit-3.json", {"profile": "credit-3.json", "from": "9999-12-31T23:30:00Z"}]}),
        [
            "models[0].versions.3[1].from: expected a time that an event may have, from 1973 to 5138, got "
            "9999-12-31T23:30:00+00:00"
        ],
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    profile_file(tmp_path, profile())
    return tmp_path


def parse(text: str, folder: Path) -> config.Config:
    return settings.parse(text, folder / "driftline.yaml")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("size: 1d, zone: Europe/Berlin", Windows(DAY, DAY, scale=Calendar("Europe/Berlin"))),
        ("size: 1w, zone: UTC, lateness: 1h", Windows(7 * DAY, 7 * DAY, HOUR, 4 * DAY, Calendar("UTC"))),
        ("size: 2w, step: 1w, zone: UTC, begins: sunday", Windows(14 * DAY, 7 * DAY, 0, 3 * DAY, Calendar("UTC"))),
        ("size: 28d, step: 1d, zone: UTC", Windows(28 * DAY, DAY, 0, 4 * DAY, Calendar("UTC"))),
        ("size: month, zone: Asia/Tokyo", Windows(MONTH, MONTH, scale=Calendar("Asia/Tokyo", MONTH))),
        ("size: 3 months, step: 1 month", Windows(3 * MONTH, MONTH, scale=Calendar("UTC", MONTH))),
        ("events: 5000", Windows(HOUR, HOUR, events=5_000)),
        ("events: 9, step: 10m, lateness: 1h", Windows(HOUR // 6, HOUR // 6, HOUR, events=9)),
        ("events: 9, step: 1d, zone: UTC", Windows(DAY, DAY, scale=Calendar("UTC"), events=9)),
        ("events: 9, zone: UTC", Windows(DAY, DAY, scale=Calendar("UTC"), events=9)),
        ("events: 9, step: month", Windows(MONTH, MONTH, scale=Calendar("UTC", MONTH), events=9)),
        ("size: 1m", Windows(60_000, 60_000)),
        ("size: 1h, zone: Asia/Kolkata, offset: 30m", Windows(HOUR, HOUR, 0, HOUR // 2, Even("Asia/Kolkata"))),
        ("size: 1w", Windows(7 * DAY, 7 * DAY)),
    ],
)
def test_windows_may_follow_the_calendar_or_count(written: str, expected: Windows, folder: Path) -> None:
    assert parse(MODEL.replace("size: 1h", written), folder).models[0].windows == expected


def test_the_epoch_knows_the_zone_and_stays_what_it_was_without_one(folder: Path) -> None:
    def epoch(window: str) -> str:
        return parse(MODEL.replace("size: 1h", window), folder).epoch

    assert epoch("size: 1d, offset: 1h") == "47abd20c8f23"
    assert len({epoch(f"size: 1d{zone}") for zone in ("", ", zone: UTC", ", zone: Europe/Berlin")}) == 3
    assert epoch("size: 1w, step: 1d, zone: UTC") == epoch("size: 1d, zone: UTC")
    assert epoch("events: 100") == epoch("size: 1h") == epoch("size: 1h, zone: Europe/Berlin")
    assert epoch("size: month, zone: UTC") != epoch("size: 1d, zone: UTC")


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_a_mistake_says_its_place_what_was_expected_and_what_to_do(text: str, told: list[str], folder: Path) -> None:
    assert settings.examine(text, folder / "driftline.yaml")[1] == told
