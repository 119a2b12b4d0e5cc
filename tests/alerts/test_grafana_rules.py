"""Grafana's copy of the rules: the same expressions, in the form that its file provisioning reads."""

import re

import yaml
from grafana_foundation_sdk.models.alerting import Rule

from alerts.alert import Settings
from alerts.render import FOLDER, files
from alerts.rules import alerts

ALERTS = {alert.title: alert for alert in alerts(Settings())}
DOCUMENT = yaml.safe_load((FOLDER / "grafana" / "driftline.yaml").read_text())
(GROUP,) = DOCUMENT["groups"]


def test_every_rule_has_the_expression_of_its_source() -> None:
    assert {rule["title"]: rule["data"][0]["model"]["expr"].strip() for rule in GROUP["rules"]} == {
        title: alert.expr for title, alert in ALERTS.items()
    }


def test_every_rule_loads_with_grafanas_own_types() -> None:
    for rule in GROUP["rules"]:
        loaded = Rule.from_json(rule)
        assert loaded.condition in {query.ref_id for query in loaded.data or []}
        assert loaded.is_paused is True


def test_uids_and_titles_are_unique_and_short_enough() -> None:
    uids = [rule["uid"] for rule in GROUP["rules"]]
    assert len(set(uids)) == len({rule["title"] for rule in GROUP["rules"]}) == len(ALERTS)
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", uid) for uid in uids)


def test_annotations_use_only_what_grafanas_templates_have() -> None:
    for rule in GROUP["rules"]:
        for text in rule["annotations"].values():
            assert "query (" not in text
            assert "$value " not in text
            assert "${" not in text, "provisioning would take it for an environment variable"


def test_no_data_is_fine_because_a_silent_rule_answers_with_nothing() -> None:
    assert {rule["noDataState"] for rule in GROUP["rules"]} == {"OK"}


def test_the_rules_can_be_written_awake() -> None:
    (text,) = [text for path, text in files(Settings(), paused=False).items() if path.suffix == ".yaml"]
    assert not any(rule["isPaused"] for rule in yaml.safe_load(text)["groups"][0]["rules"])
