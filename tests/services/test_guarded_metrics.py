"""A real Prometheus reads guarded metrics as docs/security.md tells it to."""

import asyncio
import selectors
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from monitor import settings
from monitor.metrics import Metrics
from monitor.server import Server
from tests.examples import MODEL, profile, profile_file
from tests.markdown import ROOT, blocks
from tests.services.certificates import Authority
from tests.services.prometheus import Prometheus
from tests.services.waiting import wait_for

PAGE = ROOT / "docs" / "security.md"


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """The page's `server` section on this machine, in a loop of its own; gives the port."""
    (documented,) = [block.text for block in blocks(PAGE, "yaml") if block.text.startswith("server:")]
    section = yaml.safe_load(documented)
    section["server"] |= {"host": "127.0.0.1", "port": 0}
    path = folder / "driftline.yml"
    profile_file(folder, profile())
    loaded = settings.parse(MODEL + yaml.safe_dump(section), path)
    metrics = Metrics()
    metrics.configure(loaded)
    server = Server(loaded.server, metrics, health=list, ready=list)
    selector = selectors.DefaultSelector()
    loop = asyncio.SelectorEventLoop(selector)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        assert server.port
        yield server.port
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        # TLS says goodbye on each connection; what is left is the loop's own pipe.
        wait_for(lambda: len(selector.get_map()) <= 1, 40, "connections to be closed")
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def scraping(folder: Path, port: int, **changes: object) -> Path:
    """The page's scrape configuration for that port, with its files in `folder`."""
    (documented,) = [block.text for block in blocks(PAGE, "yaml") if block.text.startswith("scrape_configs:")]
    made = yaml.safe_load(documented.replace("/etc/prometheus/", f"{folder}/"))
    (job,) = made["scrape_configs"]
    job["static_configs"] = [{"targets": [f"localhost:{port}"]}]
    made["global"] = {"scrape_interval": "1s"}
    job.update(changes)
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(made))
    return path


def folder_with_secrets(folder: Path) -> None:
    authority = Authority.create(folder)
    issued = authority.issue("localhost")
    authority.ca.rename(folder / "driftline-ca.pem")
    issued.certificate.rename(folder / "worker.crt")
    issued.key.rename(folder / "worker.key")
    (folder / "driftline-token").write_text("a token of a test\n")


def test_prometheus_scrapes_with_the_token_over_tls(
    tmp_path: Path, start_prometheus: Callable[[Path], Prometheus]
) -> None:
    folder_with_secrets(tmp_path)
    with serving(tmp_path) as port:
        prometheus = start_prometheus(scraping(tmp_path, port))
        wait_for(lambda: prometheus.values('up{job="driftline"}') == [1], 30, "a scrape")
        wait_for(lambda: prometheus.values("driftline_windows_total") == [0], 30, "our metrics")


def test_prometheus_without_the_token_or_the_authority_gets_nothing(
    tmp_path: Path, start_prometheus: Callable[[Path], Prometheus]
) -> None:
    folder_with_secrets(tmp_path)
    with serving(tmp_path) as port:
        for changes, error in (
            ({"authorization": {"credentials": "another"}}, "server returned HTTP status 401 Unauthorized"),
            ({"tls_config": {}}, "certificate signed by unknown authority"),
        ):
            assert error in failure(start_prometheus(scraping(tmp_path, port, **changes)))


def failure(prometheus: Prometheus) -> str:
    """What Prometheus says of its only target, once it could not be scraped."""
    wait_for(lambda: prometheus.targets() and prometheus.targets()[0]["health"] == "down", 30, "a failed scrape")
    return str(prometheus.targets()[0]["lastError"])
