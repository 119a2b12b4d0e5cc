"""A small web server in the worker's own loop: `/metrics`, `/healthz` and `/readyz`, on loopback by default.

It has no authentication, so the configuration must name any other address by itself. Faust's own server stays off,
because it listens on all interfaces and serves tables.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web, web_response

from monitor import config
from monitor.errors import OutsideError
from monitor.metrics import CONTENT_TYPE, Metrics

log = logging.getLogger(__name__)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "driftline",  # no versions for whoever looks for known holes
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
GRACE = 2.0  # seconds that a scrape under way may take when we stop

Problems = Callable[[], list[str]]  # what is wrong, in words; empty when all is well


class Server:
    """Serves a worker's metrics and state from `start` to `stop`."""

    def __init__(
        self,
        settings: config.Server,
        metrics: Metrics,
        *,
        health: Problems,
        ready: Problems,
        remarks: Problems = list,
    ) -> None:
        self._settings, self._metrics = settings, metrics
        app = web.Application(client_max_size=1_024)
        app.on_response_prepare.append(_secure)
        app.router.add_get("/metrics", self._page)
        app.router.add_get("/healthz", _state(health, remarks))
        app.router.add_get("/readyz", _state(ready))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=GRACE)
        self.port: int | None = None

    async def start(self) -> None:
        """Listen; `port` then tells where, also where 0 was configured. Raises OutsideError if it cannot."""
        host, port = self._settings.host, self._settings.port
        # What is not HTTP is answered before any hook of ours runs, with the banner that stands here.
        web_response.SERVER_SOFTWARE = HEADERS["Server"]  # type: ignore[attr-defined]  # imported there, not exported
        if not is_loopback(host):
            log.warning(
                "server.host %s is beyond loopback, and /metrics, /healthz and /readyz ask for no password", host
            )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise OutsideError(
                f"server: cannot listen on {host} port {port} ({error.strerror or error}); "
                "set server.host and server.port in the configuration to a free address of this machine"
            ) from error
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port and let scrapes under way finish. Safe to call twice."""
        self.port = None
        await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        # In a thread: writing some thousand samples would hold up the loop that reads Kafka.
        pieces = await asyncio.to_thread(self._metrics.render)
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        response.content_length = sum(map(len, pieces))
        await response.prepare(request)
        for piece in pieces if request.method == "GET" else ():  # HEAD asks for no body
            await response.write(piece)
        return response


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "metrics.example")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _state(problems: Problems, remarks: Problems = list) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A page that answers 503 where there are problems; remarks are told of as well."""

    async def handler(request: web.Request) -> web.Response:
        found = problems()
        told = found + [remark for remark in remarks() if remark not in found]
        return web.json_response(
            {"status": "problems" if found else "ok", "problems": told}, status=503 if found else 200
        )

    return handler


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
