"""A worker's bounds beside a real broker: small records, scattered times, stopped siblings, little memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from tests.services.deployment import Deployment, Worker
from tests.services.kafka import Broker
from tests.services.small import ENOUGH, SECOND, deployment, event, past, window
from tests.services.waiting import wait_for

MODELS = tuple(f"model-{i:02}" for i in range(30))
STEP = 2 * SECOND
Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(broker: Broker, tmp_path: Path) -> Iterator[Deploy]:
    """A function that deploys small models; its workers end with the test."""
    made: list[Deployment] = []

    def start(**options: Any) -> Deployment:
        made.append(deployment(broker, tmp_path, **options))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def counted(worker: Worker, deployed: Deployment) -> float | None:
    return worker.metric(f'driftline_events_total{{topic="{deployed.source}"}}')


def dead(worker: Worker, deployed: Deployment, reason: str) -> float | None:
    return worker.metric(f'driftline_dead_letters_total{{reason="{reason}",topic="{deployed.source}"}}')


def limit(deployed: Deployment, topic: str, most: int) -> None:
    """Lower a topic's largest record."""
    admin = KafkaAdminClient(bootstrap_servers=deployed.broker.bootstrap)
    resource_ = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": str(most)})
    try:
        admin.alter_configs([resource_])
    finally:
        admin.close()


@pytest.mark.timeout(120)
def test_envelopes_longer_than_a_record_of_the_topic_arrive_whole_although_workers_are_killed(deploy: Deploy) -> None:
    deployed = deploy(models=MODELS, idle="10m")
    limit(deployed, deployed.topic("summaries"), 2_500)
    worker = deployed.start_worker()
    start = past()
    windows = 6
    for i in range(windows):
        lines = [line for model in MODELS for line in window(start + i * STEP, model=model, n=40)]
        deployed.produce(lines)
        if i in {1, 3}:
            worker.process.kill()
            deployed.workers.remove(worker)
            worker = deployed.start_worker()
    deployed.produce([event(start + windows * STEP, model=model) for model in MODELS for _ in range(4)])
    found = deployed.wait_for_windows(windows * len(MODELS), 60)
    held = Counter((w["model"], w["revision"], w["events"]) for w in map(json.loads, found.values()))
    assert held == Counter({(model, 0, 40): windows for model in MODELS})
    records = deployed.broker.records(deployed.topic("summaries"))
    cut = [record for record in records if "driftline.fragment" in dict(record.headers)]
    assert len(cut) > windows
    assert max(len(record.value) for record in records) < 2_500


@pytest.mark.timeout(120)
def test_times_scattered_over_years_are_dead_letters_beyond_the_bound_and_the_model_beside_goes_on(
    deploy: Deploy,
) -> None:
    deployed = deploy(models=("credit", "fraud"), idle="10m")
    deployed.settings["kafka"]["panes"] = 20
    worker = deployed.start_worker()
    start = past()
    day = 86_400 * SECOND
    scattered = [event(start - i // 4 * day, i=i) for i in range(400)]  # 100 panes, as many in each partition
    deployed.produce(window(start, model="fraud") + scattered + window(start + STEP, model="fraud", n=4))
    deployed.produce([event(start + STEP, i=i) for i in range(4)])
    wait_for(lambda: counted(worker, deployed) == ENOUGH + 80 + 4, 30, "events that found room")
    assert dead(worker, deployed, "too_many_panes") == 400 - 80 + 4
    found = [json.loads(line) for line in deployed.wait_for_windows(1, 20).values()]
    assert ENOUGH in [w["events"] for w in found if w["model"] == "fraud"]


@pytest.mark.timeout(120)
def test_an_event_longer_than_configured_is_a_dead_letter(deploy: Deploy) -> None:
    deployed = deploy()
    deployed.settings["kafka"]["event"] = 1_000
    worker = deployed.start_worker()
    deployed.produce([event(past(), note="x" * 1_000), event(past())])
    wait_for(lambda: dead(worker, deployed, "too_large") == 1, 20, "the dead letter")
    wait_for(lambda: counted(worker, deployed) == 1, 20, "the other event")
