"""Alertmanager's configuration: who hears what, and what people read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.alert import Settings
from alerts.render import FOLDER
from alerts.rules import alerts
from tests.services.tools import run

FILE = FOLDER / "alertmanager.yml"
CONFIG = yaml.safe_load(FILE.read_text())
ALERTS = alerts(Settings())

pytestmark = pytest.mark.service

Data = dict[str, Any]


def firing(name: str = "DriftlineModelDrift", model: str = "credit", **labels: str) -> Data:
    links = {"runbook_url": f"http://runbooks/{name}.md", "dashboard_url": "http://grafana/d/driftline-model"}
    return {
        "status": "firing",
        "labels": {"alertname": name, "model": model, "severity": "critical", **labels},
        "annotations": {"summary": "A summary.", "description": f"{name} of {model}.", **links},
    }


def group(*alerts: Data) -> Data:
    common = alerts[0]["labels"].items()
    shared = dict(pair for pair in common if all(pair in alert["labels"].items() for alert in alerts))
    return {
        "receiver": "slack",
        "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
        "externalURL": "http://localhost:9093",
        "groupLabels": {"model": shared["model"]} if "model" in shared else {},
        "commonLabels": shared,
        "commonAnnotations": {},
        "alerts": alerts,
    }


def render(template: str, data: Data, folder: Path) -> str:
    file = folder / "data.json"
    file.write_text(json.dumps(data))
    done = run(
        "amtool",
        "template",
        "render",
        f"--template.glob={FOLDER / 'templates' / '*.tmpl'}",
        f'--template.text={{{{ template "driftline.{template}" . }}}}',
        f"--template.data={file}",
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_amtool_accepts_the_configuration() -> None:
    check = run("amtool", "check-config", str(FILE))
    assert check.returncode == 0, check.stdout
    assert " - 1 templates" in check.stdout


@pytest.mark.parametrize("alert", ALERTS, ids=[alert.title for alert in ALERTS])
def test_everything_goes_to_slack_and_pages_to_pagerduty_too(alert: Any) -> None:
    receivers = "pagerduty,slack" if alert.severity == "critical" else "slack"
    labels = [f"{key}={value}" for key, value in {"alertname": alert.name, "model": "credit", **alert.labels}.items()]
    test = run(
        "amtool", "config", "routes", "test", f"--config.file={FILE}", f"--verify.receivers={receivers}", *labels
    )
    assert test.returncode == 0, test.stdout


def test_the_test_of_routes_notices_a_wrong_receiver() -> None:
    arguments = ("config", "routes", "test", f"--config.file={FILE}", "--verify.receivers=slack", "severity=critical")
    assert run("amtool", *arguments).returncode == 1


def test_secrets_come_from_files_only() -> None:
    text = FILE.read_text()
    assert "hooks.slack.com" not in text
    files = re.findall(r"^\s*-?\s*(\w+_file):\s*(\S+)$", text, re.MULTILINE)
    assert files == [
        ("slack_api_url_file", "/run/secrets/slack_api_url"),
        ("routing_key_file", "/run/secrets/pagerduty_routing_key"),
    ]
    assert not re.search(r"\b(api_url|routing_key|service_key|password|slack_api_url)\b:", text)


def test_a_group_is_a_model_and_both_receivers_hear_of_the_end() -> None:
    assert CONFIG["route"]["group_by"] == ["model"]
    configs = [
        config for receiver in CONFIG["receivers"] for key in receiver if key != "name" for config in receiver[key]
    ]
    assert [config["send_resolved"] for config in configs] == [True, True]


def test_inhibitions_name_alerts_that_exist_and_never_themselves() -> None:
    names = {alert.name for alert in ALERTS}
    for rule in CONFIG["inhibit_rules"]:
        source = set(re.findall(r"Driftline\w+", " ".join(rule["source_matchers"])))
        target = set(re.findall(r"Driftline\w+", " ".join(rule["target_matchers"])))
        assert source | target <= names
        assert source.isdisjoint(target)
        if source != {"DriftlineWorkerStuck"}:  # every source that names a model is held to that model
            assert rule["equal"][0] == "model"


def test_the_title_says_how_many_of_which_model(tmp_path: Path) -> None:
    assert render("title", group(firing()), tmp_path) == "[FIRING:1] credit: DriftlineModelDrift"
    mixed = group(firing(), firing("DriftlineDataQuality", column="age"))
    assert render("title", mixed, tmp_path) == "[FIRING:2] credit: several alerts"
    assert (
        render("title", group({**firing(), "status": "resolved"}), tmp_path) == "[RESOLVED] credit: DriftlineModelDrift"
    )
    worker = firing("DriftlineWorkerStuck")
    del worker["labels"]["model"]
    assert render("title", group(worker), tmp_path) == "[FIRING:1] every model: DriftlineWorkerStuck"


def test_the_text_has_a_bullet_an_alert_up_to_ten_and_the_names_of_those_that_ended(tmp_path: Path) -> None:
    resolved = {**firing("DriftlineDataQuality", column="income"), "status": "resolved"}
    assert render("text", group(firing(), resolved), tmp_path) == (
        "• *DriftlineModelDrift* (critical): DriftlineModelDrift of credit.\nResolved: DriftlineDataQuality of income"
    )
    many = group(*(firing("DriftlineDataQuality", column=f"c{i}", severity="warning") for i in range(12)))
    text = render("text", many, tmp_path)
    assert text.count("•") == 10
    assert "… 12 alerts fire; the first 10 are above." in text


def test_a_name_cannot_become_markup(tmp_path: Path) -> None:
    text = render("text", group(firing(model="<!channel> & co")), tmp_path)
    assert "&lt;!channel&gt; &amp; co" in text
    assert "<" not in text
    name = "<!here> *bold* `code` a|b\n• *DriftlineModelDrift*"
    text = render("text", group(firing(model=name)), tmp_path)
    assert "&lt;!here&gt; ∗bold∗ ˋcodeˋ a|b • ∗DriftlineModelDrift∗" in text
    title = render("slack_title", group(firing(model=name)), tmp_path)
    assert title == "[FIRING:1] &lt;!here&gt; ∗bold∗ ˋcodeˋ a|b • ∗DriftlineModelDrift∗: DriftlineModelDrift"


def test_what_moved_is_one_line_that_slack_and_pagerduty_can_show(tmp_path: Path) -> None:
    told = "What moved: age 7.9× (31 % → 12 % of values 'R&D <b>'), with a`b 2.0×."
    alert = firing()
    alert["annotations"]["description"] = told
    text, plain = (render(template, group(alert), tmp_path) for template in ("text", "plain"))
    slack = "What moved: age 7.9× (31 % → 12 % of values 'R&amp;D &lt;b&gt;'), with aˋb 2.0×."
    assert text == f"• *DriftlineModelDrift* (critical): {slack}"
    assert plain == f"DriftlineModelDrift (firing): {told}"


def test_slack_gets_escaped_texts_only() -> None:
    (slack,) = [config for receiver in CONFIG["receivers"] for config in receiver.get("slack_configs", ())]
    escaped = {"slack_title", "text", "dashboard", "runbook", "silence", "colour"}
    assert set(re.findall(r'template "driftline.(\w+)"', json.dumps(slack).replace("\\", ""))) == escaped


def test_links_are_those_of_the_first_alert_that_fires(tmp_path: Path) -> None:
    mixed = group({**firing("DriftlineNoData"), "status": "resolved"}, firing())
    assert render("runbook", mixed, tmp_path) == "http://runbooks/DriftlineModelDrift.md"
    ended = group({**firing("DriftlineNoData"), "status": "resolved"})
    assert render("runbook", ended, tmp_path) == "http://runbooks/DriftlineNoData.md"
    assert render("dashboard", mixed, tmp_path) == "http://grafana/d/driftline-model"


def test_the_silence_button_fills_in_what_the_group_shares(tmp_path: Path) -> None:
    link = render("silence", group(firing(model="nsw price")), tmp_path)
    assert link == (
        "http://localhost:9093/#/silences/new?filter=%7Balertname%3D%22DriftlineModelDrift%22%2C"
        "model%3D%22nsw%20price%22%2Cseverity%3D%22critical%22%7D"
    )


@pytest.mark.parametrize(
    ("alerts", "colour"),
    [
        ([firing()], "danger"),
        ([firing(severity="warning")], "warning"),
        ([firing(), firing("DriftlineDataQuality", severity="warning")], "danger"),
        ([{**firing(), "status": "resolved"}], "good"),
    ],
)
def test_the_colour_is_that_of_the_worst(alerts: list[Data], colour: str, tmp_path: Path) -> None:
    assert render("colour", group(*alerts), tmp_path) == colour
