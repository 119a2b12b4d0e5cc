"""Whether commands of ours that texts and files mention exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
import typer.main


def leads_to_a_command(app: typer.Typer, words: Sequence[str]) -> bool:
    """Whether the words after `driftline` lead to a command that takes the options among them."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and hasattr(command, "commands"):
        if rest[0] not in command.commands:
            return False
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    return {word for word in rest if word.startswith("--")} <= known
