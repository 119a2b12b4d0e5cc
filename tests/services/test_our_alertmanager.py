"""Our Alertmanager configuration in a real Alertmanager: what Slack and PagerDuty receive, and what is held back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.render import FOLDER
from tests.services.alertmanager import Alertmanager
from tests.services.receivers import Receiver
from tests.services.waiting import wait_for

KEY = "0123456789abcdef0123456789abcdef"
Alert = dict[str, Any]
Start = Callable[..., Alertmanager]


def alert(name: str, model: str | None = "nsw-price", **labels: str) -> Alert:
    """An alert as Prometheus would send it."""
    of_model = {"model": model, "version": "1"} if model else {}
    return {
        "labels": {"alertname": name, "severity": "critical", **of_model, **labels},
        "annotations": {
            "summary": "A summary.",
            "description": f"{name} of {model}.",
            "runbook_url": f"http://localhost:9090/consoles/{name}.md",
            "dashboard_url": f"http://localhost:3000/d/driftline-model?var-model={model}",
        },
    }


@pytest.fixture
def ours(
    tmp_path: Path, start_alertmanager: Callable[[Path], Alertmanager], slack: Receiver, pagerduty: Receiver
) -> Alertmanager:
    """Alertmanager with our configuration: only its addresses, its secrets' files and its patience are others."""
    (tmp_path / "slack").write_text(f"{slack.url}/services/{KEY}")
    (tmp_path / "pagerduty").write_text(KEY)
    text = (FOLDER / "alertmanager.yml").read_text()
    for sound, other in {
        "/run/secrets/slack_api_url": str(tmp_path / "slack"),
        "/run/secrets/pagerduty_routing_key": str(tmp_path / "pagerduty"),
        "https://events.pagerduty.com": pagerduty.url,
        "templates/*.tmpl": str(FOLDER / "templates" / "*.tmpl"),
        "group_wait: 30s": "group_wait: 1s",
        "group_interval: 5m": "group_interval: 1s",
    }.items():
        assert sound in text
        text = text.replace(sound, other)
    config = tmp_path / "alertmanager.yml"
    config.write_text(text)
    return start_alertmanager(config)


def test_a_page_reaches_slack_and_pagerduty_with_its_links_and_without_a_secret(
    ours: Alertmanager, slack: Receiver, pagerduty: Receiver
) -> None:
    ours.post(alert("DriftlineModelDrift"))
    (message,) = slack.wait_for_requests(1)[0].json["attachments"]
    assert message["title"] == "[FIRING:1] nsw-price: DriftlineModelDrift"
    assert message["text"] == "• *DriftlineModelDrift* (critical): DriftlineModelDrift of nsw-price."
    assert message["color"] == "danger"
    assert {button["text"]: button["url"].partition("?")[0] for button in message["actions"]} == {
        "Dashboard": "http://localhost:3000/d/driftline-model",
        "Runbook": "http://localhost:9090/consoles/DriftlineModelDrift.md",
        "Silence": f"{_external(message)}/#/silences/new",
    }
    event = pagerduty.wait_for_requests(1)[0]
    assert event.path == "/v2/enqueue"
    assert (event.json["event_action"], event.json["routing_key"]) == ("trigger", KEY)
    payload = event.json["payload"]
    assert payload["summary"] == "[FIRING:1] nsw-price: DriftlineModelDrift"
    assert (payload["severity"], payload["component"]) == ("critical", "nsw-price")
    assert payload["custom_details"]["alerts"] == "DriftlineModelDrift (firing): DriftlineModelDrift of nsw-price."
    assert event.json["links"][0]["href"] == "http://localhost:9090/consoles/DriftlineModelDrift.md"
    assert KEY.encode() not in slack.requests[0].body
    assert event.body.count(KEY.encode()) == 1


def _external(message: dict[str, Any]) -> str:
    (silence,) = [button["url"] for button in message["actions"] if button["text"] == "Silence"]
    return str(silence).partition("/#")[0]


def test_a_warning_is_for_slack_alone(ours: Alertmanager, slack: Receiver, pagerduty: Receiver) -> None:
    ours.post(alert("DriftlineDataQuality", severity="warning", reason="missing", column="age"))
    (message,) = slack.wait_for_requests(1)[0].json["attachments"]
    assert message["color"] == "warning"
    assert pagerduty.requests == []


def test_recovery_is_told_to_both_under_the_same_incident(
    ours: Alertmanager, slack: Receiver, pagerduty: Receiver
) -> None:
    drift = alert("DriftlineModelDrift")
    ours.post(drift)
    pagerduty.wait_for_requests(1)
    slack.wait_for_requests(1)
    ours.post({**drift, "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-01T00:00:01Z"})
    first, last = (request.json for request in pagerduty.wait_for_requests(2)[:2])
    assert last["event_action"] == "resolve"
    assert first["dedup_key"] == last["dedup_key"]
    (message,) = slack.wait_for_requests(2)[1].json["attachments"]
    assert (message["title"], message["color"]) == ("[RESOLVED] nsw-price: DriftlineModelDrift", "good")
    assert message["text"] == "Resolved: DriftlineModelDrift"


def test_an_episode_is_one_page_although_the_prediction_drifts_too(ours: Alertmanager, slack: Receiver) -> None:
    ours.post(alert("DriftlineModelDrift"), alert("DriftlinePredictionDrift", column="prediction"))
    (message,) = slack.wait_for_requests(1)[0].json["attachments"]
    assert message["title"] == "[FIRING:1] nsw-price: DriftlineModelDrift"
    assert _inhibited(ours) == {("DriftlinePredictionDrift", "nsw-price", "1")}


def test_without_data_the_drift_of_that_version_alone_is_held_back(ours: Alertmanager) -> None:
    ours.post(
        alert("DriftlineNoData", severity="warning", reason="stopped"),
        alert("DriftlineModelDrift"),
        alert("DriftlineModelDrift", version="2"),
        alert("DriftlineModelDrift", model="credit"),
    )
    assert wait_for(lambda: _inhibited(ours), 20, "an inhibition") == {("DriftlineModelDrift", "nsw-price", "1")}


@pytest.mark.parametrize(
    ("reason", "held"),
    [
        ("down", {"DriftlineModelDrift", "DriftlineNoData", "DriftlineWorkerLagging"}),
        ("hole", {"DriftlineNoData", "DriftlineWorkerLagging"}),
    ],
)
def test_a_stuck_worker_holds_its_effects_back_and_drift_only_if_it_is_the_last(
    reason: str, held: set[str], ours: Alertmanager
) -> None:
    ours.post(
        alert("DriftlineWorkerStuck", model=None, reason=reason),
        alert("DriftlineModelDrift"),
        alert("DriftlineDataQuality", severity="warning", reason="missing", column="age"),
        alert("DriftlineNoData", model="credit", severity="warning", reason="stopped"),
        alert("DriftlineWorkerLagging", model=None, severity="warning", reason="lag"),
    )
    assert {name for name, _, _ in wait_for(lambda: _inhibited(ours), 20, "an inhibition")} == held


def _inhibited(server: Alertmanager) -> set[tuple[str, str | None, str | None]]:
    """Name, model and version of the alerts that another one holds back, once all are processed."""
    found = server.alerts()
    if any(one["status"]["state"] == "unprocessed" for one in found):
        return set()
    held = [one["labels"] for one in found if one["status"]["inhibitedBy"]]
    return {(labels["alertname"], labels.get("model"), labels.get("version")) for labels in held}
