"""A worker process beside a real broker: windows that close by themselves, ownership, endings, and retraining calls."""

import json
import re
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any

import yaml

from tests.services.deployment import Deployment, Worker, driftline
from tests.services.kafka import Broker
from tests.services.ports import free_ports
from tests.services.receivers import LOCAL, Receiver, Response
from tests.services.small import ENOUGH, SECOND, Deploy, event, past, settings, window
from tests.services.waiting import wait_for

STEP = 2 * SECOND
DRIFT, CALM = True, False


def results(deployed: Deployment, count: int, deadline: float = 20) -> list[dict[str, Any]]:
    """The published results by start and revision, once there are so many."""
    found = [json.loads(line) for line in deployed.wait_for_windows(count, deadline).values()]
    return sorted(found, key=lambda result: (result["start"], result["revision"]))


def play(deployed: Deployment, start: int, *windows: bool) -> int:
    """Windows with drift and without, one after the other, and an event that closes the last; returns its time."""
    for i, drifted in enumerate(windows):
        deployed.produce(window(start + i * STEP, drifted=drifted))
    end = start + len(windows) * STEP
    deployed.produce(window(end, n=4))
    return end


def triggers(worker: Worker, outcome: str) -> float | None:
    return worker.metric(f'driftline_triggers_total{{model="credit",outcome="{outcome}"}}')


def windows_total(worker: Worker, model: str) -> float | None:
    return worker.metric(f'driftline_windows_total{{model="{model}",segment="",version="3"}}')


def status(worker: Worker, path: str) -> int:
    try:
        worker.page(path)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


def test_a_window_closes_without_a_new_message_once_all_partitions_are_idle(deploy: Deploy) -> None:
    deployed = deploy()
    worker = deployed.start_worker()
    deployed.produce(window(past(0)))
    (result,) = results(deployed, 1)
    assert (result["events"], result["revision"]) == (ENOUGH, 0)
    assert worker.metric(f'driftline_partition_idle{{partition="0",topic="{deployed.source}"}}') == 1


def test_a_partition_without_any_data_does_not_hold_windows(deploy: Deploy, broker: Broker) -> None:
    deployed = deploy()
    deployed.start_worker()
    broker.send(deployed.source, [event(past(0), i=i) for i in range(ENOUGH)], partition=2)
    (result,) = results(deployed, 1)
    assert result["events"] == ENOUGH


def test_late_events_revise_a_window_until_it_retires_and_are_counted_afterwards(
    deploy: Deploy, broker: Broker
) -> None:
    """Event time moves by events alone here: idleness is far away.

    0     2     4     6     8s         size 2s, lateness 3s
    |--A--|                            closes at 2, retires at 5
    """
    deployed = deploy(lateness="3s", idle="10m")
    worker = deployed.start_worker()
    start = past()
    deployed.produce(window(start))
    deployed.produce(window(start + STEP, n=4))
    (first,) = results(deployed, 1)
    broker.send(deployed.source, [event(start + 1)] * 3, partition=1)
    revised = results(deployed, 2)[1]
    deployed.produce(window(start + 6 * SECOND, n=4))
    results(deployed, 3)
    broker.send(deployed.source, [event(start + 1)] * 5, partition=1)
    late = 'driftline_late_events_total{model="credit"}'
    wait_for(lambda: worker.metric(late) == 5, 20, "late events to be counted")
    assert [(r["revision"], r["events"], r["late"]) for r in (first, revised)] == [
        (0, ENOUGH, 0),
        (1, ENOUGH + 3, 3),
    ]
    assert len(deployed.windows()) == 3


def test_the_series_of_a_model_are_on_one_page_and_move_with_their_last_window_when_the_owner_leaves(
    deploy: Deploy,
) -> None:
    models = ("credit", "fraud", "churn", "price", "spam", "clicks")
    deployed = deploy(models=models)
    workers = [deployed.start_worker(), deployed.start_worker()]
    wait_for(lambda: all(status(w, "/readyz") == 200 for w in workers), 20, "both workers to own partitions")
    assert [status(w, "/healthz") for w in workers] == [200, 200]
    start = past(0)
    deployed.produce([line for model in models for line in window(start, model=model)])
    results(deployed, len(models))

    def shown(worker: Worker) -> set[str]:
        return set(re.findall(r'driftline_window_end_timestamp_seconds{model="(\w+)"', worker.page("/metrics")))

    def end(worker: Worker, model: str) -> float | None:
        return worker.metric(f'driftline_window_end_timestamp_seconds{{model="{model}",version="3",segment=""}}')

    wait_for(lambda: shown(workers[0]) | shown(workers[1]) == set(models), 20, "all models to be shown")
    assert not shown(workers[0]) & shown(workers[1])
    assert all(map(shown, workers))
    leaving, staying = workers
    moved = shown(leaving)
    before = {model: windows_total(staying, model) for model in models}
    assert leaving.process.stop() == 0
    deployed.workers.remove(leaving)
    wait_for(lambda: shown(staying) == set(models), 20, "the models to move")
    assert {end(staying, model) for model in moved} == {(start + STEP) / SECOND}
    assert {model: windows_total(staying, model) for model in models} == before
    assert len(deployed.windows()) == len(models)


