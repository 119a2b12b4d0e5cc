"""The chain on real parts: a log in Kafka, two workers, Prometheus, Alertmanager, Slack and PagerDuty."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from monitor.demo import market
from monitor.demo.run import prepare, shift_to_now
from monitor.pipeline.results import Result, decode
from tests.services.alertmanager import Alertmanager
from tests.services.deployment import MONDAY, WEEK, Deployment, Worker, driftline
from tests.services.kafka import Broker
from tests.services.prometheus import Prometheus
from tests.services.receivers import LOCAL, Receiver, Request
from tests.services.waiting import wait_for

ROOT = Path(__file__).parents[2]
WEEKS_OF_RECOVERY = 5
SECRETS = ("T00/B00/slack-canary", "pagerduty-canary", "webhook-canary")


@pytest.fixture(scope="module")
def market_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's log, reference and configuration."""
    return prepare(tmp_path_factory.mktemp("market"), Console(quiet=True))


@pytest.fixture
def deploy(
    broker: Broker, market_folder: Path, tmp_path: Path, webhook: Receiver, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """The demo's model, deployed under topics of its own; every retraining call goes to `webhook`."""
    shutil.copytree(market_folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "webhook-secret").write_text(SECRETS[2])
    settings = yaml.safe_load((tmp_path / "driftline.yml").read_text())
    settings["triggers"] = [{"url": f"{webhook.url}/retrain", "secret_file": "webhook-secret"} | LOCAL]
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40] + f"-{tmp_path.name[-6:]}"
    deployment = Deployment(broker, tmp_path, name, settings)
    yield deployment
    deployment.stop()


def log() -> list[bytes]:
    """The market's log, and after it weeks like those that the model knows, so that it recovers. It ends about now."""
    played = market.load()
    shift = shift_to_now(played) - WEEKS_OF_RECOVERY * WEEK
    events = market.events(played, shift=shift)
    later = market.START + len(events) * market.HALF_HOUR + shift
    last_monday = later - (later - MONDAY) % WEEK
    known = events[336 - 48 : 336 - 48 + 336 * WEEKS_OF_RECOVERY]  # from the first Monday on
    clean = []
    for i, event in enumerate(known):
        fields = json.loads(event)
        fields["time"] = last_monday + i * market.HALF_HOUR
        clean.append(json.dumps(fields).encode())
    return events + clean


def replayed(deployment: Deployment, events: list[bytes]) -> dict[str, bytes]:
    """What `driftline replay` makes of the same events from a file, by id."""
    path, out = deployment.folder / "all.jsonl", deployment.folder / "replayed.jsonl"
    path.write_bytes(b"\n".join(events) + b"\n")
    driftline("replay", "--config", deployment.config, path, "--out", out)
    return {json.loads(line)["id"]: line for line in out.read_bytes().splitlines()}


def check_equality(deployment: Deployment, events: list[bytes], ledger: Counter[int]) -> None:
    """Every window of the workers is the replay's, byte for byte, and every confirmed event is in exactly one."""
    expected = replayed(deployment, events)
    last = max(json.loads(line)["start"] for line in expected.values())
    closed = {name: line for name, line in expected.items() if json.loads(line)["start"] != last}
    found = deployment.wait_for_windows(len(closed), 60)
    assert found == closed
    counted = Counter({json.loads(line)["start"]: json.loads(line)["events"] for line in found.values()})
    weeks = sorted(ledger)[:-1]
    assert [counted[when] for when in sorted(counted)] == [ledger[week] for week in weeks]
    assert sum(counted.values()) == sum(ledger[week] for week in weeks)


@pytest.mark.timeout(240)
def test_drift_in_a_log_reaches_slack_pagerduty_and_retraining_and_recovery_resolves_it(
    deploy: Deployment,
    webhook: Receiver,
    slack: Receiver,
    pagerduty: Receiver,
    start_prometheus: Callable[[Path], Prometheus],
    start_alertmanager: Callable[[Path], Alertmanager],
) -> None:
    workers = [deploy.start_worker(), deploy.start_worker()]
    alertmanager = start_alertmanager(alertmanager_config(deploy.folder, slack, pagerduty))
    prometheus = start_prometheus(prometheus_config(deploy.folder, [w.port for w in workers], alertmanager))
    events = log()
    drifting = len(events) - 336 * WEEKS_OF_RECOVERY
    ledger = deploy.produce(events[:drifting])

    drift = 'max(driftline_column_drift_ratio{column="transfer",model="nsw-price"}) > 1'
    wait_for(lambda: prometheus.query(drift), 60, "Prometheus to see the drift")
    page = heard(pagerduty, b'"trigger"', b"DriftlineModelDrift")
    message = heard(slack, b"FIRING", b"DriftlineModelDrift")
    texts = page.json["payload"]["custom_details"]["alerts"], message.json["attachments"][0]["text"]
    for said in texts:
        assert "nsw-price" in said
    for said in (page.body.decode(), message.body.decode()):
        assert "DriftlineModelDrift.md" in said  # the runbook

    deploy.produce(events[drifting:], ledger)
    check_equality(deploy, events, ledger)
    heard(pagerduty, b'"resolve"')
    heard(slack, b"RESOLVED")
    results = [decode(line) for line in deploy.windows().values()]
    assert all(any(explains(said, result) for result in results if result.groups) for said in texts), texts

    opened = [line for line in deploy.windows().values() if json.loads(line)["episode"]]
    episodes = {json.loads(line)["episode"] for line in opened}
    calls = webhook.wait_for_requests(len(episodes))
    assert Counter(call.json["episode"] for call in calls) == dict.fromkeys(episodes, 1)
    assert len({call.headers["idempotency-key"] for call in calls}) == len(episodes)
    records = deploy.broker.records(deploy.topic("triggers"))
    assert {record.value for record in records} == {call.body for call in calls}
    pages = "".join(w.page("/metrics") for w in workers)
    logs = "".join(w.process.log.read_text() for w in workers)
    bodies = "".join(r.body.decode() for r in (*slack.requests, *pagerduty.requests, *webhook.requests))
    for secret in (SECRETS[0], SECRETS[2]):
        assert secret not in pages + logs + bodies
    assert SECRETS[1] not in pages + logs


