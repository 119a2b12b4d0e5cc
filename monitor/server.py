"""A small web server in the worker's own loop: `/metrics`, `/healthz` and `/readyz`, on loopback by default.

It only tells: there is nothing to change over it. With a token, who does not show it learns from `/healthz` and
`/readyz` whether all is well, for the orchestrator's sake, and nothing else. Faust's own server stays off, because it
listens on all interfaces and serves tables.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web, web_response

from monitor import config
from monitor.errors import OutsideError
from monitor.metrics import CONTENT_TYPE, Metrics
from monitor.tls import server_context

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
        app.router.add_get("/healthz", self._state(health, remarks))
        app.router.add_get("/readyz", self._state(ready))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=GRACE)
        self.port: int | None = None

    async def start(self) -> None:
        """Listen; `port` then tells where, also where 0 was configured. Raises OutsideError if it cannot."""
        host, port = self._settings.host, self._settings.port
        # What is not HTTP is answered before any hook of ours runs, with the banner that stands here.
        web_response.SERVER_SOFTWARE = HEADERS["Server"]  # type: ignore[attr-defined]  # imported there, not exported
        tls = None if self._settings.tls is None else server_context(self._settings.tls)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        except OSError as error:
            await self._runner.cleanup()
            raise OutsideError(
                f"server: cannot listen on {host} port {port} ({error.strerror or error}); "
                "set server.host and server.port in the configuration to a free address of this machine"
            ) from error
        self.port = int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"http{'s' if self._settings.tls else ''}://{host}:{self.port}"

    async def stop(self) -> None:
        """Close the port and let scrapes under way finish. Safe to call twice."""
        self.port = None
        await self._runner.cleanup()

    def _trusts(self, request: web.Request) -> bool:
        """Whether a request shows the token, or none is needed; compared in the same time wherever they differ."""
        if self._settings.token is None:
            return True
        shown = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(shown, f"Bearer {self._settings.token}".encode())

    def _state(self, problems: Problems, remarks: Problems = list) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A page that answers 503 where there are problems; whom we trust is told what they are, and of remarks."""

        async def handler(request: web.Request) -> web.Response:
            found = problems()
            answer: dict[str, object] = {"status": "problems" if found else "ok"}
            if self._trusts(request):
                answer["problems"] = found + [remark for remark in remarks() if remark not in found]
            return web.json_response(answer, status=503 if found else 200)

        return handler

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if not self._trusts(request):
            return web.Response(
                status=401, text="401: a bearer token is needed", headers={"WWW-Authenticate": "Bearer"}
            )
        # In a thread: writing some thousand samples would hold up the loop that reads Kafka.
        pieces = await asyncio.to_thread(self._metrics.render)
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        response.content_length = sum(map(len, pieces))
        await response.prepare(request)
        for piece in pieces if request.method == "GET" else ():  # HEAD asks for no body
            await response.write(piece)
        return response


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
