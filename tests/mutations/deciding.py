"""Mutations of the decision rule; simulation must notice each of them."""

from __future__ import annotations

from tests.mutations.mutation import one

SIMULATION = "tests/calibration/test_rule.py"

DECIDING = [
    one(
        "no-shared-budget",
        "each column spends the whole budget for itself, and a model pages as often as it has columns",
        "monitor/drift/decisions.py",
        "share = level / max(len(ranked), 1)",
        "share = level",
        SIMULATION,
    ),
    one(
        "no-step-up",
        "the budget is shared as if no other column could have drifted, and smaller drifts are missed",
        "monitor/drift/decisions.py",
        "if pvalue <= place * share)",
        "if pvalue <= share and place == 1)",
        SIMULATION,
    ),
    one(
        "no-variation",
        "a reference that moves by itself is taken for one that stands still",
        "monitor/drift/variation.py",
        "_spread(self._free, self.memory, alpha) if self.variance else 0.0",
        "0.0",
        SIMULATION,
    ),
    one(
        "no-design-effect",
        "rows that come in clusters are taken for independent ones",
        "monitor/drift/clustering.py",
        "return max(float(np.median(parts)), 1.0)",
        "return 1.0",
        SIMULATION,
    ),
    one(
        "no-seasons",
        "the whole day is what an hour of the night is compared with",
        "monitor/drift/calibration.py",
        "if left.variance <= GAIN * variation.variance:",
        "if left.variance < 0:",
        SIMULATION,
    ),
    one(
        "segments-without-seasons",
        "an hour of a segment is compared with its whole day, though it swings as all events do",
        "monitor/drift/courses.py",
        "phases = phases if phases and times == 1 else [None] * len(columns)",
        "phases = [None] * len(columns)",
        "tests/drift/test_phases.py",
    ),
    one(
        "all-segments-swing",
        "a segment that stands still is expected to swing, because all events do",
        "monitor/drift/calibration.py",
        "made.append(left if left and left.variance <= GAIN * own.variation.variance else None)",
        "made.append(left)",
        "tests/drift/test_phases.py",
    ),
    one(
        "segments-asleep",
        "an hour that hardly anybody but a segment is awake in counts for as few events as all others have then",
        "monitor/drift/phases.py",
        "size = round(1 / (self.apart + 1 / phase.sum())) if phase.any() and self.own.any() else 0",
        "size = round(self.own.sum() * phase.sum() / max(whole.sum(), 1))",
        "tests/drift/test_phases.py",
    ),
    one(
        "shifts-of-nothing",
        "a segment all of whose numbers lie in one bin stops the worker for good",
        "monitor/pipeline/lasting.py",
        "if judge.calibrated and found.onsets and cells.compared > 1:",
        "if judge.calibrated and found.onsets:",
        "tests/test_odd_segments.py",
    ),
    one(
        "season-seen-once",
        "what a slowly wandering column did in a single week is taken for its week",
        "monitor/drift/stretches.py",
        'return 4 if self.kind == "week" else 7',
        "return 1",
        SIMULATION,
    ),
    one(
        "lone-window-lasts",
        "a window that stood out alone keeps the next ones in drift",
        "monitor/drift/onsets.py",
        "shown = LARGER * np.minimum(sides * mean, sides * away[:, :1])",
        "shown = np.abs(found)",
        "tests/drift/test_onsets.py",
    ),
    one(
        "no-memory",
        "windows that resemble each other are averaged, and a shift in them is found days later",
        "monitor/drift/onsets.py",
        "memory = memory if memory >= LEAST_MEMORY else 0.0",
        "memory = 0.0",
        "tests/calibration/test_rule.py",
    ),
    one(
        "cuts-of-the-whole-day",
        "a column that lies elsewhere by night pages more often than asked, for its steepest cut is not where it was",
        "monitor/drift/variation.py",
        "places = _alike(rows, phases)[phases]",
        "places = np.broadcast_to(np.arange(away.shape[1]), away.shape)",
        "tests/drift/test_variation.py",
    ),
    one(
        "pooled-by-the-window",
        "the window chooses the cells that it is tested on",
        "monitor/pipeline/scoring.py",
        "cells = pooled_cells(reference, n)",
        "cells = pooled_cells(values, n)",
        SIMULATION,
    ),
]