def test_a_worker_whose_topics_are_missing_says_what_to_do(deploy: Deploy) -> None:
    deployed = deploy()
    deployed.settings["kafka"]["topics"]["state"] = f"{deployed.name}.nowhere"
    deployed.write()
    said = driftline("worker", "--config", deployed.config, code=2)
    assert f"{deployed.name}.nowhere" in said
    assert "driftline topics create" in said


def test_a_worker_whose_broker_is_down_says_so(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    config = tmp_path / "driftline.yml"
    config.write_text(yaml.safe_dump(settings(tmp_path) | {"kafka": {"brokers": f"127.0.0.1:{port}"}}))
    said = driftline("worker", "--config", config, code=3)
    assert f"no Kafka broker can be reached: 127.0.0.1:{port}" in said
    assert "Traceback" not in said


def test_sigterm_under_load_ends_a_worker_within_twenty_seconds(deploy: Deploy) -> None:
    deployed = deploy()
    worker = deployed.start_worker()
    deployed.produce(window(past(), n=30_000))
    counted = f'driftline_events_total{{topic="{deployed.source}"}}'
    wait_for(lambda: worker.metric(counted), 20, "the first events to be counted")
    loading = threading.Thread(target=deployed.produce, args=(window(past(), n=20_000),))
    loading.start()
    began = time.monotonic()
    try:
        assert worker.process.stop() == 0
        assert time.monotonic() - began < 20
    finally:
        loading.join()
    assert "everything that it confirmed is committed" in worker.process.tail()


def test_a_webhook_that_fails_is_called_again_under_one_id_and_a_dead_one_delays_no_window(
    deploy: Deploy, webhook: Receiver, broker: Broker
) -> None:
    hold = threading.Event()
    with Receiver(Response(200, hold=hold)) as dead:
        webhook.answer(Response(500), Response(500))
        calls = tuple({"type": "webhook", "url": f"{url}/retrain"} | LOCAL for url in (webhook.url, dead.url))
        deployed = deploy(triggers=calls, idle="10m")
        worker = deployed.start_worker()
        try:
            end = play(deployed, past(), DRIFT)
            dead.wait_for_requests(1)
            play(deployed, end, CALM, CALM)
            assert [r["verdict"] for r in results(deployed, 3)] == ["drift", "ok", "ok"]
            called = webhook.wait_for_requests(3)
            wait_for(lambda: triggers(worker, "sent") == 1, 10, "the call to be counted")
        finally:
            hold.set()
    (record,) = broker.records(deployed.topic("triggers"))
    assert {request.headers["idempotency-key"] for request in called} == {json.loads(record.value)["id"]}
    assert {request.body for request in called} == {record.value}
    assert record.key == b"credit"


def test_a_call_that_a_crash_cut_off_is_made_again_after_the_restart(deploy: Deploy) -> None:
    hold = threading.Event()
    with Receiver() as receiver:
        receiver.answer(Response(200, hold=hold))
        deployed = deploy(triggers=({"type": "webhook", "url": receiver.url} | LOCAL,), idle="10m")
        worker = deployed.start_worker()
        try:
            play(deployed, past(), DRIFT)
            receiver.wait_for_requests(1)
            worker.process.kill()
        finally:
            hold.set()
        deployed.workers.remove(worker)
        worker = deployed.start_worker()
        first, second = receiver.wait_for_requests(2)
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
        assert first.body == second.body
        wait_for(lambda: triggers(worker, "sent") == 1, 20, "the call to be counted")


def test_a_second_episode_within_the_cooldown_is_suppressed_and_a_dry_run_calls_nobody(
    deploy: Deploy, webhook: Receiver, broker: Broker
) -> None:
    with Receiver() as nobody:
        calls = (
            {"type": "webhook", "url": webhook.url, "cooldown": "1d"} | LOCAL,
            {"type": "webhook", "url": nobody.url, "cooldown": "0s", "dry_run": True} | LOCAL,
        )
        deployed = deploy(triggers=calls, idle="10m")
        worker = deployed.start_worker()
        play(deployed, past(), DRIFT, CALM, CALM, CALM, DRIFT)
        results(deployed, 5)
        wait_for(lambda: triggers(worker, "dry_run") == 2, 20, "both dry runs")
        wait_for(lambda: triggers(worker, "sent") == 1, 20, "the one call")
        assert triggers(worker, "suppressed") == 1
        assert (len(webhook.requests), len(nobody.requests)) == (1, 0)
    asked = {json.loads(record.value)["id"] for record in broker.records(deployed.topic("triggers"))}
    assert len(asked) == 2


def test_a_model_that_is_configured_no_more_does_not_keep_a_worker_from_starting(deploy: Deploy) -> None:
    deployed = deploy(models=("credit", "fraud"))
    worker = deployed.start_worker()
    start = past(0)
    deployed.produce(window(start) + window(start, model="fraud"))
    results(deployed, 2)
    assert worker.process.stop() == 0
    deployed.workers.remove(worker)
    deployed.settings["models"] = [m for m in deployed.settings["models"] if m["name"] == "credit"]
    deployed.config.write_text(yaml.safe_dump(deployed.settings))
    worker = deployed.start_worker()
    end = 'driftline_window_end_timestamp_seconds{model="credit",version="3",segment=""}'
    wait_for(lambda: worker.metric(end), 20, "the last window of the model that is left")
    assert "fraud" not in worker.page("/metrics")
    assert status(worker, "/healthz") == 200
