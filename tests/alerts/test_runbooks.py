"""The runbooks: one per alert, all of one shape, and about commands and metrics that exist."""

import re
from pathlib import Path

import pytest

from alerts.alert import Settings
from alerts.render import FOLDER
from alerts.rules import alerts
from monitor.cli import app
from monitor.metrics_names import METRIC_NAMES
from tests.alerts.promql import metric_names
from tests.commands import leads_to_a_command

BOOKS = sorted((FOLDER.parent / "docs" / "runbooks").glob("*.md"))
NAMES = {alert.name: alert.severity for alert in alerts(Settings())}
PROCESS = {"up", "process_start_time_seconds", "process_cpu_seconds_total"}
each_book = pytest.mark.parametrize("book", BOOKS, ids=[book.stem for book in BOOKS])


def blocks(book: Path, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", book.read_text(), re.DOTALL | re.MULTILINE)
    return [line.strip() for _, block in found for line in block.splitlines() if line.strip()]


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {book.stem for book in BOOKS} == set(NAMES)


@each_book
def test_a_runbook_says_what_somebody_woken_at_night_asks(book: Path) -> None:
    text = book.read_text()
    assert text.startswith(f"# {book.stem} ({'page' if NAMES[book.stem] == 'critical' else 'warning'})\n")
    wanted = ["**What it means.**", "**How bad.**", "## First five minutes", "## Likely causes, in order"]
    wanted += ["## Silence", "## Escalate", "## Over when"]
    places = [text.find(heading) for heading in wanted]
    assert -1 not in places
    assert places == sorted(places)
    assert len(text.splitlines()) < 100


@each_book
def test_a_runbook_names_every_reason_of_its_alert(book: Path) -> None:
    reasons = {alert.reason for alert in alerts(Settings()) if alert.name == book.stem and alert.reason}
    assert reasons <= set(re.findall(r"`(\w+)`", book.read_text()))


@each_book
def test_queries_of_a_runbook_parse_and_ask_for_metrics_that_exist(book: Path) -> None:
    queries = blocks(book, "promql")
    assert queries or book.stem == "DriftlineWorkerStuck"
    used = {name for query in queries for name in metric_names(query)}
    spoken = set(re.findall(r"\bdriftline_[a-z0-9_]+", book.read_text()))
    assert used | spoken <= METRIC_NAMES | PROCESS


@each_book
def test_commands_of_a_runbook_exist(book: Path) -> None:
    commands = [line.split() for line in blocks(book, "sh")]
    commands += [found.split() for found in re.findall(r"`(driftline [^`]+)`", book.read_text())]
    assert {command[0] for command in commands} <= {"driftline", "amtool", "kafka-consumer-groups.sh", "curl"}
    for command in commands:
        if command[0] == "driftline":
            assert leads_to_a_command(app, command[1:]), " ".join(command)


@each_book
def test_silences_of_a_runbook_are_for_its_alert(book: Path) -> None:
    silences = [line for line in blocks(book, "sh") if line.startswith("amtool silence add")]
    assert silences
    assert all(f"alertname={book.stem}" in line for line in silences)


@each_book
def test_prometheus_can_serve_a_runbook_as_a_console_template(book: Path) -> None:
    assert "{{" not in book.read_text()
