"""A real Prometheus on loopback."""

import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.services.ports import free_ports
from tests.services.process import Process

READY_SECONDS = 30


@dataclass
class Prometheus:
    """A server that runs until `stop`; its configuration stays where it was given."""

    process: Process
    url: str

    @classmethod
    def start(cls, directory: Path, config: Path, *, flags: tuple[str, ...] = ()) -> Self:
        """Start it with the configuration file `config` and its data under `directory`; return once it is ready."""
        (port,) = free_ports(1)
        directory.mkdir(parents=True, exist_ok=True)
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle",
            *flags,
        ]
        server = cls(Process("prometheus", command, directory / "prometheus.log"), f"http://127.0.0.1:{port}")
        try:
            server.process.wait_until(server.is_ready, READY_SECONDS, "Prometheus to be ready")
        except BaseException:
            server.process.kill()
            raise
        return server

    def is_ready(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:
            return bool(response.status == 200)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query: one entry a series, with `metric` (labels) and `value` (time, text)."""
        result: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return result

    def values(self, expression: str) -> list[float]:
        """Only the numbers of an instant query."""
        return [float(series["value"][1]) for series in self.query(expression)]

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts that are pending or firing, with `labels`, `annotations` and `state`."""
        alerts: list[dict[str, Any]] = self.get("alerts")["alerts"]
        return alerts

    def targets(self) -> list[dict[str, Any]]:
        """The active scrape targets, with `labels`, `health` and `lastError`."""
        targets: list[dict[str, Any]] = self.get("targets")["activeTargets"]
        return targets

    def get(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of the API v1 under `path`."""
        question = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(question, timeout=10) as response:
            return json.load(response)["data"]

    def reload(self) -> None:
        """Read the configuration and the rules again."""
        urllib.request.urlopen(f"{self.url}/-/reload", data=b"", timeout=10).close()

    def stop(self) -> None:
        self.process.stop()
