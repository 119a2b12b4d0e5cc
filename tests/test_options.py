"""An option that would be ignored in silence is refused with what to do, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.errors import DriftlineError
from tests.logfiles import write

ROWS = "country,x,note\n" + "DE,1,hello you\n" * 6 + "FR,2,you\n" * 3


def refused(*arguments: object) -> str:
    """The error that `main` reports, with exit code 2."""
    error = CliRunner().invoke(app, [str(argument) for argument in arguments]).exception
    assert isinstance(error, DriftlineError), error
    return str(error)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--against", "log.csv"], "--against: only --derive domain reads these files; add it, or leave them out"),
        (["--against", "log.csv", "--derive", "pca"], "--against: only --derive domain reads these files"),
        (["--segment-values", "20"], "--segment-values: has no effect without --segments; leave it out"),
        (["--chunk", "1h"], "--chunk: the events have no time to be cut by; name its column with --time"),
        (
            ["--derive", "text_length:note", "--numeric", "note"],
            "column 'note': named by --numeric, but --derive reads it as text; leave out one",
        ),
        (["--bins-of", "p.json", "--segment-values", "5"], "--segment-values: beside --bins-of the columns and bins"),
        (["--bins-of", "p.json", "--bins", "200"], "--bins: beside --bins-of the columns and bins are those of the"),
        (["--bins-of", "p.json", "--ignore", "x", "--derive", "pca"], "--ignore, --derive: beside --bins-of"),
    ],
)
def test_build_refuses_what_it_would_ignore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "log.csv", ROWS)
    said = refused("reference", "build", "log.csv", "--model", "m", "--version", "1", "--out", "new.json", *options)
    assert told in said
    assert not (tmp_path / "new.json").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--port", "9464"], "--port: has no effect without --serve; leave it out"),
        (["--brokers", "a:9092", "--speed", "5"], "--brokers, --speed: has no effect without --produce"),
        (["--config", "driftline.yml"], "--config: has no effect without --produce"),
        (["--produce", "--out", "market"], "--out: has no effect beside --produce"),
        (["--produce", "--serve"], "--serve: has no effect beside --produce"),
        (["--produce", "--config", "c.yml", "--brokers", "a:9092"], "--brokers: the brokers are those of --config"),
    ],
)
def test_the_demo_refuses_what_it_would_ignore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in refused("demo", *options)
    assert list(tmp_path.iterdir()) == []


def test_check_offline_refuses_a_deadline_for_kafka() -> None:
    told = "--deadline: nothing is asked of Kafka with --offline; leave it out"
    assert refused("check", "--config", "driftline.yml", "--offline", "--deadline", 5) == told
