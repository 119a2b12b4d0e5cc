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
        "if not self.variance:\n            return 0.0",
        "if True:\n            return 0.0",
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
        "season-seen-once",
        "what a slowly wandering column did in a single week is taken for its week",
        "monitor/drift/stretches.py",
        'return 4 if self.kind == "week" else 7',
        "return 1",
        SIMULATION,
    ),
    one(
        "pooled-by-the-window",
        "the window chooses the cells that it is tested on",
        "monitor/pipeline/judges.py",
        "cells = pooled_cells(fine, n)",
        "cells = pooled_cells(values, n)",
        SIMULATION,
    ),
]
