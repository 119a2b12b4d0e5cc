"""The day of the week in a time zone: the decoder's, a twin's that looks at clocks every minute, and known ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import config
from monitor.drift import derivations, profiles
from monitor.drift.bins import unordered_bins
from monitor.drift.derived import Derived
from monitor.drift.derived.weekday import NAMES
from monitor.drift.profiles import Profile
from monitor.drift.windows import Windows
from monitor.errors import DriftlineError
from monitor.logs.contract import Target
from monitor.logs.json import JsonDecoder
from tests.drift.test_calendars import ODD, times
from tests.logs.examples import HOUR, column, profile
from tests.logs.naive import count_json

WEEK = unordered_bins(dict.fromkeys(NAMES, 1))


def days(*zones: str) -> Profile:
    """A profile with a weekday in UTC, and one in each zone."""
    made: dict[str, dict[str, str]] = {"weekday": {}} | {f"weekday:{zone}": {"zone": zone} for zone in zones}
    named = [column(name, WEEK, "derived", Derived("weekday", (), said)) for name, said in made.items()]
    return profile("credit", "3", *named)


def targets(of: Profile) -> Mapping[tuple[str, str], Target]:
    return {("credit", "3"): Target(of, Windows(HOUR, HOUR))}


def logged(moments: Sequence[int]) -> list[bytes]:
    return [json.dumps({"model": "credit", "version": "3", "time": time}).encode() for time in moments]


def weekday(text: str, zone: str) -> str:
    """What the decoder counts an event at this time as."""
    time = int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)
    of = days(zone)
    (counts,) = JsonDecoder(targets(of)).count(logged([time]), None).counts.values()
    return WEEK.categories[counts[of.offsets[1] : of.offsets[2]].tolist().index(1)]


@settings(deadline=None, max_examples=60)
@given(st.lists(times, min_size=1, max_size=6))
def test_the_decoder_and_its_twin_agree_on_weekdays_across_changes_of_the_clock(moments: list[int]) -> None:
    of = targets(days(*ODD))
    counts, _ = count_json(of, logged(moments))
    found = JsonDecoder(of).count(logged(moments), None)
    assert {key: value.tolist() for key, value in found.counts.items()} == counts


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-28T22:59:59Z", "Europe/Berlin", "Saturday"),
        ("2026-03-28T23:00:00Z", "Europe/Berlin", "Sunday"),  # its day has 23 hours
        ("2026-03-29T21:59:59Z", "Europe/Berlin", "Sunday"),
        ("2026-03-29T22:00:00Z", "Europe/Berlin", "Monday"),
        ("2026-10-24T22:00:00Z", "Europe/Berlin", "Sunday"),  # and here 25
        ("2026-10-25T22:59:59Z", "Europe/Berlin", "Sunday"),
        ("2026-10-25T23:00:00Z", "Europe/Berlin", "Monday"),
        ("2011-12-30T09:59:59Z", "Pacific/Apia", "Thursday"),
        ("2011-12-30T10:00:00Z", "Pacific/Apia", "Saturday"),  # Friday was left out
        ("5000-01-01T05:00:00Z", "America/New_York", "Wednesday"),
    ],
)
def test_days_begin_at_midnight_there(text: str, zone: str, expected: str) -> None:
    assert weekday(text, zone) == expected


def test_the_zone_is_in_the_profile_and_a_profile_without_one_is_read_as_ever() -> None:
    again = profiles.decode(profiles.encode(days("Europe/Berlin")))
    assert [one.derived.parameters for one in again.columns if one.derived] == [{}, {"zone": "Europe/Berlin"}]
    assert days().fingerprint != days("Europe/Berlin").fingerprint != days("Asia/Tokyo").fingerprint


@pytest.mark.parametrize("zone", ["Mars/Olympus", 7, ["UTC"], "", None])
def test_a_profile_with_a_zone_that_is_none_is_refused(zone: object) -> None:
    document = json.loads(profiles.encode(days("Europe/Berlin")))
    document["columns"][-1]["derived"]["parameters"] = {"zone": zone}
    with pytest.raises(DriftlineError, match="zone"):
        profiles.decode(json.dumps(document).encode())


def test_the_epoch_knows_the_rules_of_the_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    def epoch(of: Profile) -> str:
        return config.Config((config.Model("credit", {"3": of}, Windows(HOUR, HOUR)),)).epoch

    assert derivations.calendars(days()) == []
    before = epoch(days("Europe/Berlin"))
    monkeypatch.setattr("monitor.drift.calendars.fingerprint", lambda zone: "of other rules")
    assert epoch(days("Europe/Berlin")) != before
