"""Every query of every board, run against a real Prometheus that scrapes two workers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from dashboards.queries import Query, all_queries
from tests.dashboards.boards import PANELS, Json, data_links
from tests.services.conftest import need
from tests.services.exporter import two_workers
from tests.services.prometheus import Prometheus
from tests.services.waiting import wait_for

CHOSEN = {"model": "credit", "version": "3", "column": "age1"}
QUERIES = list(all_queries(**CHOSEN))
BY_WORKER = {"CPU", "Memory", "Partitions owned"}

pytestmark = [pytest.mark.service, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped both workers often enough for rates, and in which an alert fires."""
    need("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    rule = {"alert": "DriftlineModelDrift", "labels": {"severity": "critical"}}
    rule |= {"expr": "max by (model, version, segment) (driftline_model_episode_active) == 1"}
    worker_rule = {"alert": "DriftlineWorkerLagging", "expr": "max by (topic) (driftline_partition_lag_records) > 1"}
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "driftline", "rules": [rule, worker_rule]}]}))
    with two_workers() as targets:
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "driftline", "static_configs": [{"targets": targets}]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        server = Prometheus.start(folder, folder / "prometheus.yml")
        try:
            scraped = "min(count_over_time(up{job='driftline'}[1m])) >= 4 and on () count(ALERTS) == 2"
            wait_for(lambda: server.query(scraped), 60, "four scrapes of both workers and both alerts")
            yield server
        finally:
            server.stop()


def labels(server: Prometheus, expr: str) -> list[set[str]]:
    return [set(series["metric"]) for series in server.query(expr)]


def test_every_query_of_every_board_returns_data(prometheus: Prometheus) -> None:
    """Those too that may be empty at other times: here everything happens."""
    empty = [query for query in QUERIES if not prometheus.query(query.expr)]
    assert empty == []


def test_every_query_works_over_a_range(prometheus: Prometheus) -> None:
    now = prometheus.values("vector(time())")[0]
    span = {"start": str(now - 60), "end": str(now), "step": "15"}
    for query in QUERIES:
        assert prometheus.get("query_range", query=query.expr, **span)["result"], query


def test_a_misspelt_metric_would_be_noticed(prometheus: Prometheus) -> None:
    assert prometheus.query("max(driftline_model_verdikt)") == []


def test_queries_return_nothing_of_a_model_that_is_not_there(prometheus: Prometheus) -> None:
    """The choice reaches the query: what still answers does not depend on a model, or counts to 0."""
    nobody = CHOSEN | {"model": "nobody"}
    answered = [q for q in all_queries(**nobody) if 'model="nobody"' in q.expr and prometheus.query(q.expr)]
    assert answered == []


def test_no_result_names_a_worker_except_where_workers_are_looked_at(prometheus: Prometheus) -> None:
    for query in QUERIES:
        for found in labels(prometheus, query.expr):
            assert found.isdisjoint({"job", "pod"}), query
            assert ("instance" in found) == (query.panel in BY_WORKER), query


def test_a_model_that_two_workers_show_is_counted_once(prometheus: Prometheus) -> None:
    found = {q.panel: prometheus.values(q.expr) for q in QUERIES if q.dashboard == "fleet"}
    once = ("Models watched", "Models in drift", "Open episodes")
    assert [found[title] for title in once] == [[1.0]] * len(once)
    assert found["Without data"] == [0.0]
    assert found["Workers"] == [2.0]
    assert found["Alerts firing"] == [2.0]


def asked(board: str, panel: Json) -> list[Query]:
    return [query for query in QUERIES if (query.dashboard, query.panel) == (board, panel["title"])]


def test_what_legends_and_links_name_is_in_the_results(prometheus: Prometheus) -> None:
    for board, panel in PANELS:
        queries = asked(board, panel)
        text = json.dumps(data_links(panel))
        for target, query in zip(panel.get("targets", ()), queries, strict=True):
            named = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            named |= set(re.findall(r"__field\.labels\.(\w+)", text))
            assert all(named <= found for found in labels(prometheus, query.expr)), query
        in_rows = set(re.findall(r"__data\.fields\.(\w+)", text))
        assert in_rows <= set().union(*(found for query in queries for found in labels(prometheus, query.expr)))


def test_the_queries_of_a_table_share_the_labels_that_make_its_rows(prometheus: Prometheus) -> None:
    """Grafana joins on what all of them have; a further label may come from one of them alone."""
    for board, panel in PANELS:
        if panel["type"] == "table":
            found = [labels(prometheus, query.expr)[0] for query in asked(board, panel)]
            shared = set.intersection(*found)
            assert shared
            extra = [label for each in found for label in each - shared]
            assert len(extra) == len(set(extra))


def test_a_model_without_a_window_or_with_an_old_one_is_without_data(prometheus: Prometheus) -> None:
    """The fleet's number is not fooled by absence, which is what it is there for."""
    (expr,) = (q.expr for q in QUERIES if (q.dashboard, q.panel) == ("fleet", "Without data"))
    never = expr.replace("driftline_window_end_timestamp_seconds", "driftline_no_such_window")
    assert prometheus.values(never) == [1.0]
    old = expr.replace("time()", "(time() + 1e6)")
    assert prometheus.values(old) == [1.0]
