"""The alert rules: generated from one source, sound by promtool, tested by promtool, and about metrics that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from alerts.alert import Alert, Settings
from alerts.render import FOLDER, files
from alerts.rules import alerts
from monitor.metrics_names import METRIC_NAMES
from tests.alerts.promql import metric_names, queried
from tests.services.tools import run

ROOT = FOLDER.parent
RULES = FOLDER / "driftline.rules.yml"
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
ALERTS = alerts(Settings())
NAMES = sorted({alert.name for alert in ALERTS})
NOT_OURS = {"up", "process_start_time_seconds"}
OF = '{job="driftline", model=%[1]q, version=%[2]q, segment=%[3]q}'
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=[alert.title for alert in ALERTS])


def alerts_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alerts", *arguments], check=False, cwd=ROOT, text=True, capture_output=True, timeout=60
    )


def test_the_committed_files_are_those_of_the_source() -> None:
    check = alerts_command("--check")
    assert (check.returncode, check.stderr) == (0, "")


def test_a_file_that_was_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    assert alerts_command("--out", str(tmp_path)).returncode == 0
    assert alerts_command("--check", "--out", str(tmp_path)).returncode == 0
    rules = tmp_path / RULES.name
    rules.write_text(rules.read_text().replace("== 1", "== 0"))
    check = alerts_command("--check", "--out", str(tmp_path))
    assert check.returncode == 1
    assert check.stderr == "alerts/driftline.rules.yml differs from alerts/rules.py; run `python -m alerts`\n"


@pytest.mark.service
def test_promtool_accepts_the_rules() -> None:
    check = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    assert check.returncode == 0, check.stdout


@pytest.mark.service
@pytest.mark.parametrize("file", TESTS, ids=[file.stem for file in TESTS])
def test_every_alert_fires_when_it_should_and_does_not_when_it_should_not(file: Path) -> None:
    test = run("promtool", "test", "rules", str(file))
    assert test.returncode == 0, test.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_test_where_each_of_its_rules_fires_and_one_where_it_does_not(name: str) -> None:
    cases = [case for file in TESTS for test in yaml.safe_load(file.read_text())["tests"] for case in _cases(test)]
    mine = [case for case in cases if case["alertname"] == name]
    fired = {found["exp_labels"].get("reason") for case in mine for found in case["exp_alerts"]}
    assert fired == {alert.reason for alert in ALERTS if alert.name == name}
    assert any(not case["exp_alerts"] for case in mine)


def _cases(test: dict) -> list[dict]:
    return test.get("alert_rule_test", [])


@pytest.mark.service
@pytest.mark.parametrize(
    ("sound", "broken", "file"),
    [
        ("model_episode_active{job", "model_episode_activ{job", "model_drift"),
        (
            "last_over_time(driftline_model_episode_active",
            "max_over_time(driftline_model_episode_active",
            "model_drift",
        ),
        ('_active{job="driftline"}[1h]', '_active{job="driftline"}[1m]', "model_drift"),
        ("max by (model, version, segment) (\n", "max by (instance, model, version, segment) (\n", "model_drift"),
        ("and on (instance, model", "or on (instance, model", "model_drift"),
        (") == 2", ") >= 1", "prediction_drift"),
        ('role="prediction"', 'role=~".+"', "prediction_drift"),
        (">= 200", ">= 0", "data_quality"),
        ("- last_over_time", "- 0 * last_over_time", "data_quality"),
        ("increase(driftline_windows_total", "0 * increase(driftline_windows_total", "no_data"),
        ("offset 15m", "offset 14m", "worker_lagging"),
        ("and on () max(up", "or on () max(up", "worker_lagging"),
        ("or absent(", "and absent(", "worker_stuck"),
        ("[10m])) > 0\n    for: 15m", "[1h])) > 0\n    for: 15m", "worker_stuck"),
        ("keep_firing_for: 5m", "keep_firing_for: 1h", "model_drift"),
        ("and on (instance) (driftline_window_end", "or on (instance) (driftline_window_end", "model_drift"),
        (
            f"(driftline_column_cause_ratio{OF} and",
            f"(last_over_time(driftline_column_cause_ratio{OF}[1h]) and",
            "model_drift",
        ),
        (", column!=%[4]q", "", "model_drift"),
        ("topk(2, abs(", "topk(3, abs(", "model_drift"),
        (
            "{{ else }}{{ with query (printf `sort_desc(topk(5,",
            "{{ else }}{{ with query (printf `(topk(0,",
            "model_drift",
        ),
        ("or 0 * (max by (segment)", "or 0 > (max by (segment)", "model_drift"),
        ("segment=%[4]q, column=%[5]q", "segment=%[3]q, column=%[5]q", "model_drift"),
        (" == 2) - 5 > 0", " == 2) - 1 > 0", "model_drift"),
    ],
)
def test_the_tests_notice_a_broken_rule(sound: str, broken: str, file: str, tmp_path: Path) -> None:
    rules = RULES.read_text()
    assert sound in rules
    (tmp_path / "tests").mkdir()
    (tmp_path / RULES.name).write_text(rules.replace(sound, broken))
    copy = tmp_path / "tests" / f"{file}.yml"
    copy.write_text((FOLDER / "tests" / copy.name).read_text())
    assert run("promtool", "test", "rules", str(copy)).returncode == 1


@each_alert
def test_every_alert_has_severity_texts_links_and_a_runbook(alert: Alert) -> None:
    assert alert.severity in ("critical", "warning")
    assert alert.summary.endswith(".")
    assert "{{" not in alert.summary, "a summary is the same sentence every time"
    assert re.search(r"\{\{ \$labels\.\w+ \}\}|\{\{ \$value", alert.description)
    assert (ROOT / "docs" / "runbooks" / f"{alert.name}.md").is_file()
    assert alert.dashboard.partition("?")[0] in {"driftline-model", "driftline-column", "driftline-pipeline"}
    assert set(re.findall(r"var-(\w+)=", alert.dashboard)) <= {"model", "version", "segment", "column"}
    for value in re.findall(r"=(\{\{.*?\}\})", alert.dashboard):
        assert value.endswith("| urlquery }}")


@each_alert
def test_every_metric_in_a_rule_exists_in_code(alert: Alert) -> None:
    used = {name for expression in [alert.expr, *queried(alert.evidence)] for name in metric_names(expression)}
    assert used
    assert used <= METRIC_NAMES | NOT_OURS


@each_alert
def test_labels_of_a_rule_are_static(alert: Alert) -> None:
    assert all("{{" not in value for value in alert.labels.values())
    assert "instance" not in alert.expr.partition("(")[0] or alert.name.startswith("DriftlineWorker")


def test_rules_that_share_a_name_differ_in_their_reason() -> None:
    assert len({alert.title for alert in ALERTS}) == len(ALERTS)


def test_what_inhibits_drift_of_the_prediction_ends_after_it() -> None:
    by_name = {alert.name: alert for alert in ALERTS}
    assert by_name["DriftlinePredictionDrift"].keep_firing_for is None
    assert by_name["DriftlineModelDrift"].keep_firing_for == Settings().settle


def test_what_inhibits_a_page_ends_before_it_or_the_page_would_never_be_resolved() -> None:
    sources = [alert for alert in ALERTS if alert.name == "DriftlineNoData" or alert.reason == "down"]
    assert [alert.keep_firing_for for alert in sources] == [None] * 3


def test_other_links_and_another_job_go_into_every_rule() -> None:
    other = Settings(job="drift-eu", grafana="https://g.example", runbooks="https://r.example/x")
    (text,) = [text for path, text in files(other).items() if path.suffix == ".yml"]
    rules = yaml.safe_load(text)["groups"][0]["rules"]
    for rule in rules:
        assert 'job="drift-eu"' in rule["expr"]
        assert rule["annotations"]["runbook_url"] == f"https://r.example/x/{rule['alert']}.md"
        assert rule["annotations"]["dashboard_url"].startswith("https://g.example/d/driftline-")
    assert 'job="driftline"' not in text
