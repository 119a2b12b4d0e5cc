"""What Prometheus and Grafana of docker-compose.yml read: the very files, where they are mounted."""

import html
import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.alert import Settings
from alerts.rules import alerts
from tests.deploy.test_compose import ROOT, SERVICES, mounts
from tests.services.prometheus import Prometheus
from tests.services.tools import require_tool, run

PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
DASHBOARDS = sorted((ROOT / "dashboards" / "generated").glob("*.json"))


@pytest.fixture
def etc_prometheus(tmp_path: Path) -> Path:
    """A folder with what the container has under /etc/prometheus."""
    for source, target, _ in mounts(SERVICES["prometheus"]):
        copy = tmp_path / Path(target).relative_to("/etc")
        copy.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, copy)
    return tmp_path / "prometheus"


@pytest.fixture
def prometheus(etc_prometheus: Path, tmp_path: Path) -> Iterator[Prometheus]:
    """Prometheus as the container runs it: its files and its flags, but for where it listens and keeps its data."""
    require_tool("prometheus")
    own = ("--config.file", "--storage.tsdb.path")
    flags = [flag for flag in SERVICES["prometheus"]["command"] if not flag.startswith(own)]
    flags = [flag.replace("/etc/prometheus", str(etc_prometheus)) for flag in flags]
    server = Prometheus.start(tmp_path / "server", etc_prometheus / "prometheus.yml", flags=tuple(flags))
    yield server
    server.stop()


@pytest.mark.service
def test_promtool_accepts_prometheus_configuration_with_its_rules(etc_prometheus: Path) -> None:
    check = run("promtool", "check", "config", "--lint=all", "--lint-fatal", str(etc_prometheus / "prometheus.yml"))
    assert check.returncode == 0, check.stdout
    assert f"SUCCESS: {len(alerts(Settings()))} rules found" in check.stdout


@pytest.mark.service
def test_prometheus_evaluates_every_rule_and_serves_the_runbook_of_each(prometheus: Prometheus) -> None:
    (group,) = prometheus.get("rules")["groups"]
    assert [rule["name"] for rule in group["rules"]] == [alert.name for alert in alerts(Settings())]
    for rule in group["rules"]:
        url = rule["annotations"]["runbook_url"].replace("http://localhost:9090", prometheus.url)
        with urllib.request.urlopen(url, timeout=10) as page:
            assert page.headers.get_content_type() == "text/plain"
            served = html.unescape(page.read().decode())  # Prometheus writes < and > as HTML has them
            assert served == (ROOT / "docs" / "runbooks" / f"{rule['name']}.md").read_text()


def test_prometheus_asks_the_workers_under_the_job_that_the_rules_name() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
    (scrape,) = config["scrape_configs"]
    assert scrape["job_name"] == Settings().job
    (discovery,) = scrape["dns_sd_configs"]
    assert set(discovery["names"]) <= set(SERVICES)
    assert discovery["port"] == yaml.safe_load((ROOT / "deploy" / "driftline.yml").read_text())["server"]["port"]
    (target,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert target.partition(":")[0] in SERVICES


@pytest.mark.service
def test_alertmanager_finds_its_templates_and_its_secrets_where_they_are_mounted(tmp_path: Path) -> None:
    for source, target, _ in mounts(SERVICES["alertmanager"]):
        copy = tmp_path / Path(target).name
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, copy)
    check = run("amtool", "check-config", str(tmp_path / "alertmanager.yml"))
    assert check.returncode == 0, check.stdout
    assert "1 templates" in check.stdout
    for secret in SERVICES["alertmanager"]["secrets"]:
        assert f"/run/secrets/{secret}\n" in (tmp_path / "alertmanager.yml").read_text()


def datasources() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((PROVISIONING / "datasources" / "driftline.yaml").read_text())
    return {source["uid"]: source for source in document["datasources"]}


def test_grafana_knows_prometheus_and_alertmanager_by_the_uids_that_are_used() -> None:
    assert {uid: source["type"] for uid, source in datasources().items()} == {
        "prometheus": "prometheus",
        "alertmanager": "alertmanager",
    }
    for uid, source in datasources().items():
        port = SERVICES[uid]["ports"][0].rpartition(":")[2]
        assert source["url"] == f"http://{uid}:{port}"


@pytest.mark.parametrize("file", DASHBOARDS, ids=[file.stem for file in DASHBOARDS])
def test_every_dashboard_uses_a_datasource_that_is_provisioned(file: Path) -> None:
    used = {
        uid for uid in _datasource_uids(json.loads(file.read_text())) if not uid.startswith(("$", "-- ", "grafana"))
    }
    assert used <= set(datasources())


def _datasource_uids(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        source = node.get("datasource")
        if isinstance(source, dict) and "uid" in source:
            yield str(source["uid"])
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _datasource_uids(child)


def test_grafana_reads_dashboards_and_alerts_where_they_are_mounted() -> None:
    targets = {target: ROOT / source for source, target, _ in mounts(SERVICES["grafana"])}
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "driftline.yaml").read_text())["providers"]
    assert targets[provider["options"]["path"]] == ROOT / "dashboards" / "generated"
    assert provider["allowUiUpdates"] is False
    assert targets["/etc/grafana/provisioning/alerting"] == ROOT / "alerts" / "grafana"
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (targets[str(home.parent)] / home.name).is_file()


def test_links_of_alerts_lead_to_dashboards_that_exist() -> None:
    uids = {json.loads(file.read_text())["uid"] for file in DASHBOARDS}
    assert {alert.dashboard.partition("?")[0] for alert in alerts(Settings())} <= uids


def test_the_ports_on_this_machine_are_those_of_the_links() -> None:
    assert SERVICES["grafana"]["ports"] == [f"127.0.0.1:{Settings().grafana.rpartition(':')[2]}:3000"]
    base = Settings().runbooks.removesuffix("/consoles")
    assert f"--web.external-url={base}" in SERVICES["prometheus"]["command"]
