"""Fixtures for tests on real services. A test that uses one is marked `service` by itself.

Where a program is missing the test is skipped with the names of what is missing; under DRIFTLINE_REQUIRE_SERVICES=1, as
in continuous integration, a skipped service test fails.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.services import receivers, small
from tests.services.alertmanager import Alertmanager
from tests.services.deployment import Deployment
from tests.services.jars import cached_jars, fetch_jars
from tests.services.kafka import Broker
from tests.services.prometheus import Prometheus
from tests.services.receivers import Receiver

SERVICES = {"kafka_jars", "start_prometheus", "start_alertmanager"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SERVICES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.service)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    must_run = os.environ.get("DRIFTLINE_REQUIRE_SERVICES") == "1" and item.get_closest_marker("service")
    if must_run and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although DRIFTLINE_REQUIRE_SERVICES=1: {report.longrepr}"
    return report


def need(*programs: str) -> None:
    """Skip the test unless every program is installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def kafka_jars() -> Path:
    """Kafka's jars, from the cache or from Maven."""
    need("java", *(() if cached_jars().is_dir() else ("mvn",)))
    return fetch_jars()


@pytest.fixture(scope="session")
def broker(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all tests of the run: use topics of your own (`new_topic`) and leave it running."""
    broker = Broker.start(tmp_path_factory.mktemp("kafka"), kafka_jars)
    yield broker
    broker.stop()


@pytest.fixture
def own_broker(kafka_jars: Path, tmp_path: Path) -> Iterator[Broker]:
    """A broker for this test alone, to be paused, killed and started again."""
    broker = Broker.start(tmp_path / "kafka", kafka_jars)
    yield broker
    broker.stop()


@pytest.fixture
def new_topic(broker: Broker) -> Callable[..., str]:
    """A function that creates a topic nobody else uses: `new_topic("predictions", partitions=4)` gives its name."""
    return lambda name="topic", **options: broker.create_topic(f"{name}-{uuid.uuid4().hex[:8]}", **options)


@pytest.fixture
def deploy(broker: Broker, tmp_path: Path) -> Iterator[small.Deploy]:
    """A function that deploys small models; its workers end with the test."""
    made: list[Deployment] = []

    def deploy_one(**options: Any) -> Deployment:
        made.append(small.deployment(broker, tmp_path, **options))
        return made[-1]

    yield deploy_one
    for each in made:
        each.stop()


@pytest.fixture
def start_prometheus(tmp_path: Path) -> Iterator[Callable[[Path], Prometheus]]:
    """A function that starts a Prometheus with a configuration file; it ends with the test."""
    need("prometheus")
    with ExitStack() as running:

        def start(config: Path) -> Prometheus:
            server = Prometheus.start(tmp_path / f"prometheus-{uuid.uuid4().hex[:8]}", config)
            running.callback(server.stop)
            return server

        yield start


@pytest.fixture
def start_alertmanager(tmp_path: Path) -> Iterator[Callable[[Path], Alertmanager]]:
    """A function that starts an Alertmanager with a configuration file; it ends with the test."""
    need("prometheus-alertmanager")
    with ExitStack() as running:

        def start(config: Path) -> Alertmanager:
            server = Alertmanager.start(tmp_path / f"alertmanager-{uuid.uuid4().hex[:8]}", config)
            running.callback(server.stop)
            return server

        yield start


@pytest.fixture
def slack() -> Iterator[Receiver]:
    with receivers.slack() as receiver:
        yield receiver


@pytest.fixture
def pagerduty() -> Iterator[Receiver]:
    with receivers.pagerduty() as receiver:
        yield receiver


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receivers.webhook() as receiver:
        yield receiver
