"""Whether a reference is enough to judge windows by: what it lacks, in sentences that say what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from monitor.drift.calibration import Calibration, calibrate
from monitor.drift.profiles import Chunks, Profile
from monitor.drift.stretches import Like
from monitor.drift.variation import ENOUGH
from monitor.drift.windows import DAY
from monitor.durations import format_duration

NAMED = 5  # columns that a sentence names
WEEK = 7 * DAY


def lacking(profile: Profile, like: Like) -> Iterator[str]:
    """What the reference lacks to judge windows that are like that, one sentence each; nothing without chunks."""
    if profile.chunks is None:
        return
    length = like.length
    if length is not None:
        yield from _lengths(profile.chunks, length)
    if not like.phases:
        chunk = format_duration(profile.chunks.size)
        yield (
            f"its chunks ({chunk}) are parts of two days in {like.zone}, so weekdays are not told apart; "
            "build it with --chunk 1h"
        )
    calibrations = calibrate(profile, like)
    unknown = {
        column.name: calibration
        for column, calibration in zip(profile.columns, calibrations, strict=True)
        if calibration.variation.unknown
    }
    if unknown:
        yield _too_short(unknown, profile.chunks.size if length is None or length % profile.chunks.size else length)


def _lengths(chunks: Chunks, length: int) -> Iterator[str]:
    chunk, window = format_duration(chunks.size), format_duration(length)
    if length < chunks.size:
        yield (
            f"its chunks ({chunk}) are longer than a window ({window}), so how far shorter windows move is unknown; "
            "build it with a smaller --chunk"
        )
    elif length % chunks.size:
        yield (
            f"a window ({window}) is no multiple of its chunks ({chunk}), by which it is judged; "
            "build it with a --chunk that divides the window"
        )


def _too_short(unknown: Mapping[str, Calibration], length: int) -> str:
    stretches = max(calibration.variation.stretches for calibration in unknown.values())
    moves, warns = ("moves by itself", "it warns") if len(unknown) == 1 else ("move by themselves", "they warn")
    short = (ENOUGH - stretches) * length
    more = format_duration(short if short <= WEEK else math.ceil(short / DAY) * DAY)
    return (
        f"{_names(list(unknown))} {moves}, and {stretches} stretches of {format_duration(length)} are too few to say "
        f"how far ({ENOUGH} are needed): {warns} at most, but for missing, invalid and unseen shares that stand still; "
        f"add {more} of data"
    )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more columns" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
