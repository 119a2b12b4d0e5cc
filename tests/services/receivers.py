"""Receivers on loopback that stand where Slack, PagerDuty and a retraining webhook would: they record what arrives."""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.services.waiting import wait_for

# What a webhook's configuration must say of a receiver on this machine, which is reached over http.
LOCAL = {"allow_plaintext": True, "allow_internal": True}


@dataclass(frozen=True)
class Request:
    """One request as it arrived; the names of its headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """What to answer. With `hold`, not before that event is set: a receiver that hangs."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


class Receiver:
    """An HTTP server on a free port; every request is kept before it is answered.

    The default answer is repeated for ever; answers given to `answer` come first, one request each.
    """

    def __init__(self, default: Response | None = None) -> None:
        self._default = default or Response()
        self._requests: list[Request] = []
        self._planned: deque[Response] = deque()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, *responses: Response) -> None:
        """Answer the next requests with these, in order."""
        with self._lock:
            self._planned.extend(responses)

    @property
    def requests(self) -> list[Request]:
        """Everything that has arrived so far, in order."""
        with self._lock:
            return list(self._requests)

    def wait_for_requests(self, count: int, deadline: float = 30) -> list[Request]:
        """All requests, once there are at least `count`."""
        wait_for(lambda: len(self.requests) >= count, deadline, f"{count} requests at {self.url}")
        return self.requests

    def record(self, request: Request) -> Response:
        with self._lock:
            self._requests.append(request)
            return self._planned.popleft() if self._planned else self._default

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def slack() -> Receiver:
    """An incoming webhook of Slack: answers 200 with the two letters that Slack sends."""
    return Receiver(Response(200, b"ok", {"Content-Type": "text/html"}))


def pagerduty() -> Receiver:
    """PagerDuty's Events API v2: answers 202 as it does when an event is accepted."""
    body = json.dumps({"status": "success", "message": "Event processed"}).encode()
    return Receiver(Response(202, body, {"Content-Type": "application/json"}))


def webhook() -> Receiver:
    """A receiver of retraining triggers: answers 200."""
    return Receiver()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._reply(receiver.record(Request(self.command, self.path, headers, body)))

        def _reply(self, response: Response) -> None:
            if response.hold is not None:
                response.hold.wait(60)
            try:
                self.send_response(response.status)
                for name, value in {**response.headers, "Content-Length": str(len(response.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(response.body)
            except (BrokenPipeError, ConnectionResetError):  # the sender did not wait: its affair, not a test's error
                self.close_connection = True

        do_GET = do_POST = do_PUT = _take

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what arrived is in `requests`."""

    return Handler
