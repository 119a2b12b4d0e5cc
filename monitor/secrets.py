"""Secrets come from a file or the environment, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from monitor.errors import DriftlineError

LONGEST = 10_000  # bytes: a file beyond this is not the one that was meant


def read_secret(file: str | None, variable: str | None, folder: Path, *, name: str = "secret") -> str | None:
    """The secret in `file` (relative to `folder`) or in the environment's `variable`; None where neither is named.

    The configuration names the two in `{name}_file` and `{name}_env`. Raises DriftlineError where both are named or the
    secret is missing or empty. Neither the secret nor the two are in a message: somebody may have written the secret
    itself in their place.
    """
    if file and variable:
        raise DriftlineError(f"expected {name}_file or {name}_env, got both; keep one")
    if file:
        source = f"the file that {name}_file names"
        secret = _read(folder / file, source)
    elif variable:
        secret, source = os.environ.get(variable, "").strip(), f"the environment variable that {name}_env names"
    else:
        return None
    if not secret:
        raise DriftlineError(f"{source} is missing or empty; put the {name} there")
    return secret


def _read(path: Path, source: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            raise DriftlineError(f"{source} is larger than {LONGEST:,} bytes; name the right one")
        return data.decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise DriftlineError(f"{source} cannot be read ({type(error).__name__}); make it readable") from None
