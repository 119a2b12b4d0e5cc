"""Reads the configuration from YAML and tells everything that is wrong with it at once, each mistake with its path."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from monitor import config
from monitor.documents import parse_yaml, read_text
from monitor.errors import DriftlineError
from monitor.nodes import Node
from monitor.settings_kafka import read_kafka
from monitor.settings_models import read_model
from monitor.settings_security import read_server
from monitor.settings_triggers import read_webhook

BOUNDS = {"max_models": (1_000, 100_000), "max_columns": (2_000, 100_000), "max_series": (10_000, 1_000_000)}

LONGEST = 200  # characters of a name


def load(path: Path) -> config.Config:
    """The configuration in a YAML file. Raises DriftlineError with a line for every mistake."""
    return parse(read_text(path), path)


def parse(text: str, path: Path) -> config.Config:
    """The configuration in a YAML text; `path` names it in errors, and files in it are found relative to it."""
    made, mistakes = examine(text, path)
    if mistakes:
        many = "mistake" if len(mistakes) == 1 else "mistakes"
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        raise DriftlineError(f"{path}: {len(mistakes)} {many} in the configuration\n{lines}")
    return made


def examine(text: str, path: Path) -> tuple[config.Config, list[str]]:
    """As much of the configuration as can be read, and every mistake. Raises DriftlineError where it is not YAML."""
    root = Node(parse_yaml(text, path), "", [])
    return _config(root, path), root.mistakes


def _config(root: Node, path: Path) -> config.Config:
    sections = root.fields("models", "budget", "logs", "kafka", "clock", "server", "triggers", *BOUNDS)
    made = config.Config(
        models=tuple(read_model(node, path.parent) for node in sections["models"].items(at_least=1)),
        budget=_budget(sections["budget"]),
        logs=_logs(sections["logs"]),
        kafka=read_kafka(sections["kafka"], path.parent),
        clock=_clock(sections["clock"]),
        server=read_server(sections["server"], path.parent),
        triggers=tuple(read_webhook(node, path.parent) for node in sections["triggers"].hidden().items()),
        path=path,
        **{key: sections[key].integer(default, least=1, most=most) for key, (default, most) in BOUNDS.items()},
    )
    for name, times in Counter(model.name for model in made.models).items():
        if name and times > 1:
            sections["models"].wrong(f"model {name!r} stands twice; give each model one entry, with all its versions")
    _check_bounds(sections["models"], made)
    return made


def _check_bounds(node: Node, made: config.Config) -> None:
    """Models and columns are most of a worker's memory."""
    versions = [(model.name, version, profile) for model in made.models for version, profile in model.versions.items()]
    if len(versions) > made.max_models:
        node.wrong(
            f"expected at most {made.max_models:,} versions of models, got {len(versions):,}; "
            "remove old ones, give each group of workers some of them, or raise max_models"
        )
    for name, version, profile in versions:
        longest = max((column.name for column in profile.columns), key=len, default="")
        if len(longest) > LONGEST:
            node.wrong(
                f"model {name!r} version {version!r}: expected names of columns of at most {LONGEST} characters, got "
                f"{longest[:20]!r}... of {len(longest):,}; build its reference with --ignore"
            )
        if len(profile.columns) > made.max_columns:
            node.wrong(
                f"model {name!r} version {version!r}: expected at most {made.max_columns:,} columns, "
                f"got {len(profile.columns):,}; build its reference with --ignore, or raise max_columns"
            )


def _budget(node: Node) -> config.Budget:
    fields, default = node.fields("pages", "per"), config.Budget()
    pages = fields["pages"].number(default.pages, least=1e-6)
    return config.Budget(pages, fields["per"].duration(default.per, least=1_000))


def _logs(node: Node) -> config.LogFields:
    fields = node.fields("time", "model", "version", "prediction")
    named = {key: child.text() for key, child in fields.items() if child.value is not None}
    return config.LogFields(**named)


def _clock(node: Node) -> config.Clock:
    fields, default = node.fields("disorder", "max_future", "idle"), config.Clock()
    least = {"idle": 1_000}
    read = {key: child.duration(getattr(default, key), least=least.get(key, 0)) for key, child in fields.items()}
    return config.Clock(**read)
