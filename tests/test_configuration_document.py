"""docs/configuration.md says every field, the defaults that the code has, and an example that works."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

from monitor import config, settings
from monitor.drift.windows import Windows
from tests.examples import profile, profile_file


def documented() -> str:
    return (Path(__file__).parents[1] / "docs" / "configuration.md").read_text()


def test_every_field_of_the_configuration_is_documented() -> None:
    text = documented()
    renamed = {
        "windows": "window",
        "path": None,
        "secret": "secret_file",
        "password": "password_file",
        "since": "from",
        "changes": None,
        "scale": "zone",
    }  # named otherwise in YAML, or not there
    kinds = [kind for kind in vars(config).values() if is_dataclass(kind) and kind.__module__ == config.__name__]
    names = {renamed.get(f.name, f.name) for kind in (*kinds, Windows) for f in fields(kind)} - {None}

    assert len(kinds) >= 10
    assert not [name for name in sorted(map(str, names)) if f"`{name}`" not in text]


def test_every_field_that_is_read_is_documented(tmp_path: Path) -> None:
    probe = (
        "zz: 1\nmodels: [{zz: 1, window: {zz: 1}, columns: {age0: {zz: 1, thresholds: {ks: {zz: 1}}}}}]\n"
        + "".join(f"{name}: {{zz: 1}}\n" for name in ("budget", "logs", "clock", "server"))
        + "kafka: {zz: 1, topics: {zz: 1}, security: {zz: 1, tls: {zz: 1}, sasl: {zz: 1}}}\ntriggers: [{zz: 1}]"
    )
    known = [
        m.split("known are ")[1]
        for m in settings.examine(probe, tmp_path / "driftline.yaml")[1]
        if "known are " in m and "unknown field" in m
    ]

    assert len(known) == 15
    names = {name for line in known for name in line.split(", ")}
    assert not [name for name in sorted(names) if f"`{name}`" not in documented()]


def test_the_documented_example_is_a_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", documented(), re.DOTALL)[:1]
    (tmp_path / "profiles").mkdir()
    profile_file(tmp_path / "profiles", profile())
    (tmp_path / "webhook-secret").write_text("hush")

    assert settings.parse(example, tmp_path / "driftline.yaml").models[0].name == "credit"


def test_documented_defaults_are_the_ones_in_the_code() -> None:
    text = documented()
    for name, value in {
        "partitions": config.Kafka().partitions,
        "block": f"{config.Kafka().block:,}",
        "port": config.Server().port,
        "min_events": config.Model("", {}, Windows(1, 1)).min_events,
        "recovery": config.Model("", {}, Windows(1, 1)).recovery,
        "flush": "500ms",
        "checkpoint": "10s",
        "disorder": "10s",
        "max_future": "5m",
        "idle": "30s",
    }.items():
        assert re.search(rf"\| `{name}` \| {value} \|", text), name
