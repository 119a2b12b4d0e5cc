"""Secrets that can be recognised are planted in every place that takes one, and looked for everywhere else."""

import base64
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from kafka import KafkaConsumer, KafkaProducer

from tests.markdown import ROOT
from tests.services import small
from tests.services.deployment import Deployment
from tests.services.guarded import Guarded
from tests.services.ports import free_ports
from tests.services.process import Process
from tests.services.receivers import LOCAL, Receiver, Response
from tests.services.waiting import wait_for

SECRETS = {name: f"canary-{name}-q7Zx" for name in ("password", "secret", "path", "query", "token")}
ACLS = """\
kafka-acls.sh --allow-principal User:driftline --operation All --topic * --group *
"""
# A worker in which every library tells all it can, and which dumps its stacks when it crashes.
LOUD = """\
import logging, os, sys
logging.basicConfig(level=logging.DEBUG)
logging.Logger.setLevel = lambda self, level: None
if leak := os.environ.get("LEAK"):
    logging.getLogger("leak").debug("%s", os.environ[leak])
from monitor.cli import main
main()
"""


@dataclass
class Scene:
    """A deployment full of secrets, what its processes wrote, and what else was seen of it."""

    deployed: Deployment
    env: Mapping[str, str]
    canaries: Mapping[str, str]
    seen: dict[str, bytes] = field(default_factory=dict)

    def start(self, name: str, *, command: Iterable[str] = ("-c", LOUD), **env: str) -> tuple[Process, int]:
        """A worker with a log of its own; returns once it answers, with its port."""
        (port,) = free_ports(1)
        config = self.deployed.folder / f"{name}.yml"
        config.write_text(yaml.safe_dump(self.deployed.settings | {"server": {"port": port, "token_env": "TOKEN"}}))
        process = Process(
            name,
            [sys.executable, "-X", "faulthandler", *command, "worker", "--config", str(config)],
            self.deployed.folder / f"{name}.log",
            env={**self.env, **env},
        )
        process.wait_until(lambda: page(port, "/healthz"), 30, "the worker's web server")
        return process, port

    def note_log(self, process: Process) -> str:
        self.seen[f"log of {process.name}"] = process.log.read_bytes()
        return process.log.read_text(errors="replace")

    def run(self, *arguments: str) -> None:
        """A command to its end, loudly."""
        command = [sys.executable, "-c", LOUD, *arguments, "--config", str(self.deployed.config)]
        done = subprocess.run(
            command, capture_output=True, env=self.env, cwd=self.deployed.folder, check=False, timeout=60
        )
        self.seen[f"output of {' '.join(arguments)}"] = done.stdout + done.stderr


def page(port: int, path: str, *, token: str = "") -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        return error.read()


def leaks(seen: Mapping[str, bytes], canaries: Mapping[str, str]) -> list[str]:
    """Which canary is in which place: as it is, quoted as in a URL, in hexadecimal, or in base64 at any position."""
    return [
        f"{name} in {place}"
        for place, content in seen.items()
        for name, canary in canaries.items()
        if any(form in content for form in forms(canary.encode()))
    ]


def forms(canary: bytes) -> set[bytes]:
    shifted = [base64.b64encode(b"x" * skip + canary)[4 if skip else 0 : -4] for skip in range(3)]
    return {canary, urllib.parse.quote(canary).encode(), canary.hex().encode(), *shifted}


