"""What comes out: the result of a window, and the opening and closing of an episode.

A result's id names (model, version, reference, segment, window, revision): the same id always has the same content,
so whoever receives it twice may drop either. `windows.schema.json` describes its JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from monitor.drift.episodes import Worst
from monitor.drift.explanations import Movement
from monitor.drift.verdicts import Verdict
from monitor.errors import DriftlineError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TINY, FARTHEST = 1e-300, 1e9  # a threshold of nothing divides too, and ratios stay such as can be shown


class ScoreResult(msgspec.Struct, frozen=True, gc=False):
    """One method's statistic, p-value (where the null is known) and threshold for drift; None where undefined."""

    statistic: float | None
    pvalue: float | None
    threshold: float | None


class ShareResult(msgspec.Struct, frozen=True, gc=False):
    """The share of a window's events that are missing, invalid or unseen, and the reference's.

    pvalue: of the difference, by sampling alone. threshold: how far apart they may be before it is drift; None where
    that is not known.
    """

    share: float
    reference: float
    pvalue: float
    threshold: float | None

    @property
    def ratio(self) -> float | None:
        """How far apart they are over the threshold: above 1 is drift."""
        return abs(self.share - self.reference) / self.threshold if self.threshold else None


class LastingResult(msgspec.Struct, frozen=True):
    """A shift that began with the m-th newest window and lasts: what `windows` of them tell together.

    effect: its size, KS of numbers and Cohen's w of categories. threshold: as of `ShareResult`.
    """

    windows: int
    effect: float
    threshold: float | None

    @property
    def ratio(self) -> float | None:
        """The effect over the threshold: above 1 is drift."""
        return self.effect / self.threshold if self.threshold else None


class ColumnResult(msgspec.Struct, frozen=True):
    """One column in one window: `n` usable values, the others by kind, and every method's score.

    `counts` are the events in each of the reference's bins, then the missing and the invalid; None where they were left
    out. `reason` says why the verdict is what it is, `shares` how the missing, the invalid and the unseen were judged,
    where the window or the reference has any, `lasting` what the last windows tell together, where there are any before
    this one. `moved` says what moved most in a column in drift.
    """

    role: str
    n: int
    missing: int
    invalid: int
    unseen: int
    verdict: Verdict
    primary: str | None
    scores: dict[str, ScoreResult]
    counts: list[int] | None = None
    moved: tuple[Movement, ...] = ()
    reason: str | None = None
    shares: dict[str, ShareResult] = {}
    lasting: LastingResult | None = None

    @property
    def ratio(self) -> float | None:
        """The largest of what decides over its threshold: above 1 is drift, comparable across columns."""
        score = self.scores.get(self.primary) if self.primary else None
        found = [part.ratio for part in self.shares.values()]
        if self.lasting is not None:
            found.append(self.lasting.ratio)
        if score is not None and score.statistic is not None and score.threshold is not None:
            found.append(min(score.statistic / max(score.threshold, TINY), FARTHEST))
        return max((ratio for ratio in found if ratio is not None), default=None)

    @property
    def drifted_shares(self) -> tuple[str, ...]:
        """The kinds of values whose share alone is drift, the furthest beyond its threshold first."""
        found = {kind: part.ratio for kind, part in self.shares.items() if part.ratio is not None and part.ratio > 1}
        return tuple(sorted(found, key=lambda kind: -found[kind]))


class ComparedColumn(msgspec.Struct, frozen=True):
    """One column beside a reference that does not decide; `ratio` is what would decide over its threshold."""

    verdict: Verdict
    ratio: float | None
    scores: dict[str, ScoreResult]


class ComparedReference(msgspec.Struct, frozen=True):
    """A window beside a reference that does not decide: whose it is, its fingerprint, and what it says."""

    version: str
    reference: str
    verdict: Verdict
    columns: dict[str, ComparedColumn]


class SegmentDrift(msgspec.Struct, frozen=True):
    """A segment in drift: its values by column, and its columns in drift, the furthest beyond its threshold first."""

    segment: dict[str, str]
    columns: tuple[str, ...]


class SegmentColumn(msgspec.Struct, frozen=True):
    """A column in drift in segments, but not in all events: the segment where it is furthest beyond its threshold.

    `ratio`, `reason` and `moved` are those of the column there.
    """

    column: str
    segment: dict[str, str]
    ratio: float | None
    reason: str | None
    moved: tuple[Movement, ...]


