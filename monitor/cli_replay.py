"""What `driftline replay` shows: progress while it reads, a table of verdicts, episodes, what was not usable."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from monitor import replay, settings
from monitor.errors import DriftlineError, printable
from monitor.logs.contract import Counted
from monitor.pipeline import results
from monitor.pipeline.explain import sentences
from monitor.pipeline.merge import Output

VERDICTS = {"ok": "green", "warning": "yellow", "drift": "red", "undecided": "dim"}


def run(path: Path, logs: Sequence[Path], *, out: Path, rejected: Path | None) -> int:
    """Replay files, or the configured topics where there are none; returns how many windows drifted."""
    config = settings.load(path)
    sources = replay.files(config, logs) if logs else replay.topics(config)
    screen = Console(stderr=True)
    with ExitStack() as stack:
        windows = stack.enter_context(_writable(out))
        waste = stack.enter_context(_writable(rejected)) if rejected else None
        shown = Progress(
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.completed:,} events"),
            TimeElapsedColumn(),
            console=screen,
        )
        stack.enter_context(shown)
        task = shown.add_task("replay", total=None)

        def output(result: Output) -> None:
            if isinstance(result, results.Result):
                windows.write(results.encode(result) + b"\n")

        def counted(log: replay.Log, offsets: Sequence[int], piece: Counted) -> None:
            shown.update(task, advance=len(offsets), description=log.title)
            for bad in piece.rejected:
                if waste is None:
                    break
                record = {"log": log.title, "offset": offsets[bad.index], "reason": bad.reason, "message": bad.message}
                waste.write(msgspec.json.encode(record) + b"\n")

        summary = replay.replay(config, sources, on_output=output, on_counted=counted)
    _show(Console(), summary, out, rejected)
    return summary.drifted


def _show(console: Console, summary: replay.Summary, out: Path, waste: Path | None = None) -> None:
    table = Table("model", "version", *VERDICTS, title="Windows by verdict", title_justify="left")
    for model, version in sorted({(model, version) for model, version, _ in summary.verdicts}):
        cells = [(summary.verdicts[model, version, verdict], colour) for verdict, colour in VERDICTS.items()]
        table.add_row(Text(model), Text(version), *(f"[{colour}]{n:,}[/]" if n else "[dim]0[/]" for n, colour in cells))
    console.print(table)
    for event in summary.episodes:
        console.print(_episode(event), markup=False, highlight=False)
        for line in sentences(event.evidence, most=1) if event.kind == "opened" else ():
            console.print(Padding(Text(line), (0, 0, 0, 4), expand=False))
    unusable = ", ".join(f"{n:,} {reason}" for reason, n in sorted(summary.rejected.items()))
    skipped = ", ".join(f"{n:,} {reason}" for reason, n in sorted(summary.skipped.items()))
    console.print(
        f"{summary.events:,} events counted" + (f", {summary.late:,} of them too late" if summary.late else "")
    )
    if unusable:
        where = f"they are in {waste}" if waste else "name a file with --rejected to see which"
        console.print(f"not usable: {unusable} ({where})", markup=False, highlight=False)
    if skipped:
        console.print(f"skipped: {skipped}", highlight=False)
    console.print(f"windows are in {out}", markup=False, highlight=False)


def _episode(event: results.EpisodeEvent) -> str:
    names = printable(", ".join(event.columns[:5])) + (
        f" and {len(event.columns) - 5} more" if len(event.columns) > 5 else ""
    )
    when = results.rfc3339(event.start) if event.kind == "opened" else results.rfc3339(event.evidence.end)
    line = f"{when}  drift of {event.model} {event.version} {event.kind}: {names}"
    if event.kind == "opened" or event.worst is None:
        return line
    ratio = "" if event.worst.ratio is None else f" {event.worst.ratio:.1f}×"
    worst = f"worst {printable(event.worst.column)}{ratio} in the window of {results.rfc3339(event.worst.start)}"
    return f"{line}; {event.windows} windows in drift, {worst}"


def _writable(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise DriftlineError(f"{path} cannot be written: {error.strerror}; name another file") from error
