"""The events of files as columns of a reference: flat rows, or the canonical events that serving systems log.

A canonical event has its columns in `features`, and its `prediction`, `time` and `segments` beside them. What the
decoder of the logs would reject (no JSON, no event, no usable time) is left out here too, counted by reason with one
example.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.config import LogFields
from monitor.errors import DriftlineError
from monitor.logs.contract import EMPTY, NOT_AN_EVENT
from monitor.logs.files import events, format_of, frames
from monitor.logs.lines import check_owner, event_time, features_of, names_of_segments, read_object, segments_of
from monitor.logs.screen import Unusable
from monitor.observed import Observed, Vectors

PREDICTION = "prediction"  # name of the prediction's column, whatever the files call it

Progress = Callable[[int], None]  # called with the events read so far


@dataclass
class Gathered:
    """Columns of all files, each with a value per event, and what was left out."""

    columns: dict[str, Observed] = field(default_factory=dict)
    prediction: Observed | None = None
    segments: dict[str, Observed] = field(default_factory=dict)
    offered: set[str] = field(default_factory=set)  # names in the segments of each file's first event
    vectors: dict[str, Vectors] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    times: list[int] = field(default_factory=list)
    events: int = 0
    read: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def leave_out(self, reason: str, example: str) -> None:
        """Count an event that the reference cannot use."""
        self.left_out[reason] += 1
        self.examples.setdefault(reason, example)


@dataclass(frozen=True)
class Wanted:
    """Which events and columns of the files make the reference.

    segments: names that are read of canonical events' segments. beside: columns of tables that stand there, with the
    names that they have there.
    """

    model: str
    version: str
    time: str | None = None
    prediction: str | None = None
    ignore: Collection[str] = ()
    vectors: Collection[str] = ()  # columns of lists of numbers
    segments: Collection[str] = ()
    beside: Mapping[str, str] = field(default_factory=dict)


def gather(paths: Sequence[Path], wanted: Wanted, progress: Progress) -> Gathered:
    """Read the files in order."""
    found = Gathered()
    for path in paths:
        before = found.events
        if format_of(path) == "json":
            _gather_lines(path, wanted, found, progress)
        else:
            _gather_table(path, wanted, found, progress)
        if found.events == before:
            raise DriftlineError(f"{path}: expected events of model {wanted.model!r}, got none{_why(found)}")
    return found


def no_column(name: str, use: str, known: Iterable[str], path: Path | None = None) -> DriftlineError:
    """The error for a column that somebody named and the data, or one file of them, do not have."""
    place = "" if path is None else f"{path}: "
    return DriftlineError(
        f"{place}column {name!r}: named by {use}, but the data have only {', '.join(known)}; check its spelling"
    )


def _why(found: Gathered) -> str:
    if not found.left_out:
        return ": the file has a header and no rows"
    reason, count = found.left_out.most_common(1)[0]
    return f": {count:,} left out as {reason}, such as {found.examples[reason]}"


def _gather_table(path: Path, wanted: Wanted, found: Gathered, progress: Progress) -> None:
    for frame, broken in frames(path):
        for row in broken:
            found.leave_out(NOT_AN_EVENT, row.message)
        found.read += len(frame) + len(broken)
        columns: dict[str, Sequence[object]] = {str(name): frame[name].tolist() for name in frame.columns}
        _check_named(path, wanted, columns)
        _add_columns(path, columns, len(frame), wanted, found)
        progress(found.read)


def _gather_lines(path: Path, wanted: Wanted, found: Gathered, progress: Progress) -> None:
    number, canonical = 0, None
    for lines in events(path, LogFields()):
        rows: list[dict[str, object]] = []
        for line in lines:
            number += 1
            try:
                event = _object(line, wanted)
                if canonical is None:  # the first event of a file speaks for all
                    canonical = "features" in event
                    found.offered |= names_of_segments(event) if canonical else set()
                rows.append(_canonical(event, wanted) if canonical else event)
            except Unusable as error:
                found.leave_out(error.reason, f"{path}: line {number}: {error.message}")
        found.read += len(lines)
        if rows:
            names = dict.fromkeys(name for row in rows for name in row)
            columns = {name: [row.get(name) for row in rows] for name in names}
            if not canonical:
                _check_named(path, wanted, columns)
            _add_columns(path, columns, len(rows), _of_canonical(wanted) if canonical else wanted, found)
        progress(found.read)


# Of canonical events; no feature can have these names.
_TIME, _PREDICTION, _SEGMENT = "\0time", "\0prediction", "\0segment "


def _of_canonical(wanted: Wanted) -> Wanted:
    beside = {_SEGMENT + name: name for name in wanted.segments}
    return replace(wanted, time=_TIME, prediction=_PREDICTION, beside=beside)


def _object(line: bytes, wanted: Wanted) -> dict[str, object]:
    if not line:
        raise Unusable(EMPTY, "a blank line")
    return read_object(line, ignore=wanted.ignore, segments=wanted.segments)


def _canonical(event: dict[str, object], wanted: Wanted) -> dict[str, object]:
    check_owner(event, model=wanted.model, version=wanted.version)
    row = {**features_of(event), _TIME: event.get("time")}
    if "prediction" in event:
        row[_PREDICTION] = event["prediction"]
    return row | {_SEGMENT + name: value for name, value in segments_of(event, wanted.segments).items()}


def _check_named(path: Path, wanted: Wanted, columns: Collection[str]) -> None:
    named = [(wanted.time, "--time"), (wanted.prediction, "--prediction")]
    for name, use in [*named, *((name, "--segment-fields") for name in wanted.beside)]:
        if name is not None and name not in columns:
            raise no_column(name, use, columns, path)


def _add_columns(
    path: Path, columns: Mapping[str, Sequence[object]], size: int, wanted: Wanted, found: Gathered
) -> None:
    """Append `size` events; a column that the files lack so far, or from now on, is missing there."""
    if wanted.time is not None:
        columns, size = _timed(path, columns, wanted.time, size, found)
    before = found.events
    found.events += size
    parts = {wanted.beside[name]: values for name, values in columns.items() if name in wanted.beside}
    for name, values in columns.items():
        if name in wanted.beside:
            found.segments.setdefault(wanted.beside[name], Observed(before)).add(values)
        elif name == wanted.prediction:
            found.prediction = found.prediction or Observed(before)
            found.prediction.add(values)
        elif name in wanted.ignore:
            found.ignored.add(name)
        elif name in wanted.vectors:
            found.vectors.setdefault(name, Vectors(before)).add(values)
        elif name != wanted.time:
            found.columns.setdefault(name, Observed(before)).add(values)
    held: dict[str, Observed | Vectors] = {**found.columns, **found.vectors}
    for name in held.keys() - columns.keys():
        held[name].add([None] * size)
    for name in found.segments.keys() - parts.keys():
        found.segments[name].add([None] * size)
    if found.prediction and wanted.prediction not in columns:
        found.prediction.add([None] * size)


def _timed(
    path: Path, columns: Mapping[str, Sequence[object]], time: str, size: int, found: Gathered
) -> tuple[dict[str, Sequence[object]], int]:
    """The columns without the events that have no usable time."""
    times, kept = [], []
    for i, value in enumerate(columns[time]):
        try:
            times.append(event_time(value))
            kept.append(i)
        except Unusable as error:
            found.leave_out(error.reason, f"{path}: {error.message}")
    found.times.extend(times)
    if len(kept) == size:
        return dict(columns), size
    return {name: [values[i] for i in kept] for name, values in columns.items()}, len(kept)
