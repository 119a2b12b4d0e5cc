"""What a retraining trigger says, and when one is due. Described in docs/triggers.md.

Pure: the same episode always gives the same bytes, so a receiver may drop a repetition by its `id`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.errors import DriftlineError
from monitor.pipeline.explain import sentences
from monitor.pipeline.results import EpisodeEvent, Result, document, rfc3339

TYPE = "io.driftline.retrain.requested"


def payload(event: EpisodeEvent, *, source: str = "driftline") -> bytes:
    """The request to retrain, as one line of JSON. Raises DriftlineError for an episode that has not just opened."""
    if event.kind != "opened":
        raise DriftlineError(f"a trigger needs an episode that opened, got {event.id!r}, which {event.kind}")
    made = {
        "id": event.trigger_id,
        "type": TYPE,
        "source": source,
        "model": event.model,
        "version": event.version,
        "segment": event.segment,
        "episode": event.id,
        "opened_at": rfc3339(event.start),
        "columns": ranked(event.columns, event.evidence),
        "explanation": sentences(event.evidence),
        "evidence": document(event.evidence),
    }
    return msgspec.json.encode(made)


def ranked(columns: tuple[str, ...], evidence: Result) -> list[dict[str, Any]]:
    """The columns with their deciding scores, the furthest beyond its threshold first; without a score, last."""
    found = [_column(name, evidence) for name in columns]
    return sorted(found, key=lambda column: (-(column["ratio"] or 0.0), column["name"]))


def due(last_window_end: int | None, window_end: int, cooldown: int) -> bool:
    """Whether a trigger may go out, at least `cooldown` of event time after the model's last one (all in ms).

    >>> due(None, 7_000, 3_000), due(5_000, 7_000, 3_000), due(5_000, 8_000, 3_000)
    (True, False, True)
    """
    return last_window_end is None or window_end - last_window_end >= cooldown


def _column(name: str, evidence: Result) -> dict[str, Any]:
    column = evidence.columns.get(name)
    score = column.scores.get(column.primary) if column and column.primary else None
    return {
        "name": name,
        "role": column.role if column else None,
        "method": column.primary if column else None,
        "statistic": score.statistic if score else None,
        "threshold": score.threshold if score else None,
        "ratio": column.ratio if column else None,
        "reason": column.reason if column else None,
    }
