"""The worker's web server: metrics and state on loopback, with nothing that helps a stranger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from monitor import config
from monitor.errors import OutsideError
from monitor.metrics import Metrics
from monitor.server import Server
from tests import examples


@asynccontextmanager
async def serving(problems: list[str]) -> AsyncIterator[str]:
    metrics = Metrics()
    metrics.configure(examples.config())
    server = Server(config.Server(port=0), metrics, health=lambda: [], ready=lambda: problems)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.stop()


async def get(url: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    async with aiohttp.ClientSession() as session, session.request(method, url) as response:
        return response.status, dict(response.headers), await response.read()


def served(path: str, *, problems: list[str] | None = None, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    async def run() -> tuple[int, dict[str, str], bytes]:
        async with serving(problems or []) as url:
            return await get(url + path, method)

    return asyncio.run(run())


def test_metrics_are_prometheus_text() -> None:
    status, headers, body = served("/metrics")

    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'\ndriftline_windows_total{model="credit",segment="",version="3"} 0.0\n' in body


def test_asking_for_the_head_of_the_page_leaves_the_connection_fit_for_the_next_request() -> None:
    async def run() -> list[tuple[int, int, int]]:
        async with serving([]) as url, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            answers = []
            for method in ("HEAD", "GET", "HEAD"):
                async with session.request(method, f"{url}/metrics") as response:
                    answers.append((response.status, response.content_length or 0, len(await response.read())))
            return answers

    first, page, last = asyncio.run(run())
    assert (first[0], page[0], last[0]) == (200, 200, 200)
    assert page[1] == page[2] > 1_000
    assert (first[2], last[2]) == (0, 0)


def test_a_healthy_worker_says_so() -> None:
    status, headers, body = served("/healthz", problems=["not asked here"])

    assert (status, json.loads(body)) == (200, {"status": "ok", "problems": []})
    assert headers["Content-Type"].startswith("application/json")


def test_a_worker_that_is_not_ready_answers_503_and_why() -> None:
    status, _, body = served("/readyz", problems=["no partitions yet", "state is being restored"])

    assert status == 503
    assert json.loads(body) == {"status": "problems", "problems": ["no partitions yet", "state is being restored"]}


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/", "/metrics/../etc/passwd", "/%00"])
def test_every_answer_carries_the_security_headers_and_no_version(path: str) -> None:
    _, headers, _ = served(path)

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "driftline"


def test_another_path_is_a_plain_404_and_another_method_a_plain_405() -> None:
    for (status, headers, body), expected in ((served("/nothing"), 404), (served("/metrics", method="POST"), 405)):
        assert status == expected
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert b"<" not in body


def test_a_request_that_is_not_http_learns_no_version() -> None:
    async def run() -> bytes:
        async with serving([]) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
            writer.write(b"not http\r\n\r\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    answer = asyncio.run(run())
    assert b"400" in answer
    assert b"aiohttp" not in answer.lower()


def run_server(settings: config.Server, then: Callable[[Server], Awaitable[None]]) -> None:
    async def run() -> None:
        server = Server(settings, Metrics(), health=list, ready=list)
        await server.start()
        try:
            await then(server)
        finally:
            await server.stop()
            await server.stop()  # safe to call twice

    asyncio.run(run())


def test_a_taken_port_says_which_and_what_to_set() -> None:
    async def again(server: Server) -> None:
        second = Server(config.Server(port=server.port or 0), Metrics(), health=list, ready=list)
        with pytest.raises(OutsideError) as caught:
            await second.start()
        assert f"cannot listen on 127.0.0.1 port {server.port}" in str(caught.value)
        assert "set server.host and server.port" in str(caught.value)

    run_server(config.Server(port=0), again)


def test_the_default_is_loopback_and_silent(caplog: pytest.LogCaptureFixture) -> None:
    async def nothing(server: Server) -> None:
        assert server.port

    run_server(config.Server(port=0), nothing)
    assert config.Server().host == "127.0.0.1"
    assert not caplog.records


def test_after_stop_nobody_listens() -> None:
    async def run() -> None:
        async with serving([]) as url:
            pass
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(url + "/metrics")

    asyncio.run(run())