def topics(bootstrap: str, deployed: Deployment) -> Iterator[tuple[str, bytes]]:
    """Every record of every topic, with its key and headers."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    names = consumer.topics()
    consumer.close()
    for name in sorted(names):
        for record in deployed.broker.records(name):
            headers = b"\n".join(key.encode() + b" " + (value or b"") for key, value in record.headers)
            place = f"record {record.partition}/{record.offset} of {name}"
            yield place, b"\n".join([record.key or b"", record.value or b"", headers])


@pytest.fixture
def scene(kafka_jars: Path, tmp_path: Path) -> Iterator[Scene]:
    """A guarded broker, a client certificate, two signed webhooks with tokens in their URLs, a token for metrics."""
    guarded = Guarded.start(tmp_path / "guarded", kafka_jars, password=SECRETS["password"])
    guarded.allow([ACLS])
    issued = guarded.authority.issue("driftline")
    (tmp_path / "webhook-secret").write_text(SECRETS["secret"])
    with Receiver() as taking, Receiver(Response(403)) as refusing:
        place = f"/{SECRETS['path']}?token={SECRETS['query']}"
        triggers = tuple({"url": r.url + place, "secret_file": "webhook-secret"} | LOCAL for r in (taking, refusing))
        deployed = Deployment(
            guarded.broker, tmp_path, "secret", small.settings(tmp_path, triggers=triggers, idle="10m")
        )
        deployed.settings["kafka"] |= guarded.settings()
        tls: dict[str, Any] = deployed.settings["kafka"]["security"]["tls"]
        tls |= {"certificate": str(issued.certificate), "key": str(issued.key)}
        deployed.write()
        key = {f"key line {i}": line for i, line in enumerate(issued.key.read_text().splitlines()[1:-2])}
        env = {**os.environ, "DRIFTLINE_KAFKA": SECRETS["password"], "TOKEN": SECRETS["token"]}
        yield Scene(deployed, env, {**SECRETS, **key})
        for receiver in (taking, refusing):  # all of them were really used
            (request,) = receiver.requests
            assert request.path == place
            assert "driftline-signature" in request.headers
    guarded.broker.stop()


@pytest.mark.timeout(240)
def test_no_secret_is_in_any_log_page_topic_traceback_or_generated_file(scene: Scene) -> None:
    deployed = scene.deployed
    worker, port = scene.start("worker")
    start = small.past()
    for i in range(4):
        deployed.produce(small.window(start + 2_000 * i, drifted=i > 1))
    deployed.broker.send(deployed.source, [b"not json", b"{}", None])
    deployed.produce(small.window(start + 20_000))
    wait_for(lambda: b'outcome="failed"} 1' in page(port, "/metrics", token=SECRETS["token"]), 60, "the refused call")
    wait_for(lambda: b'outcome="sent"} 1' in page(port, "/metrics", token=SECRETS["token"]), 60, "the call")
    wait_for(lambda: len(deployed.broker.records(deployed.topic("dead_letters"))) == 2, 30, "dead letters")
    for path in ("/metrics", "/healthz", "/readyz", "/nothing"):
        scene.seen[path] = page(port, path, token=SECRETS["token"])
        scene.seen[f"{path} for a stranger"] = page(port, path)

    worker.signal(signal.SIGABRT)
    wait_for(lambda: worker.returncode is not None, 30, "the crash")
    assert "Fatal Python error: Aborted" in scene.note_log(worker)

    producer = KafkaProducer(bootstrap_servers=deployed.broker.bootstrap)
    for partition in range(4):
        producer.send(deployed.topic("state"), b"no key of ours", b"\xff", partition=partition)
    producer.close()
    worker, port = scene.start("unlucky")
    wait_for(lambda: worker.returncode is not None, 60, "the worker to give up")
    assert "Traceback" in scene.note_log(worker)

    for arguments in (("check",), ("topics", "check"), ("dead-letters", "show"), ("replay",)):
        scene.run(*arguments)
    scene.seen["windows.jsonl"] = (deployed.folder / "windows.jsonl").read_bytes()
    scene.seen |= dict(topics(deployed.broker.bootstrap, deployed))
    for folder in ("dashboards/generated", "alerts"):
        scene.seen |= {str(path): path.read_bytes() for path in (ROOT / folder).rglob("*") if path.is_file()}

    assert len(scene.seen) > 50
    assert b"DEBUG" in scene.seen["log of worker"]
    assert leaks(scene.seen, scene.canaries) == []
    assert found_where_planted(scene)
    leaking, _ = scene.start("leaking", LEAK="DRIFTLINE_KAFKA")
    leaking.stop()
    scene.note_log(leaking)
    assert leaks(scene.seen, scene.canaries) == ["password in log of leaking"]


def found_where_planted(scene: Scene) -> bool:
    """Whether the search finds every canary in every place and form: one that finds nothing proves nothing."""
    for name, canary in scene.canaries.items():
        planted = {place: content[-1_000:] + canary.encode() for place, content in scene.seen.items()}
        assert leaks(planted, {name: canary}) == [f"{name} in {place}" for place in scene.seen]
        for form in (urllib.parse.quote(canary), canary.encode().hex()):
            assert leaks({"somewhere": b"<" + form.encode() + b">"}, {name: canary})
        for before in (b"", b"a", b"ab", b"abc"):
            encoded = base64.b64encode(before + canary.encode() + b"after")
            assert leaks({"somewhere": encoded}, {name: canary})
    return True
