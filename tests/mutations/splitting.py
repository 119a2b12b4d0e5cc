"""Mutations of segments: which an event is in, and what they share."""

from __future__ import annotations

from tests.mutations.mutation import one

SEGMENTS, JUDGING, MERGE = "monitor/drift/segments.py", "monitor/pipeline/judging.py", "monitor/pipeline/merge.py"
HERE = "tests/pipeline/test_segments.py"

SPLITTING = [
    one(
        "missing-is-other",
        "events without the column count as those with a rare value",
        SEGMENTS,
        "codes[[MISSING, INVALID]] = 0",
        "codes[[MISSING, INVALID]] = 1",
        "tests/drift/test_segments.py",
    ),
    one(
        "a-budget-each",
        "every segment has the budget of the model for itself",
        JUDGING,
        "at = levels([column.tests for scored in window.values() for column in scored], comparison.pvalue)",
        "at = levels([column.tests for column in window[WHOLE]], comparison.pvalue)",
        HERE,
    ),
    one(
        "segments-unheard",
        "a segment that drifts alone is not in the model's verdict",
        JUDGING,
        "return model_verdict(one.verdict for one in judged.values())",
        "return judged[WHOLE].verdict",
        HERE,
    ),
    one(
        "segments-repeat-all",
        "what all events say already is said again of a segment",
        JUDGING,
        'if whole.columns[name].verdict != "drift" and away',
        "if away",
        HERE,
    ),
    one(
        "late-in-every-segment",
        "a late event is counted once for all events and again for its segments",
        MERGE,
        "        if part.key.segment:\n            return\n",
        "",
        HERE,
    ),
]
