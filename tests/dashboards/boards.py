"""The generated boards as the tests see them."""

import json
from typing import Any

from dashboards.build import GENERATED
from dashboards.queries import panels

Json = dict[str, Any]

NAMES = ("column", "fleet", "model", "pipeline")
BOARDS: dict[str, Json] = {name: json.loads((GENERATED / f"{name}.json").read_text()) for name in NAMES}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in panels(board)]
QUERIED = [(name, panel) for name, panel in PANELS if panel.get("targets")]


def title(value: object) -> str:
    """How pytest names a case."""
    return value["title"] if isinstance(value, dict) else str(value)


def data_links(panel: Json) -> list[Json]:
    """Every link of a panel's fields."""
    config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
    properties = [prop for override in config["overrides"] for prop in override["properties"]]
    return config["defaults"].get("links", []) + [link for p in properties if p["id"] == "links" for link in p["value"]]
