"""Why a column has its verdict, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping

from monitor.drift.thresholds import FLOORS
from monitor.drift.variation import ENOUGH
from monitor.pipeline.judges import Scored
from monitor.pipeline.results import ScoreResult, ShareResult

NAMES = {"ks": "KS", "chi2": "Cohen's w"}


def reason(scored: Scored, own: ScoreResult, level: float, shares: Mapping[str, ShareResult], min_events: int) -> str:
    """The sentence: of the share that decides, where one does, else of the deciding method."""
    found = [kind for kind, share in shares.items() if share.ratio is not None and share.ratio > 1]
    if found:
        return "; ".join(_share(scored, kind, shares[kind]) for kind in found)
    if not scored.decided:
        return _undecided(scored, min_events)
    if scored.test is None:
        statistic, threshold = _number(own.statistic), _number(own.threshold)
        return f"{scored.judge.primary} {statistic} against a threshold of {threshold}; n = {scored.n:,}"
    sentence = _calibrated(scored, level)
    variation = scored.calibration.variation
    if variation.unknown:
        return (
            f"{sentence}; at most a warning: the reference moves by itself, and its {variation.stretches} stretches "
            f"of time are too few to say how far; {ENOUGH} are needed"
        )
    return sentence


def _calibrated(scored: Scored, level: float) -> str:
    """Statistic and threshold in the units of the effect, with the parts of the threshold."""
    test, name, calibration = scored.test, scored.judge.primary, scored.calibration
    assert test is not None  # the caller has looked
    alpha = test.weight * level
    threshold, moved = math.sqrt(test.limit(level)), calibration.variation.reach(alpha)
    parts = [f"sampling {math.sqrt(test.sampling(alpha)):.3f}"]
    if scored.calibration.stretches < 2:
        parts.append("how far the reference moves by itself is unknown")
    else:
        season = f" within the {calibration.phases.season.kind}" if calibration.phases else ""
        parts.append(f"the reference's own variation{season} {math.sqrt(moved):.3f}")
    parts.append(f"floor {FLOORS[name]:g}")
    effect = math.sqrt(test.squared)
    return f"{NAMES[name]} {effect:.3f} against a threshold of {threshold:.3f} ({', '.join(parts)}); n = {scored.n:,}"


def _share(scored: Scored, kind: str, share: ShareResult) -> str:
    assert share.threshold is not None  # it decides
    away = abs(share.share - share.reference)
    return (
        f"{kind} {share.share:.2%} against {share.reference:.2%} in the reference, {100 * away:.2f} points apart "
        f"where {100 * share.threshold:.2f} are let pass; events = {int(scored.counts.sum()):,}"
    )


def _undecided(scored: Scored, min_events: int) -> str:
    if scored.n < min_events:
        return f"{scored.n:,} usable values, {min_events:,} are needed"
    return f"{scored.judge.primary} is not defined here: the reference or the window has too few different values"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
