"""`python -m dashboards` writes the dashboards as JSON; with `--check` it only compares them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dashboards.build import GENERATED, files


def main(arguments: list[str] | None = None) -> int:
    """Write or compare; 1 where a file differs from its source."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing; exit with 1 if they differ")
    parser.add_argument("--out", type=Path, default=GENERATED, help="the folder to write to (dashboards/generated)")
    options = parser.parse_args(arguments)
    made = files()
    if options.check:
        return _check(options.out, made)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (options.out / name).write_text(text, encoding="utf-8")
    print(f"{len(made)} dashboards are written")
    return 0


def _check(folder: Path, made: dict[str, str]) -> int:
    """Say what is stale, and what lies there without a source."""
    stale = [name for name, text in made.items() if not _same(folder / name, text)]
    orphans = sorted({path.name for path in folder.glob("*.json")} - made.keys())
    for name in stale:
        source = f"dashboards/{Path(name).stem}.dashboard.py"
        print(f"{name} differs from {source}; run `python -m dashboards` and commit the result", file=sys.stderr)
    for name in orphans:
        print(f"{name} has no source; delete it", file=sys.stderr)
    return 1 if stale or orphans else 0


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    raise SystemExit(main())
