"""The committed JSON is what the sources make, and is what Grafana's own types describe."""

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.__main__ import main
from dashboards.build import GENERATED
from tests.dashboards.boards import BOARDS, NAMES, Json

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with what the sources make now."""
    assert main(["--out", str(tmp_path / "fresh")]) == 0
    assert capsys.readouterr().out == "4 dashboards are written\n"
    return tmp_path / "fresh"


def test_the_command_finds_nothing_to_say_about_what_is_committed() -> None:
    command = [sys.executable, "-m", "dashboards", "--check"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_what_is_written_passes_the_check(fresh: Path) -> None:
    assert main(["--check", "--out", str(fresh)]) == 0


def test_a_changed_file_fails_the_check_which_says_which_and_what_to_run(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = fresh / "model.json"
    changed.write_text(changed.read_text().replace("driftline_model_verdict", "driftline_model_verdikt", 1))

    assert main(["--check", "--out", str(fresh)]) == 1
    assert capsys.readouterr().err == (
        "model.json differs from dashboards/model.dashboard.py; run `python -m dashboards` and commit the result\n"
    )


def test_a_missing_file_and_one_without_a_source_fail_the_check(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fresh / "fleet.json").rename(fresh / "old.json")

    assert main(["--check", "--out", str(fresh)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "fleet.json differs from dashboards/fleet.dashboard.py; run `python -m dashboards` and commit the result",
        "old.json has no source; delete it",
    ]


def read_by_grafana(board: Json) -> Json:
    """The board, once read into Grafana's own types and written again."""
    with warnings.catch_warnings():
        # It recommends the second format, which file provisioning in Grafana does not yet read reliably.
        warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.cog.plugins import register_default_plugins
        from grafana_foundation_sdk.models.dashboard import Dashboard

        register_default_plugins()
        written: Json = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    return written


def lost(ours: object, theirs: object, path: str = "") -> Iterator[str]:
    """Paths in our JSON that did not survive Grafana's types, or came out as something else."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from lost(value, theirs[key], f"{path}.{key}") if key in theirs else [f"{path}.{key}"]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (mine, its) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(mine, its, f"{path}[{index}]")
    elif ours != theirs:
        yield f"{path}: {ours!r} became {theirs!r}"


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_own_types_read_a_board_and_keep_every_field_of_it(name: str) -> None:
    assert list(lost(BOARDS[name], read_by_grafana(BOARDS[name]))) == []


def test_grafanas_own_types_would_drop_an_option_that_does_not_exist() -> None:
    board = json.loads((GENERATED / "fleet.json").read_text())
    board["panels"][0]["options"]["graphMoode"] = "none"

    assert list(lost(board, read_by_grafana(board))) == [".panels[0].options.graphMoode"]
