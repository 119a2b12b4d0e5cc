"""A value of a document with its path: reads what it should be, and notes every mistake instead of stopping at one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from monitor.durations import format_duration, parse_duration
from monitor.errors import DriftlineError

SHOWN = 80  # characters of a wrong value in a mistake


@dataclass(frozen=True, slots=True)
class Node:
    """A value at a `path` such as ``models[0].window.size``; None where the document says nothing.

    What is below a wrong value is read as if nothing stood there, and its mistakes are not noted again. The values of
    a `secret` node and of all below it never stand in a mistake.
    """

    value: Any
    path: str
    mistakes: list[str]
    secret: bool = False

    def wrong(self, what: str) -> None:
        """Note a mistake at this place."""
        self.mistakes.append(f"{self.path or 'the document'}: {what}")

    def hidden(self) -> Node:
        """The same, as a secret."""
        return replace(self, secret=True)

    def fields(self, *names: str) -> dict[str, Node]:
        """The node's fields by name; unknown ones are mistakes."""
        if self.value is not None and not isinstance(self.value, dict):
            self._expected(f"fields ({', '.join(names)})")
            return {name: replace(self._child(name), mistakes=[]) for name in names}
        for key in self.value or {}:
            if key not in names:
                close = get_close_matches(str(key), names, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
                self._child(key).wrong(f"unknown field; {hint}")
        return {name: self._child(name) for name in names}

    def mapping(self, *, at_least: int = 0) -> dict[str, Node]:
        """The node's entries by name; whole numbers as names are read as text."""
        value = {} if self.value is None else self.value
        if not isinstance(value, dict) or len(value) < at_least:
            self._expected("at least one `name: value`" if at_least else "`name: value` pairs")
            return {}
        found: dict[str, Node] = {}
        for key in value:
            child = self._child(key)
            if isinstance(key, bool) or not isinstance(key, str | int) or not 0 < len(str(key)) <= 200:
                child.wrong("expected a name of 1 to 200 characters; put it in quotes, YAML reads it as something else")
            elif str(key) in found:
                child.wrong("stands twice, once as a number; keep one")
            else:
                found[str(key)] = child
        return found

    def items(self, *, at_least: int = 0) -> list[Node]:
        """The elements of a list."""
        value = [] if self.value is None else self.value
        if not isinstance(value, list) or len(value) < at_least:
            self._expected(f"a list{' with at least one entry' if at_least else ''}")
            return []
        return [replace(self, value=item, path=f"{self.path}[{i}]") for i, item in enumerate(value)]

    def texts(self, default: tuple[str, ...], *, at_least: int = 0) -> dict[str, Node]:
        """A text, or a list of different ones, each with its place."""
        if self.value is None:
            return dict.fromkeys(default, self)
        nodes = self.items(at_least=at_least) if isinstance(self.value, list) else [self]
        found: dict[str, Node] = {}
        for node in nodes:
            text = node.text()
            if text in found:
                node.wrong(f"{text!r} stands twice; keep one")
            elif text:
                found[text] = node
        return found

    def text(self, default: str | None = None, *, most: int = 1_000) -> str:
        """A text that is not empty; "" where it is none."""
        value = default if self.value is None else self.value
        if isinstance(value, str) and 0 < len(value) <= most and value.isprintable():
            return value
        hint = "; put it in quotes" if isinstance(value, int | float) else ""
        self._expected(f"a printable text of 1 to {most:,} characters", hint)
        return ""

    def boolean(self, default: bool) -> bool:
        """true or false."""
        value = default if self.value is None else self.value
        if not isinstance(value, bool):
            self._expected("true or false")
            return default
        return value

    def integer(self, default: int, *, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = default if self.value is None else self.value
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._expected(f"a whole number from {least:,} to {most:,}")
            return default
        return value

    def number(self, default: float | None, *, least: float, most: float = math.inf) -> float:
        """A finite number within bounds."""
        value = default if self.value is None else self.value
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= min(most, 1e300):
            return float(value)
        self._expected(
            f"a number of at least {least:g}" if most == math.inf else f"a number from {least:g} to {most:g}"
        )
        return least

    def duration(self, default: int | None, *, least: int = 0) -> int:
        """A duration such as 30s, 10m, 1h or 7d, in milliseconds; `least` where it is none."""
        if self.value is None and default is not None:
            return default
        try:
            value = parse_duration(self.value)
        except DriftlineError:
            value = -1
        if value < least:
            bound = f" of at least {format_duration(least)}" if least else ""
            self._expected(f"a duration such as 30s, 10m, 1h or 7d{bound}")
            return least
        return value

    def _expected(self, what: str, hint: str = "") -> None:
        self.wrong(f"expected {what}, got {_shown(self.value, self.secret)}{hint}")

    def _child(self, key: Any) -> Node:
        value = self.value.get(key) if isinstance(self.value, dict) else None
        name = _cut(key if isinstance(key, str) and key.isprintable() else repr(key))
        return replace(self, value=value, path=f"{self.path}.{name}" if self.path else name)


def _shown(value: Any, secret: bool) -> str:
    """A value in words, whole only where it is short, plain and no secret."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        kind = "a list" if isinstance(value, list) else "a mapping"
        return f"{kind} with {len(value)} {'entry' if len(value) == 1 else 'entries'}"
    return "another value (not shown)" if secret else _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
