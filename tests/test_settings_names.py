"""Names in a configuration reach labels, logs, pages and messages: what does not print is refused."""

from pathlib import Path

import pytest
import yaml

from monitor import settings


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "a\u202eb", "", "x" * 201])
def test_a_name_that_does_not_print_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    text = yaml.safe_dump({"models": [{"name": name, "versions": {"3": "x.json"}, "window": {"size": "1h"}}]})
    _, mistakes = settings.examine(text, tmp_path / "driftline.yml")
    assert any(mistake.startswith("models[0].name: expected a printable text of 1 to 200") for mistake in mistakes)
    assert all(mistake.isprintable() for mistake in mistakes)


def test_a_version_that_does_not_print_is_refused(tmp_path: Path) -> None:
    text = yaml.safe_dump({"models": [{"name": "a", "versions": {"3\n": "x.json"}, "window": {"size": "1h"}}]})
    _, mistakes = settings.examine(text, tmp_path / "driftline.yml")
    assert any("expected a printable version" in mistake for mistake in mistakes)
