"""Secrets come from a file or the environment, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from monitor.errors import DriftlineError

LONGEST = 10_000  # bytes: a file beyond this is not the one that was meant


def read_secret(file: str | None, variable: str | None, folder: Path) -> str | None:
    """The secret in `file` (relative to `folder`) or in the environment's `variable`; None where neither is named.

    Raises DriftlineError where both are named or the secret is missing or empty. Neither the secret nor the two names
    are in a message: somebody may have written the secret itself in their place.
    """
    if file and variable:
        raise DriftlineError("expected secret_file or secret_env, got both; keep one")
    if file:
        secret, source = _read(folder / file), "the file that secret_file names"
    elif variable:
        secret, source = os.environ.get(variable, "").strip(), "the environment variable that secret_env names"
    else:
        return None
    if not secret:
        raise DriftlineError(f"{source} is missing or empty; put the secret there")
    return secret


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            raise DriftlineError(
                f"the file that secret_file names is larger than {LONGEST:,} bytes; name the right one"
            )
        return data.decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = type(error).__name__
        raise DriftlineError(f"the file that secret_file names cannot be read ({reason}); make it readable") from None
