"""What a person should know about a reference before relying on it: one sentence each, with what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from monitor.drift.bins import INVALID, MISSING
from monitor.drift.profiles import Column, Profile
from monitor.drift.stretches import Like
from monitor.durations import UNITS
from monitor.observed import Observed
from monitor.sufficiency import lacking

FEW_EVENTS = 1_000
CODES = 20  # distinct integers up to which a column may hold codes


def notes_on(profile: Profile, observed: Mapping[str, Observed], declared: Collection[str]) -> tuple[str, ...]:
    """Notes on the whole, then on its columns; `declared` are the columns whose type somebody chose."""
    notes = list(_on_time(profile))
    if profile.events < FEW_EVENTS:
        notes.append(f"only {profile.events:,} events: small drift cannot be told from noise; add data")
    constant, codes = [], []
    for column in profile.columns:
        values = observed[column.name]
        notes.extend(f"column {column.name!r}: {note}" for note in _on_column(column, values, column.name in declared))
        if _constant(column, values):
            constant.append(column.name)
        if column.ordered and column.name not in declared and _maybe_codes(values):
            codes.append(column.name)
    if constant:
        always = "always has the same value" if len(constant) == 1 else "always have the same value each"
        notes.append(f"{', '.join(constant)} {always}; any other will be drift")
    if codes:
        few = "holds few different integers" if len(codes) == 1 else "hold few different integers"
        notes.append(f"{', '.join(codes)} {few}, read as numbers; if they are codes: --categorical {','.join(codes)}")
    return tuple(notes)


def _on_time(profile: Profile) -> Iterator[str]:
    if profile.start is None or profile.end is None:
        yield "no time: how far the reference moves by itself stays unknown; name its column with --time"
    elif profile.end - profile.start < UNITS["w"]:
        days = (profile.end - profile.start) / UNITS["d"]
        yield f"spans {days:.1f} days: what a whole week looks like, it has never seen; add data"
    if profile.chunks is not None:
        yield from lacking(profile, Like(profile.chunks.size))


def _on_column(column: Column, values: Observed, declared: bool) -> Iterator[str]:
    events, missing, invalid = int(column.counts.sum()), int(column.counts[MISSING]), int(column.counts[INVALID])
    if missing == events:
        yield "never has a value here; any value will count as unseen"
    elif missing > events // 2:
        yield f"missing in {missing / events:.0%} of the events"
    if invalid:
        kind = "numbers" if column.ordered else "categories"
        yield f"{invalid:,} of {events - missing:,} values are no {kind} and count as invalid"
    numbers = len(values.finite)
    if not column.ordered and not declared and 4 * numbers > events - missing:
        share = f"{numbers:,} of {events - missing:,} values are numbers"
        yield f"{share}; if the others are mistakes: --numeric {column.name}"
    if column.ordered and numbers >= FEW_EVENTS and _identifies(values):
        yield f"a different integer in every event; if it is an identifier: --ignore {column.name}"


def _constant(column: Column, values: Observed) -> bool:
    counts = column.counts[:MISSING]
    if np.count_nonzero(counts) != 1 or counts.sum() < 2:
        return False
    return bool(values.finite.min() == values.finite.max()) if column.ordered else int(counts[0]) > 0


def _identifies(values: Observed) -> bool:
    numbers = values.finite
    return bool(np.all(numbers == np.trunc(numbers))) and len(np.unique(numbers)) == len(numbers)


def _maybe_codes(values: Observed) -> bool:
    numbers = values.finite
    return 2 < len(np.unique(numbers)) <= CODES and bool(np.all(numbers == np.trunc(numbers)))
