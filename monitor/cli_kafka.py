"""Commands that look at the configuration and at Kafka: `check`, `topics create|check`, `dead-letters show|redrive`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from monitor import deadletters, redrive, settings, topics
from monitor.check import check as examine
from monitor.cli_options import refuse
from monitor.errors import OutsideError

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration, a YAML file.")]
Deadline = Annotated[float, typer.Option(min=0.1, max=600.0, help="Seconds to wait for Kafka.")]

topics_app = typer.Typer(
    no_args_is_help=True, help="Our topics in Kafka: make them, or compare them with what we need."
)
dead_letters_app = typer.Typer(no_args_is_help=True, help="Records that could not be used.")


def add_commands(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("check")(check)
    app.add_typer(topics_app, name="topics")
    app.add_typer(dead_letters_app, name="dead-letters")


def check(
    context: typer.Context,
    config: ConfigFile,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask Kafka.")] = False,
    deadline: Deadline = 10.0,
) -> None:
    """Tell everything that is wrong: the configuration, its references, and what they need in Kafka.

    Exits with 0 if a worker can start (warnings or not), 2 for mistakes, 3 if something outside is wrong.
    """
    if offline:
        refuse(context, "deadline", because="nothing is asked of Kafka with --offline")
    report = examine(config, offline=offline, deadline=deadline)
    for title, lines in (("mistake", report.mistakes), ("outside", report.outside), ("warning", report.warnings)):
        for line in lines:
            _say(f"{title}: {line}", error=title != "warning")
    if report.exit_code == 0:
        asked = "" if offline else ", and Kafka has what it needs"
        _say(f"{config}: the configuration is right{asked}")
    raise typer.Exit(report.exit_code)


@topics_app.command("create")
def create_topics(config: ConfigFile, deadline: Deadline = 10.0) -> None:
    """Create the topics of ours that are missing; existing ones are compared and never changed.

    Log topics are not ours and are not created. Safe to repeat. Exits with 3 if a topic is missing or differs.
    """
    done = topics.create(settings.load(config), deadline=deadline)
    for name in done.made:
        _say(f"created {name}")
    for name in done.existing:
        _say(f"exists  {name}")
    _fail(done.problems)


@topics_app.command("check")
def check_topics(config: ConfigFile, deadline: Deadline = 10.0) -> None:
    """Compare our topics with what we need, and see that the log topics exist. Exits with 3 if anything is wrong."""
    _fail(topics.check(settings.load(config), deadline=deadline))
    _say("all topics are as they should be")


@dead_letters_app.command("show")
def show_dead_letters(config: ConfigFile, deadline: Deadline = 10.0) -> None:
    """Show what lies in the dead-letter topic: reasons, how many, since when, and the newest example of each."""
    loaded = settings.load(config)
    done = deadletters.notes(loaded, deadline=deadline).marks
    rows = deadletters.rows(deadletters.once(deadletters.waiting(loaded, done, deadline=deadline)))
    if rows:
        _table(rows)
    else:
        _say(f"no dead letters in {loaded.kafka.topics.dead_letters}")
    if done:
        _say(f"{len(done):,} more were sent back to their topics")


@dead_letters_app.command("redrive")
def redrive_dead_letters(
    config: ConfigFile,
    reason: Annotated[str | None, typer.Option(help="Only letters of this reason.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only letters of this log topic.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be sent.")] = False,
    deadline: Deadline = 10.0,
) -> None:
    """After a fix, send dead letters back to their topics: each once, however often this is run.

    Key, value, headers and timestamp are the original's; a header `driftline.redriven` names the record. What fails
    again is a new dead letter. What cannot be sent is said, and is no error.
    """
    loaded = settings.load(config)
    found = redrive.redrive(loaded, reason=reason, topic=topic, dry_run=dry_run, deadline=deadline)
    if found.rows:
        _table(found.rows)
    _say(f"{'would send' if dry_run else 'sent'} {found.sent:,}; {found.done:,} had been sent before")
    for why, count in sorted(found.refused.items()):
        _say(f"refused {count:,}: {why}", error=True)


def _table(rows: list[deadletters.Row]) -> None:
    table = Table("topic", Column("reason", no_wrap=True), Column("count", justify="right"))
    for name in ("first (UTC)", "last (UTC)"):
        table.add_column(name, no_wrap=True)
    table.add_column("example", overflow="fold")
    for row in rows:
        table.add_row(row.topic, row.reason, f"{row.count:,}", _time(row.first), _time(row.last), row.example)
    Console(markup=False, highlight=False, emoji=False).print(table)


def _fail(problems: list[str] | tuple[str, ...]) -> None:
    if problems:
        raise OutsideError("\n".join(problems))


def _say(text: str, *, error: bool = False) -> None:
    Console(stderr=error, soft_wrap=True, markup=False, highlight=False, emoji=False).print(text)


def _time(milliseconds: int) -> str:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)
