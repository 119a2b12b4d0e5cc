"""A worker at a broker with TLS, SCRAM and ACLs: it does all its work with what docs/security.md gives it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import Config
from monitor.permissions import needed
from tests.markdown import ROOT, blocks
from tests.services import small
from tests.services.certificates import Authority
from tests.services.deployment import Deployment, driftline
from tests.services.guarded import USER, Guarded, parse
from tests.services.receivers import LOCAL, Receiver
from tests.services.waiting import wait_for

PASSWORD = "canary-of-the-broker"


def documented(principal: str) -> list[str]:
    """The page's commands for a principal, each on one line."""
    text = "\n".join(block.text for block in blocks(ROOT / "docs" / "security.md", "sh"))
    commands = [line for line in text.replace("\\\n", " ").splitlines() if line.startswith("kafka-acls.sh")]
    return [command for command in commands if f"User:{principal} " in command]


@pytest.fixture(scope="module")
def guarded(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A broker whose only user may do what the page says, and nothing else; its topics have their usual names."""
    made = Guarded.start(tmp_path_factory.mktemp("guarded"), kafka_jars, password=PASSWORD)
    made.allow(documented(USER))
    yield made
    made.broker.stop()


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTLINE_KAFKA", PASSWORD)


def spelt(acl: Any) -> str:
    """An operation as the command spells it: DescribeConfigs for DESCRIBE_CONFIGS."""
    return str(acl.operation.name).title().replace("_", "")


def deployment(guarded: Guarded, folder: Path, *, triggers: tuple[dict[str, Any], ...] = ()) -> Deployment:
    """Topics under their usual names, made by an administrator; the workers come through the guarded door."""
    names = {key: f"driftline.{key.replace('_', '-')}" for key in ("summaries", "state", "windows", "triggers")}
    names["dead_letters"] = "driftline.dead-letters"
    made = small.settings(folder, triggers=triggers, idle="10m") | {"kafka": {"topics": names, "group": "driftline"}}
    deployed = Deployment(guarded.broker, folder, "driftline", made)
    deployed.source = guarded.broker.create_topic("predictions")
    deployed.settings["kafka"] |= guarded.settings() | {"predictions": [deployed.source]}
    deployed.write()
    return deployed


def test_the_page_allows_what_the_code_says_it_needs_and_nothing_else() -> None:
    acls = {
        (acl.resource_pattern.resource_type.name, acl.resource_pattern.resource_name, spelt(acl))
        for command in documented(USER)
        for acl in parse(command)
    }
    expected = {("TOPIC", name, op) for name, ops in needed(Config(())).items() for op in ops}
    assert acls == expected | {("GROUP", "driftline", "Read")}


@pytest.mark.timeout(240)
def test_a_worker_with_the_documented_permissions_does_all_its_work_and_says_which_one_it_lacks(
    guarded: Guarded, tmp_path: Path
) -> None:
    with Receiver() as receiver:
        deployed = deployment(guarded, tmp_path, triggers=({"url": receiver.url} | LOCAL,))
        worker = deployed.start_worker()
        start = small.past()
        for i in range(3):
            deployed.produce(small.window(start + 2_000 * i, drifted=i > 0))
        guarded.broker.send("predictions", [b"not json"] * 4)
        deployed.produce(small.window(start + 10_000))
        try:
            windows = deployed.wait_for_windows(3, 60)
            receiver.wait_for_requests(1)
            wait_for(lambda: len(guarded.broker.records("driftline.dead-letters")) == 4, 30, "the dead letters")
            assert len(guarded.broker.records("driftline.triggers")) == 1
        finally:
            assert worker.process.stop() == 0, worker.process.tail()
    assert {json.loads(line)["verdict"] for line in windows.values()} == {"ok", "drift"}
    assert any(record.key.startswith(b"trigger|") for record in guarded.broker.records("driftline.state"))
    assert any(not record.key.startswith(b"trigger|") for record in guarded.broker.records("driftline.state"))
    assert not re.search("WARN|ERROR", worker.process.log.read_text()), worker.process.tail()

    for command in documented(USER):
        guarded.withdraw([command])
        said = driftline("worker", "--config", deployed.config, code=3)
        guarded.allow([command])
        for acl in parse(command):
            kind, name = acl.resource_pattern.resource_type.name.lower(), acl.resource_pattern.resource_name
            assert f"{kind} {name}: {spelt(acl)} is not allowed" in said
        assert "Traceback" not in said


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
def test_every_mechanism_that_is_documented_works(guarded: Guarded, tmp_path: Path, mechanism: str) -> None:
    topic = guarded.broker.create_topic(f"log-{mechanism}")
    config = configuration(tmp_path, guarded.settings(mechanism=mechanism) | {"predictions": topic})

    said = driftline("replay", "--config", config, "--out", tmp_path / "windows.jsonl", code=2)

    assert "does not exist" in said  # it was let in, and may not see this topic


def configuration(folder: Path, kafka: dict[str, Any]) -> Path:
    path = folder / "guarded.yml"
    path.write_text(yaml.safe_dump(small.settings(folder) | {"kafka": kafka}))
    return path


def wrong_password(guarded: Guarded, folder: Path) -> dict[str, Any]:
    (folder / "password").write_text("another-canary")
    return guarded.settings(password_env=None, password_file=str(folder / "password"))


def wrong_user(guarded: Guarded, folder: Path) -> dict[str, Any]:
    return guarded.settings(username="nobody")


def unknown_authority(guarded: Guarded, folder: Path) -> dict[str, Any]:
    kafka = guarded.settings()
    kafka["security"]["tls"]["ca"] = str(Authority.create(folder / "another").ca)
    return kafka


def system_authorities(guarded: Guarded, folder: Path) -> dict[str, Any]:
    kafka = guarded.settings()
    kafka["security"]["tls"] = True
    return kafka


def wrong_name(guarded: Guarded, folder: Path) -> dict[str, Any]:
    return guarded.settings() | {"brokers": f"127.0.0.1:{guarded.port}"}


def no_tls_there(guarded: Guarded, folder: Path) -> dict[str, Any]:
    return guarded.settings() | {"brokers": guarded.broker.bootstrap.replace("127.0.0.1", "localhost")}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (wrong_user, "it refuses the user name or the password of kafka.security.sasl"),
        (unknown_authority, "its certificate is not accepted: unable to get local issuer certificate"),
        (system_authorities, "its certificate is not accepted: "),
        (wrong_name, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        (no_tls_there, "is its port the one for kafka.security?"),
    ],
)
def test_what_is_wrong_at_the_door_is_said_with_exit_code_3(
    guarded: Guarded, tmp_path: Path, wrong: Any, expected: str
) -> None:
    said = driftline("check", "--config", configuration(tmp_path, wrong(guarded, tmp_path)), code=3)

    assert expected in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "command",
    [("worker",), ("check",), ("topics", "create"), ("replay",), ("dead-letters", "show"), ("demo", "--produce")],
    ids=" ".join,
)
def test_a_wrong_password_is_told_by_every_command_and_shown_by_none(
    guarded: Guarded, tmp_path: Path, command: tuple[str, ...]
) -> None:
    config = configuration(tmp_path, wrong_password(guarded, tmp_path))

    said = driftline(*command, "--config", config, code=3)

    assert "it refuses the user name or the password of kafka.security.sasl" in said
    assert "Traceback" not in said
    assert "canary" not in said
