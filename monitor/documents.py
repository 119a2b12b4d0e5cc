"""YAML as we accept it: bounded, no aliases, no repeated keys, no objects, and errors that quote no line of it."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from monitor.errors import DriftlineError

MAX_BYTES = 1_000_000
MAX_DEPTH = 50  # lists and mappings within each other; a configuration needs eight

# What PyYAML raises for odd scalars, beside its own errors: `!!int x`, 2001-99-99, a number of 5,000 digits.
ODD = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)


def read_text(path: Path) -> str:
    """The text of a configuration file. Raises DriftlineError if it cannot be read, is not UTF-8, or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise DriftlineError(f"{path}: expected a configuration of at most {MAX_BYTES:,} bytes, got more")
        return data.decode("utf-8")
    except OSError as error:
        raise DriftlineError(f"{path}: cannot be read as a configuration: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DriftlineError(f"{path}: expected text in UTF-8, got another byte at {error.start:,}") from error


def parse_yaml(text: str, path: Path) -> Any:
    """The document in a YAML text. Raises DriftlineError with the line; the line itself may hold a secret."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise DriftlineError(f"{path}: not YAML that we accept: {error.problem}{line}") from None
    except (yaml.YAMLError, *ODD) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else type(error).__name__
        raise DriftlineError(f"{path}: not YAML that we accept: a value cannot be read ({reason})") from None


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases (a few of them can expand to gigabytes) and without repeated keys."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it unannotated
            raise yaml.composer.ComposerError(None, None, "aliases are refused; write the value out", mark)
        if self.depth == MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the same
            raise yaml.composer.ComposerError(None, None, f"nested more than {MAX_DEPTH} deep", mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):
                if key in seen:
                    problem = "a key stands twice in one mapping; keep one of them"
                    raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
                seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 1e-6 as text, unless it is written 1.0e-6.
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+\Z"), list("-+0123456789"))
