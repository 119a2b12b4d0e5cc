"""The command `driftline`: what is wrong goes to standard error, and the exit code says what kind of wrong.

0: ok. 1: drift, where a command was asked to say so. 2: wrong use or configuration. 3: something outside failed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from monitor import __version__
from monitor.cli_build import build
from monitor.cli_kafka import add_commands
from monitor.cli_options import refuse
from monitor.cli_reference import reference_app, show
from monitor.cli_update import update
from monitor.errors import DriftlineError, OutsideError

WRONG, OUTSIDE = 2, 3

app = typer.Typer(
    name="driftline",
    help="Watches machine-learning models in production: drift of windows of Kafka logs against a reference.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (build, show, update):
    reference_app.command()(command)
app.add_typer(reference_app, name="reference")
add_commands(app)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration, a YAML file.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"driftline {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watches machine-learning models in production."""


@app.command()
def demo(
    context: typer.Context,
    serve: Annotated[bool, typer.Option("--serve", help="Keep /metrics on loopback afterwards, until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(help="Port for --serve.")] = 9464,
    produce: Annotated[bool, typer.Option("--produce", help="Play the demo's log into Kafka instead.")] = False,
    brokers: Annotated[str, typer.Option(help="For --produce: host:port, separated by commas.")] = "localhost:9092",
    topic: Annotated[str, typer.Option(help="For --produce: the topic.")] = "predictions",
    access: Annotated[
        Path | None, typer.Option("--config", "-c", help="For --produce: brokers and security are those of this file.")
    ] = None,
    speed: Annotated[float, typer.Option(help="For --produce: events per second; 0 is as fast as it goes.")] = 0.0,
    out: Annotated[
        Path | None, typer.Option(help="Write profile, log, configuration and results into this folder.")
    ] = None,
) -> None:
    """Real drift in real data, in one process: the New South Wales electricity market, 1996 to 1998."""
    from monitor import settings
    from monitor.config import Kafka
    from monitor.demo import run

    _refuse_ignored(context, serve=serve, produce=produce, access=access)
    if produce:
        kafka = settings.load(access).kafka if access else Kafka(brokers=tuple(brokers.split(",")))
        run.produce(kafka, topic, speed=speed)
    else:
        run.demo(serve=serve, port=port, out=out)


def _refuse_ignored(context: typer.Context, *, serve: bool, produce: bool, access: Path | None) -> None:
    """Raise DriftlineError for options of the demo that have no effect."""
    if produce:
        refuse(context, "serve", "port", "out", because="has no effect beside --produce")
        if access:
            refuse(context, "brokers", because="the brokers are those of --config")
    else:
        refuse(context, "brokers", "topic", "access", "speed", because="has no effect without --produce")
        if not serve:
            refuse(context, "port", because="has no effect without --serve")


@app.command()
def methods() -> None:
    """List the methods that compare a column with its reference: what they say, and when to take which."""
    from monitor.cli_methods import show

    show()


@app.command()
def replay(
    config: ConfigFile,
    logs: Annotated[
        list[Path] | None, typer.Argument(help="CSV, Parquet or JSON lines; without any, the topics.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the windows go, one JSON object per line.")] = Path("windows.jsonl"),
    rejected: Annotated[
        Path | None, typer.Option(help="Where events go that could not be used, as JSON lines.")
    ] = None,
    fail_on_drift: Annotated[bool, typer.Option("--fail-on-drift", help="Exit with 1 if any window drifted.")] = False,
) -> None:
    """Run logs through the code of the worker, and see what would have fired."""
    from monitor.cli_replay import run

    drifted = run(config, logs or [], out=out, rejected=rejected)
    if drifted and fail_on_drift:
        raise typer.Exit(1)


@app.command()
def worker(config: ConfigFile) -> None:
    """Read the logs from Kafka, and publish windows, metrics and triggers, until SIGTERM."""
    from monitor import settings
    from monitor.worker import run

    raise typer.Exit(run(settings.load(config)))


def main() -> None:
    """Run the command; errors that a person can mend are a message, not a traceback."""
    try:
        app()
    except DriftlineError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"driftline: {error}", markup=False, emoji=False)
        sys.exit(OUTSIDE if isinstance(error, OutsideError) else WRONG)


if __name__ == "__main__":
    main()
