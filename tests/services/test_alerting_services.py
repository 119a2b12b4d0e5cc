"""Prometheus and Alertmanager that tests rely on are real ones, and the fake receivers hear them."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from tests.services.alertmanager import Alertmanager
from tests.services.prometheus import Prometheus
from tests.services.receivers import Receiver, Response
from tests.services.waiting import wait_for

PROMETHEUS = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: driftline
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""
ALERTMANAGER = """\
route: {{receiver: slack, group_wait: 0s}}
receivers:
  - name: slack
    slack_configs: [{{api_url: '{url}', channel: '#drift', title: '{{{{ .GroupLabels.alertname }}}}'}}]
"""


def test_prometheus_scrapes_a_page_on_loopback(tmp_path: Path, start_prometheus: Callable[[Path], Prometheus]) -> None:
    registry = CollectorRegistry()
    Gauge("answer", "The answer.", registry=registry).set(42)
    page, thread = start_http_server(0, "127.0.0.1", registry)
    config = tmp_path / "prometheus.yml"
    config.write_text(PROMETHEUS.format(port=page.server_port))
    server = start_prometheus(config)
    assert wait_for(lambda: server.values("answer"), 30, "the first scrape") == [42.0]
    assert [target["health"] for target in server.targets()] == ["up"]
    page.shutdown()
    page.server_close()
    thread.join(5)


def test_alertmanager_sends_an_alert_to_the_fake_slack(
    tmp_path: Path, slack: Receiver, start_alertmanager: Callable[[Path], Alertmanager]
) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(ALERTMANAGER.format(url=f"{slack.url}/services/hook"))
    server = start_alertmanager(config)
    server.post({"labels": {"alertname": "Hello", "model": "power"}})
    (request,) = slack.wait_for_requests(1)
    assert (request.method, request.path) == ("POST", "/services/hook")
    assert request.json["channel"] == "#drift"
    assert [alert["labels"]["model"] for alert in server.alerts()] == ["power"]


def test_a_server_that_cannot_start_says_why(tmp_path: Path, start_prometheus: Callable[[Path], Prometheus]) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text("no_such_section: 1\n")
    with pytest.raises(RuntimeError, match="no_such_section"):
        start_prometheus(config)


def test_a_receiver_keeps_headers_and_body_and_answers_as_planned(webhook: Receiver) -> None:
    webhook.answer(Response(status=503))
    request = urllib.request.Request(f"{webhook.url}/train", data=b'{"id": 1}', headers={"X-Signature": "abc"})
    with pytest.raises(urllib.error.HTTPError, match="503") as refused:
        urllib.request.urlopen(request, timeout=5)
    refused.value.close()
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200
    assert [(seen.path, seen.headers["x-signature"], seen.json) for seen in webhook.requests] == [
        ("/train", "abc", {"id": 1})
    ] * 2


def test_a_receiver_can_hang_until_it_is_let_go(webhook: Receiver) -> None:
    hold = threading.Event()
    webhook.answer(Response(hold=hold))
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(webhook.url, timeout=0.2)
    hold.set()
    with urllib.request.urlopen(webhook.url, timeout=5) as answer:
        assert answer.read() == b"ok"


def test_waiting_in_vain_says_what_was_waited_for() -> None:
    with pytest.raises(TimeoutError, match="waited 0 s for the moon; last seen: 0"):
        wait_for(lambda: 0, 0, "the moon")
