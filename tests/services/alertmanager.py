"""A real Alertmanager on loopback."""

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.services.ports import free_ports
from tests.services.process import Process

READY_SECONDS = 30


@dataclass
class Alertmanager:
    """A server that runs until `stop`; `address` is what Prometheus takes as its target."""

    process: Process
    url: str

    @classmethod
    def start(cls, directory: Path, config: Path, *, flags: tuple[str, ...] = ()) -> Self:
        """Start it with the configuration file `config` and its data under `directory`; return once it is ready."""
        (port,) = free_ports(1)
        directory.mkdir(parents=True, exist_ok=True)
        command = [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",  # empty: no gossip, which would listen on every interface
            *flags,
        ]
        server = cls(Process("alertmanager", command, directory / "alertmanager.log"), f"http://127.0.0.1:{port}")
        try:
            server.process.wait_until(server.is_ready, READY_SECONDS, "Alertmanager to be ready")
        except BaseException:
            server.process.kill()
            raise
        return server

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")

    def is_ready(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:
            return bool(response.status == 200)

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts it holds, with `labels`, `annotations` and `status`."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as response:
            alerts: list[dict[str, Any]] = json.load(response)
        return alerts

    def post(self, *alerts: dict[str, Any]) -> None:
        """Send alerts as Prometheus would: each with `labels`, and maybe `annotations`, `startsAt` and `endsAt`."""
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts",
            data=json.dumps(alerts).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    def stop(self) -> None:
        self.process.stop()
