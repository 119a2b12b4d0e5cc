"""Every expression parses, names metrics that exist, and is right about counters, windows of time and workers."""

import doctest
import re

import promql_parser
import pytest

from dashboards import queries as module
from dashboards.queries import Query, all_queries, fill, queries
from monitor.metrics_names import METRIC_NAMES, TABLE
from tests.dashboards import promql
from tests.dashboards.boards import BOARDS

RAW = [query for name, board in BOARDS.items() for query in queries(name, board)]
FILLED = list(all_queries(model='cre"d.it', version="3", segment="country=DE", column="age"))
FOREIGN = {"ALERTS", "up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
# Where a worker itself is looked at; everywhere else its address would cut a model's history at a rebalance.
BY_WORKER = {"CPU", "Memory", "Partitions owned"}


def name(query: object) -> str:
    return f"{query.dashboard} {query.panel}" if isinstance(query, Query) else str(query)


@pytest.mark.parametrize("query", FILLED, ids=name)
def test_a_query_parses_and_no_variable_is_left_in_it(query: Query) -> None:
    assert "$" not in query.expr.replace("^$", "")
    promql.parse(query.expr)


def test_every_board_every_variable_and_every_annotation_is_among_the_queries() -> None:
    for board, made in BOARDS.items():
        found = [query.panel for query in FILLED if query.dashboard == board]
        variables = [f"variable {v['name']}" for v in made["templating"]["list"] if v["type"] == "query"]
        annotations = [f"annotation {a['name']}" for a in made["annotations"]["list"]]
        assert found[len(found) - len(variables + annotations) :] == variables + annotations


@pytest.mark.parametrize("query", FILLED, ids=name)
def test_a_metric_that_is_named_exists(query: Query) -> None:
    assert promql.metrics(query.expr) <= METRIC_NAMES | FOREIGN


def test_every_metric_is_on_a_board() -> None:
    """What nobody can see need not be exposed."""
    shown = set().union(*(promql.metrics(query.expr) for query in FILLED))
    assert {spec.full for spec in TABLE.values()} <= {name.removesuffix("_bucket") for name in shown}


@pytest.mark.parametrize("query", FILLED, ids=name)
def test_the_address_of_a_worker_does_not_come_through(query: Query) -> None:
    parsed = promql.parse(query.expr)
    assert [label for label in ("job", "pod") if promql.keeps(parsed, label)] == []
    assert promql.keeps(parsed, "instance") == (query.panel in BY_WORKER)


@pytest.mark.parametrize(
    ("expr", "kept"),
    [
        ("x", True),
        ("rate(x[1m])", True),
        ("sum(x)", False),
        ("max by (instance) (x)", True),
        ("max without (instance) (x)", False),
        ("max without (job) (x)", True),
        ("topk(3, x)", True),
        ("topk(3, sum by (a) (x))", False),
        ("sum(x) and on () y", False),
        ("sum by (a) (x) / on (a) y", True),
        ("time() - max(x)", False),
    ],
)
def test_the_check_for_addresses_can_fail(expr: str, kept: bool) -> None:
    assert promql.keeps(promql.parse(expr), "instance") == kept


@pytest.mark.parametrize("query", FILLED, ids=name)
def test_a_counter_is_only_seen_as_a_rate_or_an_increase(query: Query) -> None:
    for node, above in promql.walk(promql.parse(query.expr)):
        if isinstance(node, promql_parser.VectorSelector) and str(node.name).endswith(("_total", "_bucket")):
            functions = [each.func.name for each in above if isinstance(each, promql_parser.Call)]
            assert functions[-1] in {"rate", "increase"}


@pytest.mark.parametrize("query", RAW, ids=name)
def test_a_range_is_grafanas_and_fixed_only_where_a_title_or_a_step_is_too(query: Query) -> None:
    ranges = set(re.findall(r"\[(.+?)\]", query.expr))
    fixed = {"annotation": {"2m"}, "Refused in an hour": {"1h"}}
    allowed = fixed.get(query.panel.split(" ")[0], fixed.get(query.panel, {"$__rate_interval", "$__range"}))
    assert ranges <= allowed
    assert not re.search(r"rate\([^[]+\[(?!\$__rate_interval)", query.expr)


def test_all_events_are_chosen_by_the_absence_of_a_segment() -> None:
    expr = 'x{segment=~"$segment"}'
    assert fill(expr, {"segment": ""}) == 'x{segment=~"^$"}'
    assert fill(expr, {"segment": "a.b"}) == r'x{segment=~"a\\.b"}'


def test_the_example_of_how_variables_are_filled_in_is_true() -> None:
    assert doctest.testmod(module).failed == 0
