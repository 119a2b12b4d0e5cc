"""The web server beyond loopback: a token opens it, TLS covers it, and nothing can be changed over it."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from monitor import config
from monitor.metrics import Metrics
from monitor.server import Server
from monitor.tls import client_context
from tests.services.certificates import Authority

TOKEN = "t0ken-canary"
PATHS = ("/metrics", "/healthz", "/readyz")


def asked(
    settings: config.Server, path: str, *, method: str = "GET", tls: ssl.SSLContext | None = None, **headers: str
) -> tuple[int, Any, bytes]:
    """Status, headers and body of one request to a server with these settings."""

    def ask(port: int | None) -> tuple[int, Any, bytes]:
        connection = (
            HTTPSConnection("localhost", port, timeout=10, context=tls)
            if tls
            else HTTPConnection("127.0.0.1", port, timeout=10)
        )
        with closing(connection):
            connection.request(method, path, headers={name: value.encode() for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    async def run() -> tuple[int, Any, bytes]:
        server = Server(settings, Metrics(), health=list, ready=lambda: ["a broker says t0o much"])
        await server.start()
        try:
            return await asyncio.to_thread(ask, server.port)
        finally:
            for _ in range(10):  # a refused connection is already closed on its other side: let the loop see that
                await asyncio.sleep(0)
            await server.stop()

    return asyncio.run(run())


def guarded(**more: Any) -> config.Server:
    return config.Server(port=0, token=TOKEN, **more)


def test_with_the_token_the_metrics_are_served() -> None:
    status, _, body = asked(guarded(), "/metrics", Authorization=f"Bearer {TOKEN}")

    assert status == 200
    assert b"driftline_" in body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"])
def test_without_it_they_are_not(shown: str, method: str) -> None:
    status, answered, body = asked(guarded(), "/metrics", method=method, Authorization=shown)

    assert status == 401
    assert answered["WWW-Authenticate"] == "Bearer"
    assert answered["X-Content-Type-Options"] == "nosniff"
    assert b"driftline_" not in body
    assert TOKEN.encode() not in body


def test_an_orchestrator_without_the_token_learns_whether_all_is_well_and_nothing_else() -> None:
    assert json.loads(asked(guarded(), "/healthz")[2]) == {"status": "ok"}
    status, _, body = asked(guarded(), "/readyz")
    assert (status, json.loads(body)) == (503, {"status": "problems"})

    status, _, body = asked(guarded(), "/readyz", Authorization=f"Bearer {TOKEN}")
    assert json.loads(body) == {"status": "problems", "problems": ["a broker says t0o much"]}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed_over_http(path: str, method: str) -> None:
    for settings in (guarded(), config.Server(port=0)):
        assert asked(settings, path, method=method, Authorization=f"Bearer {TOKEN}")[0] == 405


def test_there_are_three_pages_and_they_are_only_read() -> None:
    app = Server(config.Server(port=0), Metrics(), health=list, ready=list)._runner.app

    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}

    assert routes == {(method, path) for path in PATHS for method in ("GET", "HEAD")}


def test_with_tls_the_pages_are_under_https_for_whoever_trusts_its_authority(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    issued = authority.issue("localhost")
    settings = guarded(tls=config.Tls(certificate=issued.certificate, key=issued.key))

    trusting = client_context(config.Tls(ca=authority.ca))
    assert asked(settings, "/metrics", tls=trusting, Authorization=f"Bearer {TOKEN}")[0] == 200

    with pytest.raises(ssl.SSLCertVerificationError):
        asked(settings, "/metrics", tls=client_context(config.Tls()))

    trusting.minimum_version, trusting.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    assert asked(settings, "/healthz", tls=trusting)[0] == 200


def test_with_tls_plain_http_gets_nothing(tmp_path: Path) -> None:
    issued = Authority.create(tmp_path).issue("localhost")
    settings = guarded(tls=config.Tls(certificate=issued.certificate, key=issued.key))

    with pytest.raises((OSError, HTTPException)):
        asked(settings, "/healthz")
