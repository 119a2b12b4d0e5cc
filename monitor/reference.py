"""A reference profile from files: what the model was trained on, or a period of its log that was good.

All values of all columns are held in memory while the bins are made (8 to 12 bytes each); only counts leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from monitor.derive import Known, Wish, check_sources, of_columns, of_times, of_values, read_wishes
from monitor.drift.bins import SPECIAL, Bins, Unordered
from monitor.drift.derived import Derived
from monitor.drift.profiles import Column, Profile, Role
from monitor.drift.segments import CAP
from monitor.durations import UNITS, format_duration
from monitor.errors import DriftlineError
from monitor.gather import PREDICTION, Gathered, Progress, Wanted, gather, no_column
from monitor.notes import notes_on
from monitor.observed import NUMBER, Cells, Observed
from monitor.segmenting import Cut, check_made, columns_named, segmentations

LENGTHS = tuple(UNITS["h"] * hours for hours in (1, 2, 3, 6, 12, 24, 168))  # of a chunk, unless one is given
CHUNK_EVENTS = 30  # least mean events of a chunk, where its length may be chosen
CHUNK_CELLS = 100_000_000  # most counts over all chunks: 400 MB while they are made


@dataclass(frozen=True, slots=True)
class Report:
    """How the files were read: events counted, events left out by reason with an example, and notes on the whole."""

    files: int
    events: int
    left_out: Mapping[str, int]
    examples: Mapping[str, str]
    chunk: int | None
    notes: tuple[str, ...]


def build(
    paths: Sequence[Path],
    *,
    model: str,
    version: str,
    time: str | None = None,
    prediction: str | None = None,
    ignore: Collection[str] = (),
    categorical: Collection[str] = (),
    numeric: Collection[str] = (),
    bins: int | None = 200,
    categories: int = 1000,
    chunk: int | None = None,
    derive: Sequence[str] = (),
    against: Sequence[Path] = (),
    segments: Sequence[str] = (),
    segment_values: int = CAP,
    segment_fields: Collection[str] = (),
    progress: Progress = lambda events: None,
) -> tuple[Profile, Report]:
    """The profile of the events in files, and a report on what was read.

    A row of a table or a flat JSON object is an event whose columns are features, but for `time`, `prediction` and
    what to `ignore`; canonical events name their own. A column is numeric if most of its values are numbers, unless
    `categorical` or `numeric` says otherwise. bins: most bins of a numeric column, None for one per distinct value.
    chunk: milliseconds; None takes an hour, or longer where that leaves too few events. The prediction's column is
    called `prediction` whatever the files call it. derive: columns to be made, as in `read_wishes`; what only they read
    is not monitored itself, unless it is named in `categorical`. against: files that `domain` tells apart from these.
    segments: columns that tell parts of the events apart, with commas between those that do so together; the
    `segment_values` most frequent values have a segment each. Where no other column has such a name, it is read of the
    events' field `segments`; of a table these are `segment_fields`.
    """
    _check_options(paths, bins=bins, categories=categories, chunk=chunk)
    wishes = _wishes(derive, against)
    lists = {wish.inputs[0] for wish in wishes if wish.function.takes == "numbers"}
    texts = {wish.inputs[0] for wish in wishes if wish.function.takes == "text"} - {*categorical}
    parted = columns_named(segments, segment_fields, ignore=ignore, time=time, prediction=prediction)
    wanted = Wanted(model, version, time, prediction, frozenset(ignore), lists, parted, {n: n for n in segment_fields})
    found = gather(paths, wanted, progress)
    twice = _settle(found, wishes)
    if chunk is not None and not found.times:
        raise DriftlineError("--chunk: the events have no time to be cut by; name its column with --time")
    check_sources(wishes, {*found.columns, *found.vectors})
    _check_names(found, ignore=ignore, categorical=categorical, numeric=numeric, prediction=prediction)
    kinds = _kinds(found, categorical=categorical, numeric=numeric, prediction=prediction, texts=texts)
    made = {
        name: _made(name, role, column, kinds.get(name, ""), bins=bins, categories=categories)
        for name, role, column in _brought(found, texts)
    }
    if not made and not wishes:
        raise DriftlineError("expected at least one column to monitor, got none; ignore fewer")
    other = gather(against, wanted, progress) if against else None
    made |= {one.column.name: one for one in _derived(wishes, found, made, other, bins=bins)}
    check_made(parted, made, offered=found.offered, brought={*found.columns, *found.offered, *segment_fields})
    cut = _cut(found, sum(one.column.size for one in made.values()), chunk) if found.times else None
    parts = segmentations(segments, {name: (one.column, one.places) for name, one in made.items()}, segment_values, cut)
    profile = replace(_profile(wanted, found, made, cut), segmentations=tuple(parts))
    decided = {name for name, kind in kinds.items() if kind} | {wish.name for wish in wishes}
    notes = notes_on(profile, {name: one.observed for name, one in made.items()}, decided)
    return profile, _report(paths, found, profile, (*notes, *twice))


def _report(paths: Sequence[Path], found: Gathered, profile: Profile, notes: tuple[str, ...]) -> Report:
    left_out, examples = dict(found.left_out), dict(found.examples)
    size = profile.chunks.size if profile.chunks else None
    return Report(len(paths), found.events, left_out, examples, size, notes)


def _settle(found: Gathered, wishes: Sequence[Wish]) -> list[str]:
    """Keep of the events' segments what has values and is no other column's name; returns notes on such features."""
    others = {*found.columns, *found.vectors, *(wish.name for wish in wishes)}
    if found.prediction:
        others.add(PREDICTION)
    known = {name: column for name, column in found.segments.items() if np.any(column.codes >= NUMBER)}
    found.segments = {name: column for name, column in known.items() if name not in others}
    hint = "a feature, and in the events' segments too, which are not read; to read these: --ignore"
    return [f"column {name!r}: {hint} {name}" for name in known if name in found.columns]


class _Made(NamedTuple):
    """A column of the profile, each event's cell, and the values that it was made of."""

    column: Column
    places: Cells
    observed: Observed


