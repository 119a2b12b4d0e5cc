"""The boards, found by file name: `<name>.dashboard.py` defines `dashboard` and becomes `generated/<name>.json`."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FOLDER = Path(__file__).parent
GENERATED = FOLDER / "generated"
SUFFIX = ".dashboard.py"


def boards() -> dict[str, Json]:
    """Every dashboard by name."""
    return {path.name.removesuffix(SUFFIX): _load(path) for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}


def files() -> dict[str, str]:
    """File names and what they must hold."""
    return {
        f"{name}.json": json.dumps(board, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for name, board in boards().items()
    }


def _load(path: Path) -> Json:
    """A file with a dot in its name is not a module, so it is run by its path."""
    made: Json = runpy.run_path(str(path))["dashboard"]
    return made
