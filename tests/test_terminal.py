"""What commands print cannot write to the terminal, whatever a reference or an event is named."""

import io

import pytest
from msgspec.structs import replace
from rich.console import Console

from monitor import cli_replay
from monitor.errors import printable
from monitor.profile_table import profile_table
from monitor.replay import Summary
from tests import hostile
from tests.examples import opened, profile, result


@pytest.mark.parametrize("name", [name for name in hostile.NAMES if name])
def test_strange_names_are_shown_and_not_obeyed(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=1_000)
    summary = Summary(events=1)
    summary.verdicts["[/red]" + printable(name)[:20], "3", "drift"] = 1
    summary.rejected["not_json"] = 1
    summary.episodes.append(replace(opened(result()), columns=(name,)))
    cli_replay._show(console, summary, tmp_path_factory.mktemp("[red]") / "windows.jsonl")
    text = shown.getvalue()
    assert "\x1b" not in text
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "[/red]" in text
    assert printable(name).strip() in text


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "\u202egnp", "[bold]x[/]"])
def test_a_reference_with_strange_columns_is_shown_escaped(name: str) -> None:
    shown = io.StringIO()
    reference = profile()
    object.__setattr__(reference.columns[0], "name", name)
    Console(file=shown, width=200).print(profile_table(reference, width=200))
    assert printable(name) in shown.getvalue()
    assert "\x1b" not in shown.getvalue()
