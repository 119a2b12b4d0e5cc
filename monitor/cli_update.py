"""`driftline reference update`: live windows folded into a reference, from their counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.text import Text

from monitor.cli_reference import load_profile, names, write_file
from monitor.config import Kafka
from monitor.drift import profiles
from monitor.drift.updates import choose, fold
from monitor.drift.verdicts import Verdict
from monitor.durations import parse_duration
from monitor.errors import DriftlineError
from monitor.pipeline.results import rfc3339
from monitor.profile_table import profile_table
from monitor.updating import Read, Wanted, from_files, from_topic, read


def update(
    profile: Annotated[Path, typer.Argument(help="The reference profile that the windows were compared with.")],
    out: Annotated[Path, typer.Option(help="The new profile to write; it may not be the old one.")],
    windows: Annotated[
        list[Path] | None,
        typer.Argument(help="Results of `driftline replay`, JSON lines, plain, .gz or .zst.", metavar="WINDOWS..."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Read the windows topic of this configuration instead.")] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="Verdicts of the windows to take: ok and warning.", metavar="A,B")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Take windows that begin then or later: RFC 3339.")] = None,
    until: Annotated[str | None, typer.Option(help="Take windows that end then or earlier: RFC 3339.")] = None,
    keep: Annotated[
        str | None, typer.Option(help="Forget what is older than this before the last window.", metavar="7d")
    ] = None,
) -> None:
    """Fold live windows into a reference and write a new one, with the same bins and its history.

    The windows' counts are enough; no raw data are read. Windows in drift are left out unless --accept names drift too:
    what is folded in is what will be normal.
    """
    if bool(windows) == bool(config):
        got = "both; leave out one" if windows else "neither"
        raise DriftlineError(f"expected files of windows, or --config to read them from the topic, got {got}")
    if out.exists() and out.samefile(profile):
        raise DriftlineError(
            f"--out {out}: this is the old profile, which windows are still compared with; name another"
        )
    old = load_profile(profile)
    wanted = Wanted(_verdicts(accept), _time(since, "--since"), _time(until, "--until"))
    found = read(old, from_topic(_kafka(config)) if config else from_files(windows or ()), wanted)
    chosen = choose(old, found.windows)
    found.left_out["before the end of the reference, which may hold their events"] += chosen.known
    found.left_out["overlapping with another one"] += chosen.overlapping
    if not chosen.windows:
        raise DriftlineError(f"no window to fold in{_why(found)}")
    new = fold(old, chosen.windows, keep=None if keep is None else parse_duration(keep))
    size = write_file(out, profiles.encode(new))
    console = Console()
    console.print(profile_table(new, width=console.width))
    console.print()
    for reason, count in sorted(found.left_out.items()):
        if count:
            console.print(Text(f"{count:,} windows left out: {reason}", style="yellow"))
    made = new.history[-1]
    forgotten = f", nothing kept from before {rfc3339(made.since)}" if made.since is not None else ""
    console.print(
        Text(
            f"folded in {made.windows:,} windows, {rfc3339(made.start)} to {rfc3339(made.end)}, {made.events:,} events"
            f"{forgotten}\nwrote {out} ({size / 1000:,.0f} kB, {new.events:,} events); it holds from where you say: "
            f"{{profile: {out}, from: {rfc3339(made.end)}}}"
        ),
        soft_wrap=True,
    )


def _kafka(path: Path) -> Kafka:
    from monitor.settings import load

    return load(path).kafka


def _verdicts(options: list[str] | None) -> tuple[Verdict, ...]:
    known = get_args(Verdict)
    found = names(options) or ("ok", "warning")
    for name in found:
        if name not in known:
            raise DriftlineError(f"--accept: expected verdicts of {', '.join(known)}, got {name!r}")
    return tuple(verdict for verdict in known if verdict in found)


def _time(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise DriftlineError(f"{option}: expected a time with its zone, such as 2026-12-01T00:00:00Z, got {text!r}")
    return int((read - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def _why(found: Read) -> str:
    reasons = [f"{count:,} {reason}" for reason, count in sorted(found.left_out.items()) if count]
    return ": " + "; ".join(reasons) if reasons else ": the files hold none"
