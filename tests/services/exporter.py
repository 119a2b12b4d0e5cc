"""Two workers as Prometheus sees them: pages with every metric, which move on at every scrape."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time

import msgspec

from monitor.drift.profiles import Profile
from monitor.metrics import CONTENT_TYPE, Metrics
from monitor.metrics_names import METHODS
from monitor.pipeline.results import ComparedColumn, ComparedReference, Result, ScoreResult
from tests.examples import HOUR, config, explained, profile, result


def drifted(reference: Profile, start: int) -> Result:
    """A window in drift whose columns have a statistic of every method, beside two references; the first moved."""
    every = {name: ScoreResult(0.3, None, 0.1) for name in METHODS}
    made = result(reference, start=start)
    columns = {name: msgspec.structs.replace(column, scores=every) for name, column in made.columns.items()}
    beside = {name: ComparedColumn("drift", 3.0, every) for name in columns}
    other = ComparedReference(reference.version, reference.fingerprint, "drift", beside)
    return explained(msgspec.structs.replace(made, columns=columns, compared={"last-week": other}))


class Worker:
    """A worker's metrics; each scrape finds that everything has happened once more."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.profile = profile(features=3)
        self.metrics.configure(config(self.profile))
        self._lock = threading.Lock()

    def page(self) -> bytes:
        with self._lock:
            self._move_on()
            return b"".join(self.metrics.render())

    def _move_on(self) -> None:
        pipeline = self.metrics.pipeline
        now = int(time() * 1000)
        self.metrics.window(drifted(self.profile, now // HOUR * HOUR - HOUR), self.profile)
        pipeline.counted("predictions", 100, {"tombstone": 1})
        pipeline.dead_letter("predictions", "not_json")
        pipeline.unknown_columns("credit", "3", 2)
        pipeline.batch_refused("predictions")
        pipeline.envelope("closed")
        pipeline.merged(repeats=1, holes=1)
        pipeline.late("credit", 4)
        pipeline.partition("predictions", 0, lag=7, latest=now, idle=False)
        pipeline.partition("predictions", 1, lag=0, latest=now, idle=True)
        pipeline.owned("predictions", 2)
        pipeline.rebalance()
        pipeline.progress("summarise", time())
        pipeline.progress("merge", time())
        pipeline.checkpoint(0.2)
        pipeline.close_delay(0.1)
        pipeline.trigger("credit", "sent")
        pipeline.records_lost("predictions", 3)
        pipeline.stuck("predictions", "summarise", 1)
        pipeline.configured("0f3c", time())
        pipeline.reload_refused()


@contextmanager
def two_workers() -> Iterator[list[str]]:
    """Both export the same model, as they do for a scrape when it moves between them; gives `host:port` of each."""
    with ExitStack() as running:
        yield [running.enter_context(_serve(Worker())) for _ in range(2)]


@contextmanager
def _serve(worker: Worker) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = worker.page()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:  # quiet; the name is the base's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
