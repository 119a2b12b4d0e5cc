"""The page of faults shows the outcomes that were kept, and none that is wrong."""

from __future__ import annotations

from tests.faults import report


def test_the_page_shows_the_outcomes_that_were_kept() -> None:
    page = report.PAGE.read_text()
    _, _, rest = page.partition(report.BEGIN)
    assert rest.partition(report.END)[0].strip() == report.table(report.read())


def test_every_row_is_on_the_page_and_none_is_wrong_or_void() -> None:
    found = {row: outcome["verdict"] for row, outcome in report.read().items()}
    assert found.keys() == {f"F{number}" for number in range(1, 28)}
    assert set(found.values()) <= {"exact", "not run"}
