"""Small profiles, results and configurations for tests of what surrounds the core."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from monitor.config import Config, Model
from monitor.drift import profiles
from monitor.drift.bins import Ordered, Unordered
from monitor.drift.explanations import Movement
from monitor.drift.profiles import Column, Profile
from monitor.drift.segments import Segmentation, counted
from monitor.drift.windows import Windows
from monitor.pipeline.results import (
    ColumnResult,
    EpisodeEvent,
    Result,
    ScoreResult,
    SegmentColumn,
    SegmentDrift,
    SegmentsResult,
)

HOUR = 3_600_000
START = 1_700_000_000_000 // HOUR * HOUR
MODEL = "models: [{name: credit, versions: {'3': credit-3.json}, window: {size: 1h}}]\n"  # the shortest configuration


def profile(model: str = "credit", version: str = "3", features: int = 1) -> Profile:
    """A reference of 1,000 events in 30 days: numeric columns `age0…`, a categorical `country`, the prediction."""
    bins = Ordered(np.array([30.0, 50.0]), np.array([25.0, 40.0, 60.0]))
    numeric = [Column(f"age{i}", "feature", bins, np.array([300, 400, 250, 40, 10])) for i in range(features)]
    country = Column("country", "feature", Unordered(("DE", "FR")), np.array([600, 380, 0, 0, 20, 0]))
    score = Column("score", "prediction", bins, np.array([500, 300, 200, 0, 0]))
    return Profile(model, version, (*numeric, country, score), START - 720 * HOUR, START)


def segmented(reference: Profile) -> Profile:
    """The reference with segments by its country: 600 events of DE, 380 of FR, 20 without."""
    sizes = [column.size for column in reference.columns]
    cells = [np.repeat(np.arange(size), column.counts) for size, column in zip(sizes, reference.columns, strict=True)]
    place = [column.name for column in reference.columns].index("country")
    values = (("DE",), ("FR",))
    bins = reference.columns[place].bins
    places = Segmentation(("country",), values, 0, b"").lookup([bins])([cells[place]])
    found = Segmentation.of(("country",), values, counted(places, cells, sizes, 4))
    return replace(reference, segmentations=(found,))


def profile_file(folder: Path, reference: Profile) -> Path:
    """The profile, written where a configuration can name it."""
    path = folder / f"{reference.model}-{reference.version}.json"
    path.write_bytes(profiles.encode(reference))
    return path


def config(*references: Profile) -> Config:
    """A configuration of one model per reference, with windows of one hour."""
    models = tuple(Model(p.model, {p.version: p}, Windows(HOUR, HOUR)) for p in references or (profile(),))
    return Config(models)


def column(
    role: str = "feature", statistic: float = 0.3, *, primary: str = "ks", verdict: str = "drift"
) -> ColumnResult:
    """A column of 100 events, 5 missing and 5 invalid, 9 of a category never seen before; the threshold is 0.1."""
    scores = {primary: ScoreResult(statistic, 0.001, 0.1), "psi": ScoreResult(0.4, None, 0.2)}
    return ColumnResult(role, 90, 5, 5, 9, verdict, primary, scores)  # type: ignore[arg-type]  # a verdict from a table


def result(
    reference: Profile | None = None, *, start: int = START, verdict: str = "drift", revision: int = 0
) -> Result:
    """A window of one hour in which every column has drifted, within an episode where the verdict is drift."""
    reference = reference or profile()
    columns = {
        c.name: column(c.role, primary="ks" if c.ordered else "chi2", verdict=verdict) for c in reference.columns
    }
    return Result(
        id=f"{reference.model}/{reference.version}/{start}/{revision}",
        model=reference.model,
        version=reference.version,
        segment=None,
        start=start,
        end=start + HOUR,
        revision=revision,
        final=False,
        events=100,
        late=0,
        verdict=verdict,  # type: ignore[arg-type]  # a verdict from a table
        columns=columns,
        reference=reference.fingerprint,
        episode="credit/3/*/abc/2023-11-14T22:00:00Z" if verdict == "drift" else None,
    )


def explained(shown: Result, *parts: Movement) -> Result:
    """The result with one cause of all columns in drift, the worst of which moved in these parts."""
    parts = parts or (Movement("below 30", 0, 1, 0.3, 0.9, "values"), Movement("missing", 5, 6, 0.04, 0.0, "events"))
    first, *others = shown.drifted
    moved = msgspec.structs.replace(shown.columns[first], moved=parts)
    return msgspec.structs.replace(shown, columns=shown.columns | {first: moved}, groups=((first, *others),))


def in_segments(shown: Result, *columns: str) -> Result:
    """The result with these columns in drift in DE alone, the first one the worst, and what moved there."""
    parts = (Movement("below 30", 0, 1, 0.3, 0.8, "values"), Movement("missing", 5, 6, 0.04, 0.1, "events"))
    found = [SegmentColumn(name, {"country": "DE"}, 4.0 - i, "why", parts) for i, name in enumerate(columns)]
    segments = SegmentsResult(2, (SegmentDrift({"country": "DE"}, columns),), tuple(found))
    return msgspec.structs.replace(shown, segments=segments)


def opened(evidence: Result | None = None) -> EpisodeEvent:
    """An episode that opened with the window."""
    found = evidence or result()
    name = found.episode or "credit/3/*/abc/2023-11-14T22:00:00Z"
    return EpisodeEvent(
        "opened", name, found.model, found.version, None, found.start, found.end, tuple(found.drifted), found
    )
