"""The demo's picture: columns by weeks, coloured by how near the deciding statistic is to its threshold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from monitor.pipeline.results import Result, rfc3339

SHADES = ((0.5, "green4", "·"), (0.8, "green3", "▪"), (1.0, "yellow3", "▪"), (float("inf"), "bright_red", "█"))
NAME = 12  # characters for a column's name


class Heat:
    """A picture of `windows` windows of the `columns`, as wide as it is told; `mark` is the start (ms) of a window."""

    def __init__(self, columns: Sequence[str], starts: Sequence[int], *, mark: int, label: str) -> None:
        self._columns, self._starts, self._mark, self._label = columns, list(starts), mark, label
        self._places = {start: i for i, start in enumerate(self._starts)}
        self._ratios: list[dict[str, float]] = [{} for _ in self._starts]

    def add(self, result: Result) -> None:
        """Take a window's result."""
        place = self._places.get(result.start)
        if place is not None:
            known = {name: column.ratio for name, column in result.columns.items() if column.verdict != "undecided"}
            self._ratios[place] = {name: ratio for name, ratio in known.items() if ratio is not None}

    def render(self, width: int) -> RenderableType:
        """The picture; a cell shows the worst of its windows where they do not all fit."""
        per = -(-len(self._starts) // max(width - NAME - 4, 10))
        groups = [range(i, min(i + per, len(self._starts))) for i in range(0, len(self._starts), per)]
        lines = [self._months(groups), self._arrow(groups)]
        for name in self._columns:
            line = Text(f"{name[:NAME]:>{NAME}}  ")
            for group in groups:
                line.append_text(_cell(self._ratios[i].get(name) for i in group))
            lines.append(line)
        legend = Text(" " * (NAME - 2))
        for (_, colour, sign), text in zip(SHADES, ("well below", "below", "near", "drift"), strict=True):
            legend.append(f"{sign} ", style=colour).append(f"{text}  ", style="dim")
        cell = f"cell {per} weeks" if per > 1 else "cells are weeks"
        legend.append(f"blank undecided  {cell}", style="dim")
        return Group(*lines, legend)

    def _months(self, groups: Sequence[range]) -> Text:
        """Years above the weeks in which they begin."""
        line = [" "] * (len(groups) + 5)
        year = ""
        for place, group in enumerate(groups):
            begins = rfc3339(self._starts[group[0]])[:4]
            if begins != year:
                line[place : place + 4] = list(begins)
                year = begins
        return Text(" " * (NAME + 2) + "".join(line).rstrip(), style="dim")

    def _arrow(self, groups: Sequence[range]) -> Text:
        place = next(i for i, group in enumerate(groups) if self._starts[group[-1]] >= self._mark)
        before = " " * (NAME + 2)
        if place > len(groups) / 2:
            text = f"{self._label} ▼"
            return Text(f"{before}{text:>{place + 1}}", style="bold")
        return Text(f"{before}{' ' * place}▼ {self._label}", style="bold")


def _cell(ratios: Iterable[float | None]) -> Text:
    """One character for the worst of some windows; blank where none is known."""
    known = [ratio for ratio in ratios if ratio is not None]
    if not known:
        return Text(" ")
    worst = max(known)
    _, colour, sign = next(shade for shade in SHADES if worst <= shade[0])
    return Text(sign, style=colour)
