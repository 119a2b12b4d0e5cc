"""Why a column has its verdict, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from monitor.drift.decisions import Effect
from monitor.drift.thresholds import FLOORS
from monitor.drift.variation import ENOUGH
from monitor.pipeline.judges import Scored
from monitor.pipeline.results import LastingResult, ScoreResult, ShareResult

NAMES = {"ks": "KS", "chi2": "Cohen's w"}


class Judged(NamedTuple):
    """What is judged of a column beside its score."""

    shares: Mapping[str, ShareResult]
    lasting: LastingResult | None


def reason(scored: Scored, own: ScoreResult, level: float, judged: Judged, min_events: int) -> str:
    """The sentence: of the share that decides, where one does, else of the deciding method, alone or over windows."""
    shares, lasting = judged
    found = [kind for kind, share in shares.items() if share.ratio is not None and share.ratio > 1]
    if found:
        return "; ".join(_share(scored, kind, shares[kind]) for kind in found)
    alone = own.statistic is not None and bool(own.threshold) and own.statistic > (own.threshold or 0.0)
    if lasting is not None and (lasting.ratio or 0.0) > 1 and not alone:
        return _lasting(scored, lasting, level)
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
    """Statistic and threshold of the window alone."""
    assert scored.test is not None  # the caller has looked
    return f"{_against(scored, scored.test, level)}; n = {scored.n:,}"


def _lasting(scored: Scored, lasting: LastingResult, level: float) -> str:
    """Those of a shift over several windows, and of the window alone."""
    test = next(test for windows, test in scored.lasting if windows == lasting.windows)
    since = "since this window" if lasting.windows == 1 else f"for {lasting.windows} windows"
    alone = f"{_calibrated(scored, level)}" if scored.test else f"n = {scored.n:,}"
    return f"a shift {since}: {_against(scored, test, level)}; this window alone: {alone}"


def _against(scored: Scored, test: Effect, level: float) -> str:
    """Effect and threshold, with the parts of the threshold."""
    name, calibration, alpha = scored.judge.primary, scored.calibration, test.weight * level
    parts = [f"sampling {math.sqrt(test.sampling(alpha)):.3f}"]
    if calibration.stretches < 2:
        parts.append("how far the reference moves by itself is unknown")
    else:
        season = f" within the {calibration.phases.season.kind}" if calibration.phases else ""
        parts.append(f"the reference's own variation{season} {math.sqrt(test.variation.reach(alpha)):.3f}")
    parts.append(f"floor {FLOORS[name]:g}")
    effect, threshold = math.sqrt(test.squared), math.sqrt(test.limit(level))
    return f"{NAMES[name]} {effect:.3f} against a threshold of {threshold:.3f} ({', '.join(parts)})"


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
