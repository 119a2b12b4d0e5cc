"""Toxiproxy between workers and brokers: connections that lag, starve, hang or break, in both directions or in one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.faults.matrix import Unavailable
from tests.services.ports import free_ports
from tests.services.process import Process

MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.9.0"


@dataclass
class Proxies:
    """A running toxiproxy. A proxy is named by the broker's number."""

    process: Process
    port: int

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start it with no proxy yet. Raises Unavailable where it is not installed and cannot be built."""
        (port,) = free_ports(1)
        process = Process("toxiproxy", [str(_program()), "-port", str(port)], folder / "toxiproxy.log")
        made = cls(process, port)
        process.wait_until(lambda: made._call("GET", "/version") is not None, 20, "toxiproxy's API")
        return made

    def add(self, name: str, *, listen: int, upstream: int) -> None:
        """Forward a port of loopback to another."""
        body = {"name": name, "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{upstream}"}
        self._call("POST", "/proxies", body)

    def poison(self, name: str, kind: str, *, stream: str = "downstream", **attributes: int) -> None:
        """Add a toxic: `latency`, `bandwidth`, `reset_peer`, or `timeout` (0 holds all back). Upstream: to brokers."""
        body = {"name": f"{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes}
        self._call("POST", f"/proxies/{name}/toxics", body)

    def heal(self, name: str, kind: str, *, stream: str = "downstream") -> None:
        """Take the toxic away."""
        self._call("DELETE", f"/proxies/{name}/toxics/{kind}-{stream}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(response.read().decode())


def _program() -> Path:
    """The server's program: installed, cached, or built now."""
    if found := shutil.which("toxiproxy-server"):
        return Path(found)
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "driftline" / "toxiproxy" / "server"
    if not cached.exists():
        go = shutil.which("go")
        if go is None:
            raise Unavailable("toxiproxy-server is not installed, and there is no Go to build it with")
        cached.parent.mkdir(parents=True, exist_ok=True)
        command = [go, "install", MODULE]
        env = os.environ | {"GOBIN": str(cached.parent)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise Unavailable(f"toxiproxy could not be built: {done.stderr[-500:]}")
    return cached
