"""`python -m alerts` writes the rules for Prometheus and Grafana; with `--check` it only compares them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alerts.alert import Settings
from alerts.render import FOLDER, files


def main() -> int:
    """Write or compare; 1 where a file differs from its source."""
    options = _options()
    settings = Settings(
        job=options.job, grafana=options.grafana.rstrip("/"), runbooks=options.runbooks.rstrip("/"), hold=options.hold
    )
    made = files(settings, paused=not options.grafana_active)
    if options.check:
        return _check(options.out, made)
    for name, text in made.items():
        (options.out / name).parent.mkdir(parents=True, exist_ok=True)
        (options.out / name).write_text(text, encoding="utf-8")
    print(f"{len(made)} files are written")
    return 0


def _options() -> argparse.Namespace:
    default = Settings()
    parser = argparse.ArgumentParser(prog="python -m alerts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing; exit with 1 if they differ")
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder to write to (default: alerts)")
    parser.add_argument("--job", default=default.job, help="the scrape job of the workers (%(default)s)")
    parser.add_argument("--grafana", default=default.grafana, help="where Grafana is for the reader (%(default)s)")
    parser.add_argument("--runbooks", default=default.runbooks, help="where docs/runbooks are for them (%(default)s)")
    parser.add_argument("--hold", default=default.hold, help="how long a lost worker's gauges count (%(default)s)")
    parser.add_argument("--grafana-active", action="store_true", help="do not pause Grafana's copy")
    return parser.parse_args()


def _check(folder: Path, made: dict[Path, str]) -> int:
    stale = [name for name, text in made.items() if not _same(folder / name, text)]
    for name in stale:
        print(f"alerts/{name} differs from alerts/rules.py; run `python -m alerts`", file=sys.stderr)
    return 1 if stale else 0


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    raise SystemExit(main())
