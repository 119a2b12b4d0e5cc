"""Rules that every board obeys; after Grafana's dashboard-linter, and for a reader who is in a hurry."""

import itertools
import re

import pytest

from dashboards import links
from tests.dashboards.boards import BOARDS, NAMES, PANELS, QUERIED, Json, data_links, title

UIDS = {f"driftline-{name}" for name in NAMES}
BUILT_IN = {"__rate_interval", "__range", "__url_time_range", "__data", "__field"}
GLOBAL = re.compile(r"\$\{?(\w+)")


def variables(name: str) -> set[str]:
    return {variable["name"] for variable in BOARDS[name]["templating"]["list"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_board_has_the_settings_that_all_share(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == f"driftline-{name}"
    assert board["tags"] == ["driftline"]
    assert board["title"]
    assert board["description"].endswith("?")  # a board answers a question
    assert (board["editable"], board["graphTooltip"], board["refresh"]) == (False, 1, "30s")
    assert board["schemaVersion"] >= 39
    assert not {"__inputs", "rows", "style", "sharedCrosshair", "hideControls", "id"} & board.keys()


@pytest.mark.parametrize("name", NAMES)
def test_the_boards_are_linked_and_keep_time_and_variables(name: str) -> None:
    (link,) = BOARDS[name]["links"]
    assert (link["type"], link["tags"], link["keepTime"], link["includeVars"]) == (
        "dashboards",
        ["driftline"],
        True,
        True,
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fleet", ["datasource", "model"]),
        ("model", ["datasource", "model", "version", "segment"]),
        ("column", ["datasource", "model", "version", "segment", "column"]),
        ("pipeline", ["datasource"]),
    ],
)
def test_a_board_has_the_variables_that_it_needs_from_the_outer_to_the_inner(name: str, expected: list[str]) -> None:
    listed = BOARDS[name]["templating"]["list"]
    assert [variable["name"] for variable in listed] == expected
    assert all({"text", "value"} <= variable["current"].keys() for variable in listed)
    assert listed[0]["type"] == "datasource"
    assert listed[0]["current"]["value"] == "prometheus"


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=title)
def test_a_panel_has_a_title_a_description_and_a_unit(name: str, panel: Json) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["type"] in {"text", "alertlist"} or panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.parametrize("name", NAMES)
def test_titles_and_numbers_of_panels_are_unique(name: str) -> None:
    titles = [panel["title"] for board, panel in PANELS if board == name]
    assert len(titles) == len(set(titles))
    top = BOARDS[name]["panels"]
    numbers = [panel["id"] for panel in (*top, *itertools.chain.from_iterable(p.get("panels", ()) for p in top))]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(("name", "panel"), QUERIED, ids=title)
def test_a_panel_and_its_queries_ask_the_data_source_that_is_chosen(name: str, panel: Json) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [chosen] * (
        1 + len(panel["targets"])
    )


@pytest.mark.parametrize(("name", "panel"), QUERIED, ids=title)
def test_queries_of_a_panel_can_be_told_apart(name: str, panel: Json) -> None:
    targets = panel["targets"]
    assert len({target["refId"] for target in targets}) == len(targets)
    if panel["type"] == "timeseries":
        assert all(target["legendFormat"] for target in targets)


def cells(panel: Json) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    across, down = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return set(itertools.product(across, down))


@pytest.mark.parametrize("name", NAMES)
def test_panels_fill_24_columns_and_do_not_overlap(name: str) -> None:
    """A gap would look like a panel that failed to load."""
    places = [cells(panel) for panel in BOARDS[name]["panels"]]
    together = set().union(*places)

    assert sum(map(len, places)) == len(together)
    assert together == set(itertools.product(range(24), range(1 + max(y for _, y in together))))


LISTS = [(name, panel) for name, panel in QUERIED if panel["type"] in {"table", "status-history", "state-timeline"}]


@pytest.mark.parametrize(("name", "panel"), LISTS, ids=title)
def test_rows_of_tables_and_bars_of_timelines_lead_onward(name: str, panel: Json) -> None:
    assert data_links(panel)


@pytest.mark.parametrize(("name", "panel"), [(n, p) for n, p in PANELS if data_links(p)], ids=title)
def test_a_link_leads_to_a_board_that_exists_and_knows_what_it_is_given(name: str, panel: Json) -> None:
    for link in data_links(panel):
        found = re.fullmatch(r"/d/(driftline-\w+)\?(.+)", link["url"])
        assert found, link
        uid, parts = found[1], found[2].split("&")
        assert uid in UIDS
        target = variables(uid.removeprefix("driftline-"))
        kept = {part.removeprefix("${").removesuffix(":queryparam}") for part in parts if "queryparam" in part}
        given = {part.removeprefix("var-").split("=")[0] for part in parts if part.startswith("var-")}
        assert "${__url_time_range}" in parts
        assert "datasource" in kept
        assert kept <= variables(name)
        assert kept | given <= target
        assert not kept & given


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_that_is_used_is_declared_before(name: str) -> None:
    known = set(BUILT_IN)
    for variable in BOARDS[name]["templating"]["list"]:
        assert set(GLOBAL.findall(str(variable["query"]))) <= known
        known.add(variable["name"])
    shown = [panel for board, panel in PANELS if board == name and panel["type"] != "text"]
    assert set(GLOBAL.findall(str([shown, BOARDS[name]["annotations"]]))) <= known


def test_the_names_of_the_boards_are_those_that_alerts_point_to() -> None:
    assert {links.FLEET, links.MODEL, links.COLUMN, links.PIPELINE} == UIDS


def test_alerts_are_marked_on_every_board() -> None:
    for board in BOARDS.values():
        assert "Alerts" in [annotation["name"] for annotation in board["annotations"]["list"]]
