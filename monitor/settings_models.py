"""The models of a configuration: reference profiles, windows, and the rules of single columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monitor import config
from monitor.drift.bins import MISSING
from monitor.drift.episodes import RECOVERY
from monitor.drift.methods import METHODS, method
from monitor.drift.profiles import Column, Profile
from monitor.drift.thresholds import Fixed, Rule, Significant, default_rule
from monitor.errors import DriftlineError
from monitor.nodes import Node
from monitor.settings_references import read_references
from monitor.settings_windows import read_windows


def read_model(node: Node, folder: Path) -> config.Model:
    """One entry of `models`; its profiles are found relative to `folder`."""
    fields = node.fields("name", "versions", "window", "segments", "columns", "min_events", "recovery")
    name = fields["name"].text(most=200)
    windows = read_windows(fields["window"])
    read = {
        version: read_references(child, folder, windows, owner=(name, version))
        for version, child in fields["versions"].mapping(at_least=1).items()
    }
    references = {version: found for version, found in read.items() if found}
    listed = [reference for found in references.values() for reference in found]
    profiles = [reference.profile for reference in listed]
    compared = [profile for reference in listed for profile in reference.compare.values()]
    columns = {key: _column(child, key, [*profiles, *compared]) for key, child in fields["columns"].mapping().items()}
    least = fields["min_events"].integer(200, least=1, most=10**9)
    versions = {version: found[0].profile for version, found in references.items()}
    changes = {
        version: found for version, found in references.items() if found[-1].since is not None or found[0].compare
    }
    recovery = fields["recovery"].integer(RECOVERY, least=1, most=10_000)
    segments = _segments(fields["segments"], profiles)
    return config.Model(name, versions, windows, columns, least, changes, recovery, segments)


def _segments(node: Node, profiles: Sequence[Profile]) -> tuple[str, ...] | None:
    """Names of segmentations of the profiles; None for all of them."""
    if node.value is None:
        return None
    known = sorted({found.name for profile in profiles for found in profile.segmentations})
    names = []
    for child in node.items():
        name = child.text()
        if name and profiles and name not in known:
            built = f"known are {'; '.join(known)}" if known else "they were built without --segments"
            child.wrong(f"no reference profile has segments by {name!r}; {built}")
        names.append(name)
    return tuple(dict.fromkeys(names))


def _column(node: Node, name: str, profiles: Sequence[Profile]) -> config.ColumnRules:
    fields = node.fields("methods", "primary", "thresholds")
    columns = [column for profile in profiles for column in profile.columns]
    own = [column for column in columns if column.name == name]
    if columns and not own:
        known = ", ".join(sorted({column.name for column in columns}))
        node.wrong(f"no reference profile has a column {name!r}; known are {known}")
    methods = tuple(dict.fromkeys(_method(child, own) for child in fields["methods"].items()))
    primary = _method(fields["primary"], own) if fields["primary"].value is not None else None
    thresholds: dict[str, Rule] = {}
    for given, child in fields["thresholds"].mapping().items():
        key = _method(Node(given, child.path, child.mistakes), own)
        if key in thresholds:
            child.wrong(f"method {key!r} has two thresholds, under two of its names; keep one")
        thresholds[key] = _rule(child, key)
        if methods and key not in {*methods, primary}:
            child.wrong(f"method {key!r} is not among the column's methods; add it there, or remove its threshold")
    rules = config.ColumnRules(methods or None, primary, thresholds)
    _check_deciding(node, rules)
    return rules


def _check_deciding(node: Node, rules: config.ColumnRules) -> None:
    """The deciding method needs a threshold: without one the column would stay undecided for ever."""
    deciding = rules.primary or (rules.methods[0] if rules.methods else None)
    if deciding in METHODS and deciding not in rules.thresholds and not default_rule(METHODS[deciding], pvalue=0.05):
        node.wrong(f"method {deciding!r} decides, but has no customary threshold; give one in `thresholds`")


def _method(node: Node, columns: Sequence[Column]) -> str:
    """The name that the method has here; it must fit the column in every reference."""
    name = node.text()
    if not name:
        return name
    try:
        found = method(name)
    except DriftlineError as error:
        node.wrong(str(error))
        return name
    kinds = {"ordered" if column.ordered else "unordered" for column in columns}
    values = max((np.count_nonzero(column.counts[:MISSING]) for column in columns), default=0)
    if unfit := kinds - found.kinds:
        fitting = ", ".join(m.name for m in METHODS.values() if kinds <= m.kinds and (values < 3 or not m.binary))
        node.wrong(f"method {name!r} is not for a column with {min(unfit)} bins; take one of {fitting}")
    elif found.binary and values > 2:
        node.wrong(f"method {name!r} is for a column with two values, the reference has {values:,}; take another")
    return found.name


def _rule(node: Node, name: str) -> Rule:
    """A number, or `drift` and `warning`, or `pvalue` and `floor`."""
    if not isinstance(node.value, dict):
        return Fixed(node.number(None, least=0.0))
    fields = node.fields("drift", "warning", "pvalue", "floor")
    given = {key for key, child in fields.items() if child.value is not None}
    if given & {"drift", "warning"} and given & {"pvalue", "floor"}:
        node.wrong("expected drift and warning, or pvalue and floor, got some of both; keep one pair")
    if "pvalue" not in given and "floor" not in given:
        drift = fields["drift"].number(None, least=0.0)
        warning = fields["warning"].number(None, least=0.0) if "warning" in given else None
        if warning is not None and warning > drift:
            fields["warning"].wrong(f"expected at most the threshold for drift, {drift:g}, got {warning:g}")
        return Fixed(drift, warning)
    if name in METHODS and METHODS[name].critical is None:
        able = ", ".join(m.name for m in METHODS.values() if m.critical)
        node.wrong(f"method {name!r} has no p-value; give a number as its threshold, or use one of {able}")
    floor = fields["floor"].number(None, least=0.0, most=1e100) if "floor" in given else None
    return Significant(fields["pvalue"].number(None, least=1e-300, most=0.5), floor)
