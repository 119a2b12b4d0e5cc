"""The quick start of the README, typed block by block as a newcomer would, against a real broker.

The text stays as it is but for two addresses: the broker's, and the worker's port. What ends in another terminal's
worker runs in the background, from its own block to the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from functools import partial
from pathlib import Path

import pytest

from monitor import settings
from tests.markdown import ROOT, Block, blocks
from tests.services.kafka import Broker
from tests.services.ports import free_ports
from tests.services.process import Process
from tests.services.waiting import wait_for
from tests.test_documents import QUICK_START

README = ROOT / "README.md"
BROKER, PORT = "localhost:9092", "9464"
# Kafka's own script is not among the jars of the fixture; this takes the options that the README uses and no others.
KAFKA_TOPICS = """\
#!{python}
import sys
from argparse import ArgumentParser
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
parser = ArgumentParser()
parser.add_argument("--bootstrap-server", required=True)
parser.add_argument("--create", action="store_true", required=True)
parser.add_argument("--if-not-exists", action="store_true")
parser.add_argument("--topic", required=True)
parser.add_argument("--partitions", type=int, required=True)
asked = parser.parse_args()
admin = KafkaAdminClient(bootstrap_servers=asked.bootstrap_server)
admin.create_topics([NewTopic(asked.topic, asked.partitions, 1)])
admin.wait_for_topics([asked.topic])
admin.close()
"""


class Terminal:
    """A terminal: the folder and the environment that one block leaves are those in which the next begins."""

    def __init__(self, folder: Path, *, path: Path, replaced: dict[str, str]) -> None:
        self.folder, self._state, self._replaced = folder, folder / ".terminal", replaced
        self.env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "COLUMNS": "80"}

    def adapted(self, text: str) -> str:
        """The text with the test's addresses."""
        for written, real in self._replaced.items():
            text = text.replace(written, real)
        return text

    def type(self, text: str) -> str:
        """Run a block; every command in it must succeed. Returns what it printed."""
        script = f"{self.adapted(text)}\npwd > '{self._state}'\nenv -0 >> '{self._state}'\n"
        command = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=90,
            check=False,
        )
        printed = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == 0, f"{text}exited with {done.returncode}:\n{printed}"
        folder, _, variables = self._state.read_text().partition("\n")
        self.folder = Path(folder)
        self.env = dict(entry.split("=", 1) for entry in variables.split("\0") if entry)
        return printed

    def start(self, text: str) -> Process:
        """Run a block in the background."""
        (line,) = text.splitlines()
        script = f"cd '{self.folder}' && exec {self.adapted(line)}"
        return Process("worker", ["bash", "-c", script], self.folder / "worker.log", env=self.env)


@pytest.fixture
def terminal(own_broker: Broker, tmp_path: Path) -> Terminal:
    """A terminal in what looks like a clone after `make demo`, with Kafka's script on the path."""
    clone, scripts = tmp_path / "clone", tmp_path / "scripts"
    clone.mkdir()
    scripts.mkdir()
    (clone / ".venv").symlink_to(sys.prefix)
    (scripts / "kafka-topics.sh").write_text(KAFKA_TOPICS.format(python=sys.executable))
    (scripts / "kafka-topics.sh").chmod(0o755)
    replaced = {BROKER: own_broker.bootstrap, PORT: str(free_ports(1)[0])}
    return Terminal(clone, path=scripts, replaced=replaced)


def quick_start() -> list[Block]:
    """What the quick start lets a newcomer type or write, in order."""
    found = [block for block in blocks(README) if block.section == QUICK_START and block.language in {"sh", "yaml"}]
    return [block for block in found if "docker compose" not in block.text]


@pytest.mark.timeout(240)
def test_the_quick_start_does_what_it_says(terminal: Terminal, own_broker: Broker) -> None:
    printed, worker = "", None
    try:
        for _, language, text in quick_start():
            if language == "yaml":
                (terminal.folder / "driftline.yml").write_text(terminal.adapted(text))
            elif text.startswith("driftline worker"):
                worker = terminal.start(text)
                worker.wait_until(lambda: page(terminal, "/readyz"), 60, "/readyz")
            elif text.startswith("curl"):  # "a few seconds later"
                printed += wait_for(partial(terminal.type, text), 60, text, tolerate=(AssertionError,))
            else:
                printed += terminal.type(text)
        assert settings.load(terminal.folder / "driftline.yml").models[0].name == "nsw-price"
        check_outcome(terminal, own_broker, printed)
    finally:
        code = worker.stop() if worker else None
    assert code == 0


def check_outcome(terminal: Terminal, broker: Broker, printed: str) -> None:
    """What the README says that one sees: the picture, the drift, and windows that are the replay's."""
    (picture,) = [block.text for block in blocks(README, "text") if "episode opens" in block.text]
    seen = {line.rstrip() for line in printed.splitlines()}
    assert [line for line in picture.splitlines() if line.rstrip() not in seen] == []
    assert 'column="transfer"' in printed
    assert "no dead letters" in printed

    replayed = (terminal.folder / "windows.jsonl").read_bytes().splitlines()

    def published() -> set[bytes]:
        return {record.value for record in broker.records("driftline.windows")}

    assert wait_for(lambda: len(published()) == len(replayed) - 1, 60, "every window but the open one")
    assert published() == set(replayed[:-1])
    opened = [json.loads(line)["episode"] for line in replayed if json.loads(line)["episode"]]
    asked = {json.loads(record.value)["episode"] for record in broker.records("driftline.triggers")}
    assert asked
    assert asked <= set(opened)


def page(terminal: Terminal, path: str) -> bytes:
    with urllib.request.urlopen(terminal.adapted(f"http://127.0.0.1:{PORT}{path}"), timeout=5) as response:
        return bytes(response.read())
