"""`driftline reference build`: a reference profile from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from monitor.cli_options import refuse
from monitor.cli_reference import load_profile, names, write_file
from monitor.drift import profiles
from monitor.drift.profiles import Profile
from monitor.drift.segments import CAP
from monitor.durations import format_duration, parse_duration
from monitor.errors import DriftlineError
from monitor.profile_table import profile_table

if TYPE_CHECKING:
    from monitor.reference import Report

# What says which columns, bins and segments a profile gets.
SHAPING = (
    "bins", "ignore", "categorical", "numeric", "derive", "against", "segments", "segment_values", "segment_fields",
)  # fmt: skip


def _option(text: str, metavar: str | None = None) -> Any:
    return typer.Option(help=text, metavar=metavar)


Data = Annotated[list[Path], typer.Argument(help="CSV, Parquet or JSON lines, plain, .gz or .zst.", metavar="DATA...")]
Names = list[str] | None
Model = Annotated[str, _option("Name of the model, as its log spells it.")]
Version = Annotated[str, _option("Version of the model, as its log spells it.")]
Out = Annotated[Path, _option("The profile to write, such as profiles/credit-3.json.")]
Time = Annotated[str | None, _option("Column with the event time: RFC 3339 or epoch milliseconds.")]
Prediction = Annotated[str | None, _option("Column with the model's prediction.")]
Ignore = Annotated[Names, _option("Columns to leave out.", "A,B")]
Categorical = Annotated[Names, _option("Columns of codes, not numbers.", "A,B")]
Numeric = Annotated[Names, _option("Columns of numbers.", "A,B")]
Bins = Annotated[str, _option("Most bins of a numeric column, or exact: one per value.")]
Chunk = Annotated[
    str | None, _option("Stretch of time by which the reference is counted, to know how much it moves.", "1h")
]
Derive = Annotated[
    Names, _option("A column to make of others, such as pca, weekday:Europe/Berlin or text_length:comment.", "F[:A,B]")
]
Against = Annotated[list[Path] | None, _option("Files that --derive domain tells apart from DATA.", "FILE")]
BinsOf = Annotated[
    Path | None, _option("Count on the bins of this profile of the model, to compare windows with both.", "FILE")
]
Segments = Annotated[
    Names,
    _option(
        "Categorical column whose values are compared each with its own reference; A,B: by both together.", "A[,B]"
    ),
]
SegmentValues = Annotated[int, _option("Most frequent values with a segment each; the others share one.", "N")]
SegmentFields = Annotated[
    Names, _option("Columns of a table that events log in `segments`, not among their features.", "A,B")
]


def build(  # typer makes options of parameters
    context: typer.Context,
    data: Data,
    model: Model,
    version: Version,
    out: Out,
    time: Time = None,
    prediction: Prediction = None,
    ignore: Ignore = None,
    categorical: Categorical = None,
    numeric: Numeric = None,
    bins: Bins = "200",
    chunk: Chunk = None,
    derive: Derive = None,
    against: Against = None,
    bins_of: BinsOf = None,
    segments: Segments = None,
    segment_values: SegmentValues = CAP,
    segment_fields: SegmentFields = None,
) -> None:
    """Build the reference profile of a model version from its training data, or from a log of a good period.

    Canonical events (JSON lines with "features") need neither --time nor --prediction. The profile holds bins and
    counts, no rows.
    """
    from monitor import recounting, reference  # pandas takes a second to import, and only this command needs it

    length = None if chunk is None else parse_duration(chunk)
    make: Callable[..., tuple[Profile, Report]]
    if bins_of is not None:
        refuse(context, *SHAPING, because="beside --bins-of the columns and bins are those of the other profile")
        make = partial(recounting.recount, bins_of=_other(bins_of, model))
    else:
        if not segments:
            refuse(context, "segment_values", "segment_fields", because="has no effect without --segments")
        make = partial(
            reference.build,
            model=model,
            ignore=names(ignore),
            categorical=names(categorical),
            numeric=names(numeric),
            bins=_bins(bins),
            derive=derive or (),
            against=against or (),
            segments=segments or (),
            segment_values=segment_values,
            segment_fields=names(segment_fields),
        )
    with Console(stderr=True).status("Reading …") as status:

        def progress(events: int) -> None:
            status.update(f"Reading … {events:,} events")

        profile, report = make(data, version=version, time=time, prediction=prediction, chunk=length, progress=progress)
    _show(profile, report, out, size=write_file(out, profiles.encode(profile)))


def _show(profile: Profile, report: Report, out: Path, *, size: int) -> None:
    """The profile, what was left out of it, and where it is."""
    console = Console()
    console.print(profile_table(profile, width=console.width))
    console.print()
    for line in _left_out(report):
        console.print(line)
    for note in report.notes:
        console.print(Text("note: ", style="yellow").append(note, style="default"))
    chunks = f", {format_duration(report.chunk)} chunks" if report.chunk else ""
    console.print(Text(f"wrote {out} ({size / 1000:,.0f} kB, {report.events:,} events{chunks})"), soft_wrap=True)


def _other(path: Path, model: str) -> Profile:
    """The profile whose bins are taken."""
    found = load_profile(path)
    if found.model != model:
        raise DriftlineError(f"--bins-of {path}: expected a profile of model {model!r}, got {found.model!r}")
    return found


def _bins(text: str) -> int | None:
    if text == "exact":
        return None
    if not text.isdecimal():
        raise DriftlineError(f"--bins: expected a whole number or exact, got {text!r}")
    return int(text)


def _left_out(report: Report) -> Iterator[RenderableType]:
    for reason, count in report.left_out.items():
        line = Text(f"{count:,} left out as {reason}: ", style="yellow")
        yield line.append(f"such as {report.examples[reason]}", style="default")