def _made(
    name: str,
    role: Role,
    observed: Observed,
    kind: str,
    *,
    bins: int | None,
    categories: int = 1000,
    derived: Derived | None = None,
) -> _Made:
    found, places = _bins(name, observed, kind, bins=bins, categories=categories)
    counts = np.bincount(places, minlength=found.values + SPECIAL).astype(np.int64)
    return _Made(Column(name, role, found, counts, derived), places, observed)


def _wishes(derive: Sequence[str], against: Sequence[Path]) -> tuple[Wish, ...]:
    wishes = read_wishes(derive)
    if against and not any(wish.function.name == "domain" for wish in wishes):
        raise DriftlineError("--against: only --derive domain reads these files; add it, or leave them out")
    return wishes


def _kinds(
    found: Gathered,
    *,
    categorical: Collection[str],
    numeric: Collection[str],
    prediction: str | None,
    texts: Collection[str],
) -> dict[str, str]:
    """What columns are said to be; the prediction's may be called as in the files or as in the profile."""
    for name in sorted({*texts} & {*numeric}):
        raise DriftlineError(f"column {name!r}: named by --numeric, but --derive reads it as text; leave out one")
    kinds = dict.fromkeys(categorical, "categorical") | dict.fromkeys(numeric, "numeric")
    if found.prediction:
        kinds[PREDICTION] = kinds.get(prediction or PREDICTION, kinds.get(PREDICTION, ""))
    for name in sorted({*found.segments} & {*numeric}):
        raise DriftlineError(f"column {name!r}: named by --numeric, but the events' segments are categories")
    return dict.fromkeys(found.segments, "segment") | kinds


def _brought(found: Gathered, texts: Collection[str]) -> Iterator[tuple[str, Role, Observed]]:
    """The columns that events bring, but for the texts that only derived columns read."""
    for name, column in found.columns.items():
        if name not in texts:
            yield name, "feature", column
    for name, column in found.segments.items():
        yield name, "segment", column
    if found.prediction:
        yield PREDICTION, "prediction", found.prediction