@pytest.mark.timeout(240)
def test_a_worker_killed_in_the_middle_and_restarted_changes_no_result(deploy: Deployment) -> None:
    victim, survivor = deploy.start_worker(), deploy.start_worker()
    wait_for(lambda: owned(victim) and owned(survivor), 60, "both workers to read partitions")
    events = log()
    half = len(events) // 2
    ledger = deploy.produce(events[:half])
    deploy.wait_for_windows(10, 60)
    victim.process.kill()
    deploy.produce(events[half : half + 5_000], ledger)
    deploy.start_worker(port=victim.port)
    deploy.produce(events[half + 5_000 :], ledger)
    check_equality(deploy, events, ledger)
    assert survivor.process.returncode is None


@pytest.mark.timeout(120)
def test_sigterm_drains_and_leaves_the_group_so_that_the_next_worker_counts_nothing_twice(deploy: Deployment) -> None:
    events = log()
    first = deploy.start_worker()
    ledger = deploy.produce(events[:20_000])
    deploy.wait_for_windows(50, 60)
    assert first.process.stop() == 0
    assert "everything that it confirmed is committed" in first.process.tail()
    deploy.workers.remove(first)
    deploy.start_worker()
    deploy.produce(events[20_000:], ledger)
    check_equality(deploy, events, ledger)


def explains(said: str, result: Result) -> bool:
    """Whether an alert says what a result does: the worst column, two parts of it that moved, what moved with it."""
    worst, *others = result.groups[0]
    parts = result.columns[worst].moved
    named = [f"{name} {result.columns[name].ratio:.1f}×" for name in (worst, *others)]
    begins = f"What moved: {named[0]} (" in said and sum(str(part) in said for part in parts) == 2
    return begins and (not others or f", with {', '.join(named[1:])}" in said)


def heard(receiver: Receiver, *words: bytes) -> Request:
    """The first request whose body holds all the words, once it has come."""

    def found() -> list[Request]:
        return [request for request in receiver.requests if all(word in request.body for word in words)]

    return wait_for(found, 60, f"a request with {words}")[0]


def owned(worker: Worker) -> float | None:
    """Source partitions that the worker reads."""
    found = re.search(r'driftline_partitions_owned\{topic="[^"]*predictions"\} (\d+)', worker.page("/metrics"))
    return float(found.group(1)) if found else None


def prometheus_config(folder: Path, ports: list[int], alertmanager: Alertmanager) -> Path:
    """Prometheus with the rules that we ship; only its intervals are shorter, and how long drift lasts."""
    rules = yaml.safe_load((ROOT / "alerts/driftline.rules.yml").read_text())
    for rule in rules["groups"][0]["rules"]:
        # The log ends weeks ago while it drifts: that its windows have stopped would inhibit what is tested here.
        if rule["alert"] != "DriftlineNoData":
            rule |= {key: "0s" for key in ("for", "keep_firing_for") if key in rule}
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.address]}]}]},
        "scrape_configs": [
            {"job_name": "driftline", "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
        ],
    }
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def alertmanager_config(folder: Path, slack: Receiver, pagerduty: Receiver) -> Path:
    """The Alertmanager configuration that we ship; receivers, secrets and waiting times are the test's."""
    (folder / "slack_url").write_text(f"{slack.url}/services/{SECRETS[0]}")
    (folder / "pagerduty_key").write_text(SECRETS[1])
    shutil.copytree(ROOT / "alerts/templates", folder / "templates")
    config = yaml.safe_load((ROOT / "alerts/alertmanager.yml").read_text())
    config["global"]["slack_api_url_file"] = str(folder / "slack_url")
    config["global"]["pagerduty_url"] = f"{pagerduty.url}/v2/enqueue"
    config["route"] |= {"group_wait": "1s", "group_interval": "2s"}
    for receiver in config["receivers"]:
        for target in receiver.get("pagerduty_configs", []):
            target["routing_key_file"] = str(folder / "pagerduty_key")
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    return path
