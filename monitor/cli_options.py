"""Options that have no effect beside, or without, others: a person who gives one is told, instead of left to wonder."""

from __future__ import annotations

import typer

from monitor.errors import DriftlineError


def refuse(context: typer.Context, *parameters: str, because: str) -> None:
    """Raise DriftlineError if any of a command's parameters was given; the message names its option as it is typed."""
    options = {option.name: option.opts[0] for option in context.command.params}
    given = [options[name] for name in parameters if _given(context, name)]
    if given:
        raise DriftlineError(f"{', '.join(given)}: {because}; leave it out")


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"
