"""`driftline methods`: what can be computed of a column, and when to take it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.drift.methods import METHODS, Method

LEGEND = """\
Of all, 0 is equal and larger is more drift.
for: columns of numbers, of categories, or any; two: only with two values.
null: it is known how often clean windows exceed a threshold, which may
then be given as a p-value.
cost: CPU, where total_variation is 1; of fisher in large windows.
The names that Evidently, NannyML, Alibi Detect and scipy have for them are
accepted in configurations: docs/methods.md."""


def show() -> None:
    """Print the table."""
    Console().print(methods_table())


def methods_table() -> RenderableType:
    """A row per method, those that are computed by default in a table of their own."""
    chosen = [method for method in METHODS.values() if method.default]
    others = [method for method in METHODS.values() if not method.default]
    parts = _table("By default", chosen), Text(), _table("On request, in `methods` of a column", others)
    return Group(*parts, Text(), Text(LEGEND, style="dim"))


def _table(title: str, methods: Sequence[Method]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("method", no_wrap=True, min_width=max(map(len, METHODS)))
    table.add_column("for", no_wrap=True, min_width=len("categories"))
    table.add_column("range", no_wrap=True)
    for name in ("null", "cost"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("what it is, and when to take it", ratio=1)
    for method in methods:
        table.add_row(*_cells(method))
    return table


def columns_for(method: Method) -> str:
    """The columns that a method fits, in a word."""
    kinds = "any" if len(method.kinds) > 1 else "numbers" if "ordered" in method.kinds else "categories"
    return "two" if method.binary else kinds


def _cells(method: Method) -> tuple[Text, str, str, str, str, Text]:
    null = "yes" if method.critical else "–"
    what = Text(f"{method.title}. ").append(method.use, style="dim")
    return Text(method.name, style="cyan"), columns_for(method), method.range, null, f"{method.cost:g}", what
