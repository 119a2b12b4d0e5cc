"""`driftline reference`: build a reference profile from files, and show one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from monitor.cli_options import refuse
from monitor.drift import profiles
from monitor.drift.profiles import Profile
from monitor.drift.segments import CAP
from monitor.durations import format_duration, parse_duration
from monitor.errors import DriftlineError
from monitor.profile_table import profile_table

if TYPE_CHECKING:
    from monitor.reference import Report

reference_app = typer.Typer(
    no_args_is_help=True, help="Build and show reference profiles: what live data are compared with."
)

SHAPING = (
    "bins",
    "ignore",
    "categorical",
    "numeric",
    "derive",
    "against",
    "segments",
    "segment_values",
)  # of a profile


@reference_app.command()
def build(  # typer makes options of parameters
    context: typer.Context,
    data: Annotated[
        list[Path], typer.Argument(help="CSV, Parquet or JSON lines, plain, .gz or .zst.", metavar="DATA...")
    ],
    model: Annotated[str, typer.Option(help="Name of the model, as its log spells it.")],
    version: Annotated[str, typer.Option(help="Version of the model, as its log spells it.")],
    out: Annotated[Path, typer.Option(help="The profile to write, such as profiles/credit-3.json.")],
    time: Annotated[
        str | None, typer.Option(help="Column with the event time: RFC 3339 or epoch milliseconds.")
    ] = None,
    prediction: Annotated[str | None, typer.Option(help="Column with the model's prediction.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Columns to leave out.", metavar="A,B")] = None,
    categorical: Annotated[list[str] | None, typer.Option(help="Columns of codes, not numbers.", metavar="A,B")] = None,
    numeric: Annotated[list[str] | None, typer.Option(help="Columns of numbers.", metavar="A,B")] = None,
    bins: Annotated[str, typer.Option(help="Most bins of a numeric column, or exact: one per value.")] = "200",
    chunk: Annotated[
        str | None,
        typer.Option(
            help="Stretch of time by which the reference is counted, to know how much it moves.", metavar="1h"
        ),
    ] = None,
    derive: Annotated[
        list[str] | None,
        typer.Option(
            help="A column to make of others, such as pca, weekday or text_length:comment.", metavar="F[:A,B]"
        ),
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="Files that --derive domain tells apart from DATA.", metavar="FILE")
    ] = None,
    bins_of: Annotated[
        Path | None,
        typer.Option(
            help="Count on the bins of this profile of the model, to compare windows with both.", metavar="FILE"
        ),
    ] = None,
    segments: Annotated[
        list[str] | None,
        typer.Option(
            help="Categorical column whose values are compared each with its own reference; A,B: by both together.",
            metavar="A[,B]",
        ),
    ] = None,
    segment_values: Annotated[
        int, typer.Option(help="Most frequent values with a segment each; the others share one.", metavar="N")
    ] = CAP,
) -> None:
    """Build the reference profile of a model version from its training data, or from a log of a good period.

    Canonical events (JSON lines with "features") need neither --time nor --prediction. The profile holds bins and
    counts, no rows.
    """
    from monitor import recounting, reference  # pandas takes a second to import, and only this command needs it

    if bins_of is not None:
        refuse(context, *SHAPING, because="beside --bins-of the columns and bins are those of the other profile")
    elif not segments:
        refuse(context, "segment_values", because="has no effect without --segments")
    errors = Console(stderr=True)
    length = None if chunk is None else parse_duration(chunk)
    with errors.status("Reading …") as status:

        def progress(events: int) -> None:
            status.update(f"Reading … {events:,} events")

        if bins_of is not None:
            other = _other(bins_of, model)
            profile, report = recounting.recount(
                data, other, version=version, time=time, prediction=prediction, chunk=length, progress=progress
            )
        else:
            profile, report = reference.build(
                data,
                model=model,
                version=version,
                time=time,
                prediction=prediction,
                ignore=names(ignore),
                categorical=names(categorical),
                numeric=names(numeric),
                bins=_bins(bins),
                chunk=length,
                derive=derive or (),
                against=against or (),
                segments=segments or (),
                segment_values=segment_values,
                progress=progress,
            )
    size = write_file(out, profiles.encode(profile))
    console = Console()
    console.print(profile_table(profile, width=console.width))
    console.print()
    for line in _left_out(report):
        console.print(line)
    for note in report.notes:
        console.print(Text("note: ", style="yellow").append(note, style="default"))
    chunks = f", {format_duration(report.chunk)} chunks" if report.chunk else ""
    console.print(Text(f"wrote {out} ({size / 1000:,.0f} kB, {report.events:,} events{chunks})"), soft_wrap=True)


@reference_app.command()
def show(file: Annotated[Path, typer.Argument(help="A profile that `driftline reference build` wrote.")]) -> None:
    """Show a reference profile: its columns with small histograms, values, and shares of missing and invalid ones."""
    console = Console()
    console.print(profile_table(load_profile(file), width=console.width))


def _other(path: Path, model: str) -> Profile:
    """The profile whose bins are taken."""
    found = load_profile(path)
    if found.model != model:
        raise DriftlineError(f"--bins-of {path}: expected a profile of model {model!r}, got {found.model!r}")
    return found


def names(options: list[str] | None) -> tuple[str, ...]:
    """Names of `--ignore A,B` and of `--ignore A --ignore B`."""
    return tuple(name.strip() for option in options or () for name in option.split(",") if name.strip())


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


def write_file(path: Path, data: bytes) -> int:
    """Write a file as a whole or not at all."""
    if path.is_dir() or not path.name:
        raise DriftlineError(f"{path}: expected the name of a file to write, got that of a folder")
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        raise DriftlineError(f"{path}: cannot be written: {error.strerror}; does its folder exist?") from error
    return len(data)


def load_profile(path: Path) -> Profile:
    try:
        return profiles.decode(path.read_bytes())
    except OSError as error:
        raise DriftlineError(f"{path}: cannot be read: {error.strerror}") from error
    except DriftlineError as error:
        raise DriftlineError(f"{path}: {error}") from error