def _derived(
    wishes: Sequence[Wish], found: Gathered, made: Mapping[str, _Made], other: Gathered | None, *, bins: int | None
) -> Iterator[_Made]:
    """The derived columns; `made` are the columns that events bring, `other` the files that `domain` tells apart."""
    brought = {name: Known(one.column, one.observed.floats, one.places) for name, one in made.items()}
    theirs = None if other is None else {name: _elsewhere(one.column, other) for name, one in brought.items()}
    for wish in wishes:
        if wish.name in made:
            raise DriftlineError(f"--derive {wish.name}: there is a column of this name; leave it out with --ignore")
        if wish.function.takes_value:
            name = wish.inputs[0]
            derived, column = of_values(wish, found.vectors[name] if name in found.vectors else found.columns[name])
        elif wish.function.takes == "time":
            derived, column = of_times(wish, found.times)
        else:
            derived, column = of_columns(wish, brought, theirs)
        kind = "numeric" if wish.function.names is None else "categorical"
        yield _made(wish.name, "derived", column, kind, bins=bins, derived=derived)


def _profile(wanted: Wanted, found: Gathered, made: Mapping[str, _Made], cut: Cut | None) -> Profile:
    """The profile without segments."""
    columns, cells = [one.column for one in made.values()], [one.places for one in made.values()]
    start, end = (min(found.times), max(found.times)) if found.times else (None, None)
    chunks = cut.chunks(columns, cells) if cut else None
    return Profile(wanted.model, wanted.version, tuple(columns), start, end, chunks)


def _elsewhere(column: Column, other: Gathered) -> Known:
    """The same column of other files; all missing where they have not got it."""
    theirs = other.segments if column.role == "segment" else other.columns
    found = other.prediction if column.role == "prediction" else theirs.get(column.name)
    observed = found or Observed(other.events)
    places = observed.cells_on(column.bins) if isinstance(column.bins, Unordered) else np.empty(0, dtype=np.intp)
    return Known(column, observed.floats, places)


def _bins(name: str, column: Observed, kind: str, *, bins: int | None, categories: int) -> tuple[Bins, Cells]:
    numeric = kind == "numeric" or (not kind and column.looks_numeric)
    try:
        if numeric:
            return column.ordered(bins)
        out = "of --segments" if kind == "segment" else "with --ignore"
        if kind != "categorical":
            column.refuse_identifier(out)
        return column.unordered(categories, out)
    except DriftlineError as error:
        raise DriftlineError(f"column {name!r}: {error}") from error


def _cut(found: Gathered, size: int, length: int | None) -> Cut:
    """Stretches of event time that hold any event, with `size` counts each; they begin at multiples of their length."""
    times = np.array(found.times, dtype=np.int64)
    for chosen in (length,) if length else LENGTHS:
        starts, which = np.unique(times - times % chosen, return_inverse=True)
        few = len(times) < CHUNK_EVENTS * len(starts) or len(starts) * size > CHUNK_CELLS
        if not few:
            break
    if len(starts) * size > CHUNK_CELLS:
        raise DriftlineError(
            f"chunks of {format_duration(chosen)} make {len(starts):,} × {size:,} counts, more than {CHUNK_CELLS:,}; "
            "take longer chunks or fewer bins"
        )
    return Cut(chosen, starts, which)


def _check_options(paths: Sequence[Path], *, bins: int | None, categories: int, chunk: int | None) -> None:
    if not paths:
        raise DriftlineError("expected at least one file to build a reference from, got none")
    if bins is not None and not 2 <= bins <= 10_000:
        raise DriftlineError(f"expected 2 to 10,000 bins or exact, got {bins}")
    if categories < 1:
        raise DriftlineError(f"expected at least 1 category with a bin of its own, got {categories}")
    if chunk is not None and chunk < UNITS["s"]:
        raise DriftlineError(f"expected a chunk of at least 1s, got {format_duration(max(chunk, 0))}")


def _check_names(found: Gathered, *, prediction: str | None, **named: Collection[str]) -> None:
    """Raise DriftlineError for an option that names a column which is not there, or names it twice."""
    known = {*found.columns, *found.ignored, *found.segments}
    if found.prediction:
        known |= {prediction or PREDICTION, PREDICTION}
    for option, names in named.items():
        for name in names:
            if name not in known:
                raise no_column(name, f"--{option}", sorted(known))
    twice = [name for name, times in Counter(name for names in named.values() for name in names).items() if times > 1]
    if twice:
        raise DriftlineError(f"column {twice[0]!r}: named twice by {', '.join(f'--{option}' for option in named)}")
    if found.prediction and PREDICTION in found.columns:
        raise DriftlineError("column 'prediction': a feature has the prediction's name; leave it out with --ignore")
