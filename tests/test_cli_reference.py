"""`driftline reference`: the command builds what the function builds, and its table fits the terminal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from monitor.cli import main
from monitor.cli_reference import reference_app
from monitor.drift import profiles
from monitor.drift.bins import Ordered, ordered_bins
from monitor.drift.profiles import Column
from monitor.errors import DriftlineError
from monitor.profile_table import histogram
from tests.logfiles import as_csv, half_hours, made, write


def shown(counts: list[int], edges: list[float]) -> str:
    bins = Ordered(np.array(edges), np.array([0.0, *edges]))
    return histogram(Column("x", "feature", bins, np.array([*counts, 0, 0])), width=4)


def test_a_histogram_is_as_high_as_the_share() -> None:
    own = [1.0, math.nextafter(1.0, 2), 2.0, math.nextafter(2.0, 3)]
    assert shown([0, 8, 0, 4, 0], own) == "█▄"
    assert shown([0, 8_000, 0, 1, 0], own) == "█▁"
    assert shown([0, 0, 0, 0, 0], own) == ""


def test_a_histogram_of_quantile_bins_shows_the_density() -> None:
    values = np.random.default_rng(3).normal(size=20_000)
    bins = ordered_bins(values)
    counts = np.append(np.full(200, 100), [0, 0])
    drawn = histogram(Column("x", "feature", bins, counts), width=9)
    assert drawn[4] == "█"
    assert "▁" <= drawn[0] < drawn[2] < drawn[4] > drawn[6] > drawn[8] >= "▁"


def run(*arguments: object) -> Any:
    return CliRunner().invoke(reference_app, [str(argument) for argument in arguments], env={"COLUMNS": "100"})


def test_the_command_builds_what_the_function_builds(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", as_csv(half_hours()))
    out = tmp_path / "credit.json"
    result = run(
        "build", path, "--model", "credit", "--version", 3, "--out", out, "--time", "ts", "--prediction", "class",
        "--ignore", "vicprice,vicdemand", "--ignore", "transfer", "--categorical", "day", "--bins", 50, "--chunk", "1d",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    expected, _ = made(
        path, time="ts", prediction="class", ignore=["vicprice", "vicdemand", "transfer"], categorical=["day"], bins=50
    )
    assert out.read_bytes() == profiles.encode(expected)
    assert "credit 3 · 3,000 events" in result.output
    assert "wrote" in result.output
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_show_prints_what_build_printed(tmp_path: Path) -> None:
    path, out = write(tmp_path, "log.csv", as_csv(half_hours())), tmp_path / "credit.json"
    built = run("build", path, "--model", "credit", "--version", "3", "--out", out, "--time", "ts", "--bins", "exact")
    assert run("show", out).output.strip() in built.output


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal(tmp_path: Path, width: int) -> None:
    path, out = write(tmp_path, "log.csv", as_csv(half_hours(500))), tmp_path / "credit.json"
    run("build", path, "--model", "credit", "--version", "3", "--out", out, "--time", "ts")
    shown = CliRunner().invoke(reference_app, ["show", str(out)], env={"COLUMNS": str(width)}).output
    assert max(map(len, shown.splitlines())) <= width
    assert "vicdemand" in shown
    assert "invalid" in shown
    assert ("spread" in shown) == (width == 120), "where there is room for it"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bins", "many"], "--bins: expected a whole number or exact, got 'many'"),
        (["--chunk", "60"], "expected a duration such as"),
        (["--time", "when"], "column 'when': named by --time"),
        (["--out", "."], "expected the name of a file to write, got that of a folder"),
        (["--out", "no/such/folder/p.json"], "cannot be written: No such file or directory; does its folder exist"),
    ],
)
def test_wrong_use_raises_the_error_that_main_reports(tmp_path: Path, arguments: list[str], message: str) -> None:
    path = write(tmp_path, "log.csv", "a\n1\n2\n")
    result = run("build", path, "--model", "m", "--version", "1", "--out", tmp_path / "p.json", *arguments)
    assert isinstance(result.exception, DriftlineError)
    assert message in str(result.exception)


def test_show_names_a_file_that_is_no_profile(tmp_path: Path) -> None:
    for content, message in ((b"{}", "expected a reference profile of schema"), (b"x", "must be JSON")):
        result = run("show", write(tmp_path, "p.json", content))
        assert isinstance(result.exception, DriftlineError)
        assert "p.json: " in str(result.exception)
        assert message in str(result.exception)
    assert "No such file" in str(run("show", tmp_path / "none.json").exception)


def test_segments_are_built_and_shown_with_their_shares(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "country,x\n" + "DE,1\n" * 6 + "FR,2\n" * 3 + ",3\n")
    out = tmp_path / "credit.json"
    built = run("build", path, "--model", "credit", "--version", 3, "--out", out, "--segments", "country")
    assert built.exit_code == 0, built.output
    assert "segments by country: DE 60%, FR 30%, other 0, missing 10%" in run("show", out).output


def test_names_stand_in_messages_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "log.csv", as_csv(half_hours(10)))
    options = ["--model", "m", "--version", "1", "--out", str(tmp_path / "p.json"), "--derive", "pca:x: [red]"]
    monkeypatch.setattr("sys.argv", ["driftline", "reference", "build", str(path), *options])
    with pytest.raises(SystemExit):
        main()
    assert "no column 'x: [red]'" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["driftline", "reference", "build", str(path), *options[:-1], "oov:x:"])
    with pytest.raises(SystemExit):
        main()
    assert "--derive oov:x::" in capsys.readouterr().err
