"""Small targets and events for the tests of the decoders: two models, two versions, a feature view, odd names."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from monitor.drift.bins import SPECIAL, Bins, ordered_bins, unordered_bins
from monitor.drift.derived import Derived, oov
from monitor.drift.profiles import Column, Profile, Role
from monitor.drift.segments import Segmentation
from monitor.drift.windows import Windows
from monitor.logs.contract import Counted, Target
from monitor.logs.json import JsonDecoder

TIME = 1_704_067_200_000  # 2024-01-01T00:00:00Z
HOUR = 3_600_000

AGE = ordered_bins(np.array([18.0, 30.5, 44.0, 70.0, 1e19]))
LEVEL = ordered_bins(np.arange(500.0), bins=20)
CITY = unordered_bins({"Oslo": 9, "Zürich": 5, "1": 3, "true": 2, "0.5": 1, "": 1, "12345678901234567890": 1}, cap=4)
LABEL = unordered_bins({"yes": 3, "no": 2})


def column(name: str, bins: Bins, role: Role = "feature", derived: Derived | None = None) -> Column:
    """A column whose reference counted one event in each bin, as far as that goes for 40 events."""
    counts = np.zeros(bins.values + SPECIAL, dtype=np.int64)
    counts[0] = 40
    return Column(name, role, bins, counts, derived)


def profile(model: str, version: str, *columns: Column) -> Profile:
    """A profile of these columns."""
    return Profile(model, version, columns)


FEATURES = (column("age", AGE), column("city", CITY), column("level", LEVEL), column("été", CITY))
SCORE = column("prediction", LEVEL, "prediction")
ANSWER = column("answer", LABEL, "prediction")
SHARES = ordered_bins(np.array([0.0, 0.1, 0.5, 0.6, 1.0, 1.5, 3.0]))
CITIES = {"table": [-1.0, 0.5, 0.25, 2.0, 0.0, 3.0, -1.0, -1.0]}  # a number for each of the cells of city
BOTH = {"standards": [{"center": 40.0, "scale": 12.5}, CITIES]}
REST = [[0.6, 0.8], [0.1, -0.3]]
THERE = "America/St_Johns"  # where it is still Sunday at TIME
DERIVED = (
    column("weekday", unordered_bins({"Monday": 9, "Tuesday": 7, "Sunday": 1}), "derived", Derived("weekday")),
    column("there", unordered_bins({"Monday": 9, "Sunday": 1}), "derived", Derived("weekday", (), {"zone": THERE})),
    column("length of note", LEVEL, "derived", Derived("text_length", ("note",))),
    column("new in note", SHARES, "derived", Derived("oov", ("note",), oov.fit([("late Again", 2), ("or never", 2)]))),
    column("length of city", SHARES, "derived", Derived("text_length", ("city",))),
    column("far", SHARES, "derived", Derived("distance", ("vector",), {"centroid": [0.5, -1.0]})),
    column("pca", SHARES, "derived", Derived("pca", ("age", "city"), BOTH | {"rest": REST})),
    column(
        "domain",
        SHARES,
        "derived",
        Derived("domain", ("age", "city"), BOTH | {"weights": [[0.1, 0.7]], "intercept": 0.3}),
    ),
)
ODD_NAMES = (column('a"b', AGE), column("c\nd", CITY), column("", LEVEL))
BESIDE = tuple(
    column(name, bins, "segment") for name, bins in (("city", CITY), ("été", LABEL), ("", CITY), ("c\nd", CITY))
)
OF_CITY = {"standards": [{"center": 40.0, "scale": 12.5}, CITIES], "rest": REST}

BY_CITY = Segmentation(("city",), (("Oslo",), ("1",)), 0, b"")
BY_BOTH = Segmentation(("été", "city"), (("1", "Oslo"), ("Oslo", "true")), 0, b"")
BY_PLACE = Segmentation(("city", "été"), (("Oslo", "yes"), ("1", "no")), 0, b"")
BY_DAY = Segmentation(("answer", "weekday"), (("yes", "Monday"),), 0, b"")

TARGETS = {
    ("credit", "3"): Target(
        profile("credit", "3", SCORE, *FEATURES), Windows(HOUR, HOUR), segmentations=(BY_CITY, BY_BOTH)
    ),
    ("credit", "4"): Target(
        profile("credit", "4", DERIVED[0], *FEATURES[:2], ANSWER, *DERIVED[1:]),
        Windows(HOUR, HOUR, offset=7),
        segmentations=(BY_DAY,),
    ),
    ("fraud", "b"): Target(profile("fraud", "b", *FEATURES, ANSWER), Windows(6 * HOUR, 4 * HOUR)),
    ("odd", "1"): Target(profile("odd", "1", *ODD_NAMES, SCORE), Windows(HOUR, HOUR)),
    ("clicks", ""): Target(profile("clicks", "", FEATURES[0], FEATURES[1]), Windows(HOUR, HOUR)),
    ("visits", "1"): Target(
        profile(
            "visits",
            "1",
            BESIDE[0],
            FEATURES[0],
            ANSWER,
            BESIDE[1],
            FEATURES[2],
            column("length of city", SHARES, "derived", Derived("text_length", ("city",))),
            column("pca", SHARES, "derived", Derived("pca", ("age", "city"), OF_CITY)),
        ),
        Windows(HOUR, HOUR),
        segmentations=(BY_CITY, BY_PLACE),
    ),
    ("visits", "b"): Target(profile("visits", "b", FEATURES[1], *BESIDE[2:]), Windows(HOUR, HOUR)),
    ("visits", "4"): Target(profile("visits", "4", BESIDE[0], SCORE), Windows(HOUR, HOUR), segmentations=(BY_CITY,)),
}


def event(**changes: Any) -> dict[str, Any]:
    """A good event of model credit, version 3; `None` for a field leaves it out."""
    fields = {
        "model": "credit",
        "version": "3",
        "id": "x",
        "time": TIME,
        "features": {"age": 33, "city": "Oslo", "level": 7.5, "été": "1"},
    }
    fields |= {"prediction": 12.0} | changes
    return {name: value for name, value in fields.items() if value is not None}


def logged(**changes: Any) -> bytes:
    """A good event with changes, as bytes."""
    return json.dumps(event(**changes)).encode()


def with_feature(name: str, text: str) -> bytes:
    """A good event whose feature holds exactly this JSON text."""
    features = event()["features"] | {name: "PUT HERE"}
    return logged(features=features).replace(b'"PUT HERE"', text.encode())


def visit(**segments: Any) -> bytes:
    """A good event of model visits, version 1, with changes to its segments."""
    named = {"city": "Oslo", "été": "yes", "channel": 3} | segments
    return logged(model="visits", version="1", segments=named, prediction="yes")


def decoder(**limits: int) -> JsonDecoder:
    """A fresh decoder of the targets."""
    return JsonDecoder(TARGETS, **limits)


def cells(counted: Counted, name: str) -> dict[int, int]:
    """What one column of credit version 3 counted: counts by cell, -2 for missing and -1 for invalid."""
    profile = TARGETS["credit", "3"].profile
    i = [column.name for column in profile.columns].index(name)
    total = sum(counts for key, counts in counted.counts.items() if key[:2] == ("credit", "3") and not key.segment)
    found = np.asarray(total)[profile.offsets[i] : profile.offsets[i + 1]].tolist()
    places = [*range(len(found) - SPECIAL), *range(-SPECIAL, 0)]
    return {place: n for place, n in zip(places, found, strict=True) if n}