class SegmentsResult(msgspec.Struct, frozen=True):
    """Which segments of a window are in drift; `decided` had events enough for a verdict.

    `columns` are those in drift in segments alone, the furthest beyond its threshold first; at most ten.
    """

    decided: int
    drifted: tuple[SegmentDrift, ...]
    columns: tuple[SegmentColumn, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """One window of one model version; `start` and `end` are UTC milliseconds, RFC 3339 in JSON.

    `segment` is None for all events; that result's verdict is the most severe of all, those of segments included, and
    `segments` says which of them moved.

    `worst` is the worst window of the open episode so far. `groups` are the columns in drift, those together that move
    together in the reference. `compared` has the references beside the deciding one, by their names.
    """

    id: str
    model: str
    version: str
    segment: dict[str, str] | None
    start: int
    end: int
    revision: int
    final: bool
    events: int
    late: int
    verdict: Verdict
    columns: dict[str, ColumnResult]
    reference: str
    episode: str | None = None
    worst: Worst | None = None
    groups: tuple[tuple[str, ...], ...] = ()
    segments: SegmentsResult | None = None
    compared: dict[str, ComparedReference] = {}

    @property
    def drifted(self) -> list[str]:
        """Names of the columns in drift, the furthest beyond its threshold first."""
        return ranked(self.columns)


class EpisodeEvent(msgspec.Struct, frozen=True):
    """An episode opened or closed with the window whose result is the evidence; times are UTC milliseconds.

    `windows` drifted in it so far, `worst` is the worst of them.
    """

    kind: Literal["opened", "closed"]
    id: str
    model: str
    version: str
    segment: dict[str, str] | None
    start: int
    end: int
    columns: tuple[str, ...]
    evidence: Result
    worst: Worst | None = None
    windows: int = 1

    @property
    def trigger_id(self) -> str:
        """The same for every repetition of the same episode, and safe in an HTTP header: 32 hexadecimal digits."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:32]


def ranked(columns: Mapping[str, ColumnResult]) -> list[str]:
    """Names of the columns in drift, the furthest beyond its threshold first; without a ratio, last."""
    names = [name for name, column in columns.items() if column.verdict == "drift"]
    return sorted(names, key=lambda name: (-(columns[name].ratio or 0.0), name))


def rfc3339(time: int) -> str:
    """UTC milliseconds as RFC 3339, with milliseconds only where there are any.

    >>> rfc3339(0), rfc3339(862_790_400_500)
    ('1970-01-01T00:00:00Z', '1997-05-05T00:00:00.500Z')
    """
    moment = EPOCH + timedelta(milliseconds=time)
    return moment.isoformat(timespec="milliseconds" if time % 1000 else "seconds").replace("+00:00", "Z")


def series_id(model: str, version: str, segment: str, reference: str) -> str:
    """Names a row of windows; names stand escaped, so no two can collide.

    >>> series_id("a/b", "3", "", "0f3c")
    'a%2Fb/3/*/0f3c'
    """
    names = (name.replace("%", "%25").replace("/", "%2F").replace("*", "%2A") for name in (model, version, segment))
    return "/".join([*(name or "*" for name in names), reference])


def bare(result: Result) -> Result:
    """The result without its counts and other references: what is kept of it, and sent as evidence, must stay small."""
    columns = {name: msgspec.structs.replace(column, counts=None) for name, column in result.columns.items()}
    return msgspec.structs.replace(result, columns=columns, compared={})


def encode(result: Result) -> bytes:
    """The result as one line of JSON."""
    return msgspec.json.encode(document(result))


def document(result: Result) -> dict[str, Any]:
    """The result as JSON sees it: times as text."""
    made: dict[str, Any] = msgspec.to_builtins(result)
    if result.worst:
        made["worst"] |= {"start": rfc3339(result.worst.start), "end": rfc3339(result.worst.end)}
    return made | {"start": rfc3339(result.start), "end": rfc3339(result.end)}


def decode(line: bytes) -> Result:
    """The result that `encode` wrote. Raises DriftlineError for anything else."""
    try:
        raw = msgspec.json.decode(line)
        if raw.get("worst") is not None:
            raw["worst"] |= _times(raw["worst"])
        return msgspec.convert(raw | _times(raw), Result)
    except (AttributeError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DriftlineError(
            f"expected the result of a window as one line of JSON, got {line[:80]!r}: {error}"
        ) from error


def _times(raw: dict[str, Any]) -> dict[str, int]:
    return {key: _milliseconds(raw[key]) for key in ("start", "end")}


def _milliseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)
