"""docker-compose.yml: valid by the specification, pinned, on loopback, guarded, and about files that exist."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from monitor import settings
from monitor.cli import app
from monitor.demo import market
from monitor.demo.run import prepare
from monitor.drift.profiles import decode
from tests.commands import leads_to_a_command

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ["topics", "worker", "producer"]
CONFIG = ROOT / "deploy" / "driftline.yml"
each_service = pytest.mark.parametrize("name", SERVICES)


def by_the_specification(file: Path) -> subprocess.CompletedProcess[str]:
    """The verdict of the Compose specification's JSON schema, as published."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, check=False, text=True, capture_output=True, timeout=60)


def mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Source, target and mode of every bind mount."""
    found = [entry.split(":") for entry in service.get("volumes", [])]
    return [(source, target, *(mode or [""])) for source, target, *mode in found if source.startswith(".")]


def test_the_file_is_valid_by_the_compose_specification() -> None:
    check = by_the_specification(FILE)
    assert check.returncode == 0, check.stdout


@pytest.mark.parametrize(
    ("sound", "broken"),
    [("read_only: true", "read_only: [true]"), ("healthcheck:", "health_check:"), ("service_healthy", "healthy")],
)
def test_the_specification_refuses_a_broken_file(sound: str, broken: str, tmp_path: Path) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text(FILE.read_text().replace(sound, broken))
    assert by_the_specification(file).returncode == 1


@each_service
def test_every_image_is_pinned_by_its_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


def test_our_image_has_the_version_of_the_package() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert {SERVICES[name]["image"] for name in OURS} == {f"driftline:{version[1]}"}


@each_service
def test_every_port_is_on_loopback_only(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert "network_mode" not in SERVICES[name]


@each_service
def test_no_container_keeps_or_gains_privileges_and_all_are_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert service["pids_limit"] <= 512


@pytest.mark.parametrize("name", OURS)
def test_ours_are_not_root_and_cannot_write_but_to_tmp(name: str) -> None:
    service = SERVICES[name]
    assert int(service["user"].partition(":")[0]) > 0
    assert service["read_only"] is True
    assert [entry.partition(":")[0] for entry in service["tmpfs"]] == ["/tmp"]
    assert all(mode == "ro" for _, _, mode in mounts(service))


@each_service
def test_every_mounted_path_exists_and_cannot_be_written(name: str) -> None:
    for source, _, mode in mounts(SERVICES[name]):
        assert (ROOT / source).exists(), source
        assert mode == "ro", source


@each_service
def test_every_volume_and_secret_is_declared(name: str) -> None:
    named = {entry.partition(":")[0] for entry in SERVICES[name].get("volumes", []) if not entry.startswith(".")}
    assert named <= set(COMPOSE["volumes"])
    assert set(SERVICES[name].get("secrets", [])) <= set(COMPOSE["secrets"])


@each_service
def test_what_runs_on_has_a_health_check_and_what_is_waited_for_can_be(name: str) -> None:
    service = SERVICES[name]
    if service["restart"] == "unless-stopped":
        assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    for other, wish in service.get("depends_on", {}).items():
        ends = SERVICES[other]["restart"] == "no"
        assert wish["condition"] == ("service_completed_successfully" if ends else "service_healthy")


def test_secrets_are_files_and_the_examples_are_no_secrets() -> None:
    for name, secret in COMPOSE["secrets"].items():
        assert list(secret) == ["file"]
        variable, example = re.fullmatch(r"\$\{(\w+):-(.+)\}", secret["file"]).groups()  # type: ignore[union-attr]  # no match fails the test
        assert variable == f"{name.upper()}_FILE"
        assert "replace-with" in (ROOT / example).read_text()
    values = [str(value) for service in SERVICES.values() for value in service.get("environment", {}).values()]
    assert not any(re.search(r"password|secret|key", value, re.IGNORECASE) and "/run/" not in value for value in values)


def test_two_workers_read_the_configuration_and_the_profiles_that_are_mounted() -> None:
    worker = SERVICES["worker"]
    assert worker["deploy"] == {"replicas": 2}
    assert ("./deploy/driftline.yml", "/etc/driftline/driftline.yml", "ro") in mounts(worker)
    assert worker["command"] == ["worker", "--config", "/etc/driftline/driftline.yml"]
    config = settings.load(CONFIG)
    assert (config.kafka.brokers, config.kafka.predictions) == (("kafka:9092",), ("predictions",))
    assert f"127.0.0.1:{config.server.port}/healthz" in worker["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", OURS)
def test_commands_of_ours_exist(name: str) -> None:
    assert leads_to_a_command(app, SERVICES[name]["command"])


def test_the_log_topic_has_as_many_partitions_as_the_configuration_says_of_ours() -> None:
    command = SERVICES["log-topic"]["command"]
    assert command[command.index("--partitions") + 1] == str(settings.load(CONFIG).kafka.partitions)


def test_the_producer_plays_the_model_that_the_workers_watch_as_the_demo_does(tmp_path: Path) -> None:
    (model,) = settings.load(CONFIG).models
    assert (model.name, list(model.versions)) == (market.MODEL, [market.VERSION])
    folder = prepare(tmp_path, Console(quiet=True))
    (demo,) = settings.load(folder / "driftline.yml").models
    for rules in ("windows", "columns", "min_events"):
        assert getattr(model, rules) == getattr(demo, rules), f"copy the demo's {rules} to {CONFIG}"
    committed = decode((ROOT / "deploy" / "profiles" / "nsw-price-1.json").read_bytes())
    demos = decode((folder / "reference-1.json").read_bytes())
    assert committed.fingerprint == demos.fingerprint, "copy the demo's reference there"


def test_kafka_has_a_name_for_containers_and_one_for_this_machine() -> None:
    environment = SERVICES["kafka"]["environment"]
    listeners = dict(entry.split("://") for entry in environment["KAFKA_LISTENERS"].split(","))
    advertised = dict(entry.split("://") for entry in environment["KAFKA_ADVERTISED_LISTENERS"].split(","))
    protocols = dict(entry.split(":") for entry in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert advertised == {"INSIDE": "kafka:9092", "HOST": "localhost:29092"}
    assert set(listeners) == set(protocols) == {*advertised, environment["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"1@{listeners['CONTROLLER']}"
    assert SERVICES["kafka"]["ports"] == ["127.0.0.1:29092:29092"]
