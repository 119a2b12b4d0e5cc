"""`driftline reference`: its commands beside `build` and `update`, and what the three share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from monitor.drift import profiles
from monitor.drift.profiles import Profile
from monitor.errors import DriftlineError
from monitor.profile_table import profile_table

reference_app = typer.Typer(
    no_args_is_help=True, help="Build and show reference profiles: what live data are compared with."
)


def show(file: Annotated[Path, typer.Argument(help="A profile that `driftline reference build` wrote.")]) -> None:
    """Show a reference profile: its columns with small histograms, values, and shares of missing and invalid ones."""
    console = Console()
    console.print(profile_table(load_profile(file), width=console.width))


def names(options: list[str] | None) -> tuple[str, ...]:
    """Names of `--ignore A,B` and of `--ignore A --ignore B`."""
    return tuple(name.strip() for option in options or () for name in option.split(",") if name.strip())


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
