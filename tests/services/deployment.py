"""Driftline beside a broker as a platform engineer would run it: topics, configuration, worker processes."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaProducer

from tests.services.kafka import Broker
from tests.services.ports import free_ports
from tests.services.process import Process
from tests.services.waiting import wait_for

WEEK = 7 * 86_400_000
MONDAY = 4 * 86_400_000


def driftline(*arguments: str | Path, code: int = 0) -> str:
    """Run the command to its end and return what it printed; it must exit with `code`."""
    command = [sys.executable, "-m", "monitor.cli", *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, f"{arguments} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@dataclass
class Worker:
    """A worker process and its web server."""

    process: Process
    port: int

    def page(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
            return str(response.read().decode())

    def metric(self, line: str) -> float | None:
        """The value of a series, named as the page writes it."""
        values = [row.rsplit(" ", 1)[1] for row in self.page("/metrics").splitlines() if row.startswith(line + " ")]
        return float(values[0]) if values else None


@dataclass
class Deployment:
    """A folder with a configuration, topics of its own on a shared broker, and the workers that were started.

    It creates the topic that it reads, unless `source` names one.
    """

    broker: Broker
    folder: Path
    name: str
    settings: dict[str, Any]
    source: str = ""
    source_config: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        shared = bool(self.source)
        self.source = self.source or f"{self.name}.predictions"
        kafka = {
            "brokers": self.broker.for_workers,
            "replication": self.broker.replication,
            "predictions": [self.source],
            "group": self.name,
            "topics": {
                key: f"{self.name}.{key}" for key in ("summaries", "state", "windows", "triggers", "dead_letters")
            },
            "block": 1_000,
            "flush": "200ms",
            "checkpoint": "1s",
            "session_timeout": "6s",
        }
        self.settings["kafka"] = kafka | self.settings.get("kafka", {})
        if not shared:
            self.broker.create_topic(self.source, partitions=4, config=self.source_config)
        self.write()
        driftline("topics", "create", "--config", self.config)

    @property
    def config(self) -> Path:
        return self.folder / "deployed.yml"

    def write(self) -> None:
        self.config.write_text(yaml.safe_dump(self.settings))

    def topic(self, name: str) -> str:
        return f"{self.name}.{name}"

    def write_for(self, port: int) -> Path:
        """The file of the worker at this port; a running one reads it again at SIGHUP."""
        path = self.folder / f"worker-{port}.yml"
        path.write_text(yaml.safe_dump(self.settings | {"server": {"port": port}}))
        return path

    def tell(self, worker: Worker) -> None:
        """Give a running worker the present settings."""
        self.write_for(worker.port)
        worker.process.signal(signal.SIGHUP)

    def start_worker(
        self,
        *,
        port: int | None = None,
        root: Path | None = None,
        runner: Sequence[str] = ("monitor.cli",),
        before: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> Worker:
        """Start a worker process; its configuration differs from the others' in the port alone.

        It runs the code in `root` (by default ours) by the module and arguments `runner`, after the command `before`.
        """
        port = port or free_ports(1)[0]
        path = self.write_for(port)
        command = [*before, sys.executable, "-m", *runner, "worker", "--config", str(path)]
        env = {**os.environ, "PYTHONHASHSEED": str(port), **(env or {})}
        worker = Worker(Process("worker", command, self.folder / f"worker-{port}.log", env=env, cwd=root), port)
        self.workers.append(worker)
        worker.process.wait_until(lambda: worker.page("/healthz"), 30, "the worker's web server")
        return worker

    def stop(self) -> None:
        for worker in self.workers:
            worker.process.stop()

    def produce(self, events: Sequence[bytes], ledger: Counter[int] | None = None) -> Counter[int]:
        """Send events in order over all partitions; the ledger counts by week (start, ms) what was confirmed."""
        ledger = Counter() if ledger is None else ledger
        producer = KafkaProducer(
            bootstrap_servers=self.broker.bootstrap, acks="all", linger_ms=20, max_request_size=2**25
        )
        try:
            sent = [(event, producer.send(self.source, event, partition=i % 4)) for i, event in enumerate(events)]
            for event, future in sent:
                future.get(timeout=60)
                time = json.loads(event)["time"]
                ledger[time - (time - MONDAY) % WEEK] += 1
        finally:
            producer.close()
        return ledger

    def windows(self) -> dict[str, bytes]:
        """The published results by id; the same id must always have the same content."""
        found: dict[str, bytes] = {}
        for record in self.broker.records(self.topic("windows")):
            name = json.loads(record.value)["id"]
            assert record.key == name.encode()
            assert found.setdefault(name, record.value) == record.value, f"two contents under {name}"
        return found

    def wait_for_windows(self, count: int, deadline: float) -> dict[str, bytes]:
        """The published results, once there are at least `count`."""

        def enough() -> bool:
            for worker in self.workers:
                assert worker.process.returncode in {None, -9}, worker.process.tail()
            return (
                sum(self.broker.end_offsets(self.topic("windows")).values()) >= count and len(self.windows()) >= count
            )

        wait_for(enough, deadline, f"{count} windows")
        return self.windows()
