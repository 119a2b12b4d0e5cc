"""Single mistakes in a configuration: each is told once, with its place, what was expected and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from monitor import settings
from tests.examples import MODEL, profile, profile_file
from tests.mistakes_outside import MISTAKES as OUTSIDE

EXPECTED_FIELDS = "models, budget, logs, kafka, clock, server, triggers, max_models, max_columns, max_series"


def model(**entries: object) -> str:
    """The configuration with other entries in its only model; None removes one."""
    made = yaml.safe_load(MODEL)
    made["models"][0] |= entries
    made["models"][0] = {key: value for key, value in made["models"][0].items() if value is not None}
    return yaml.safe_dump(made)


def column(name: str, rules: object) -> str:
    return model(columns={name: rules})


MISTAKES = [
    ("", ["models: expected a list with at least one entry, got nothing"]),
    ("hello", [f"the document: expected fields ({EXPECTED_FIELDS}), got 'hello'"]),
    ("[1, 2]", [f"the document: expected fields ({EXPECTED_FIELDS}), got a list with 2 entries"]),
    ("models: []", ["models: expected a list with at least one entry, got a list with 0 entries"]),
    ("models: credit", ["models: expected a list with at least one entry, got 'credit'"]),
    (
        "models: [credit]",
        ["models[0]: expected fields (name, versions, window, segments, columns, min_events, recovery), got 'credit'"],
    ),
    (
        model(versions={"3": "credit-3.json", "4": "credit-4.json"}) + "max_models: 1",
        [
            "models: expected at most 1 versions of models, got 2; remove old ones, give each group of workers some of "
            "them, or raise max_models"
        ],
    ),
    (
        MODEL + "max_columns: 2",
        [
            "models: model 'credit' version '3': expected at most 2 columns, got 3; build its reference with --ignore, "
            "or raise max_columns"
        ],
    ),
    (MODEL + "kafka: {panes: 0}", ["kafka.panes: expected a whole number from 1 to 1,000,000, got 0"]),
    (
        MODEL + "kafka: {event: 9}",
        ["kafka.event: expected a whole number from 1,000 to 15,000,000, got 9"],
    ),
    (MODEL + "kafak: {}", ["kafak: unknown field; did you mean 'kafka'?"]),
    (MODEL + "colour: red", [f"colour: unknown field; known are {EXPECTED_FIELDS}"]),
    (
        model(name=3),
        ["models[0].name: expected a printable text of 1 to 200 characters, got 3; put it in quotes"],
    ),
    (model(name="a\nb"), ["models[0].name: expected a printable text of 1 to 200 characters, got 'a\\nb'"]),
    (
        model(segments=["country", "city"]),
        [
            "models[0].segments[0]: no reference profile has segments by 'country'; they were built without --segments",
            "models[0].segments[1]: no reference profile has segments by 'city'; they were built without --segments",
        ],
    ),
    (model(segments="country"), ["models[0].segments: expected a list, got 'country'"]),
    (model(versions=None), ["models[0].versions: expected at least one `name: value`, got nothing"]),
    (model(versions={}), ["models[0].versions: expected at least one `name: value`, got a mapping with 0 entries"]),
    (
        "models: [{name: credit, versions: {3.10: credit-3.json}, window: {size: 1h}}]",
        [
            "models[0].versions.3.1: expected a name of 1 to 200 characters; "
            "put it in quotes, YAML reads it as something else"
        ],
    ),
    (
        "models: [{name: credit, versions: {3: credit-3.json, '3': credit-3.json}, window: {size: 1h}}]",
        ["models[0].versions.3: stands twice, once as a number; keep one"],
    ),
    (
        model(versions={"3": "missing.json"}),
        [
            "models[0].versions.3: missing.json cannot be read: No such file or directory; "
            "build it with `driftline reference build`"
        ],
    ),
    (
        model(versions={"3": ["credit-3.json", "credit-3.json"]}),
        [
            "models[0].versions.3[1]: expected `profile` and `from`: "
            "since when does this reference follow the one before it?"
        ],
    ),
    (
        model(versions={"3": ["credit-3.json", {"profile": "credit-3.json", "from": "2026-12-01T00:30:00Z"}]}),
        [
            "models[0].versions.3[1].from: expected the start of a window, such as 2026-12-01T00:00:00+00:00 or "
            "2026-12-01T01:00:00+00:00: no window may have events of two references"
        ],
    ),
    (
        model(versions={"3": ["credit-3.json", {"profile": "credit-3.json", "from": "2026-12-01T00:00:00"}]}),
        ["models[0].versions.3[1].from: expected a time with its zone, such as 2026-12-01T00:00:00Z; put it in quotes"],
    ),
    (
        model(
            versions={
                "3": [
                    {"profile": "credit-3.json", "from": "2026-12-02T00:00:00Z"},
                    {"profile": "credit-3.json", "from": "2026-12-01T00:00:00Z"},
                ]
            }
        ),
        [
            "models[0].versions.3[1]: expected a `from` after that of the reference before it; "
            "list them in the order of time"
        ],
    ),
    (
        model(versions={"4": "credit-3.json"}),
        [
            "models[0].versions.4: expected the reference of model 'credit' version '4', "
            "but credit-3.json is of model 'credit' version '3'"
        ],
    ),
    (
        model(window=None),
        ["models[0].window.size: expected a duration such as 30s, 10m, 1h or 7d of at least 1s, got nothing"],
    ),
    (
        model(window={"size": 3600}),
        ["models[0].window.size: expected a duration such as 30s, 10m, 1h or 7d of at least 1s, got 3600"],
    ),
    (
        model(window={"size": "1h", "step": "2h"}),
        ["models[0].window: expected 0 < step <= size, got step 7200000 ms and size 3600000 ms"],
    ),
    (
        model(window={"size": "1h", "lateness": "soon"}),
        ["models[0].window.lateness: expected a duration such as 30s, 10m, 1h or 7d, got 'soon'"],
    ),
    (model(min_events=0), ["models[0].min_events: expected a whole number from 1 to 1,000,000,000, got 0"]),
    (model(recovery=0), ["models[0].recovery: expected a whole number from 1 to 10,000, got 0"]),
    (model(min_events=True), ["models[0].min_events: expected a whole number from 1 to 1,000,000,000, got True"]),
    (
        column("agee", {"methods": ["psi"]}),
        ["models[0].columns.agee: no reference profile has a column 'agee'; known are age0, country, score"],
    ),
    (
        column("age0", {"methods": ["psi2"]}),
        [
            "models[0].columns.age0.methods[0]: unknown method 'psi2'; known are anderson_darling, chi2, "
            "cramer_von_mises, energy, fisher, g_test, hellinger, js, kl, ks, kuiper, l_infinity, mann_whitney, psi, "
            "t_test, total_variation, wasserstein, wasserstein_normed, z_test"
        ],
    ),
    (
        column("country", {"primary": "ks"}),
        [
            "models[0].columns.country.primary: method 'ks' is not for a column with unordered bins; "
            "take one of chi2, fisher, g_test, hellinger, js, kl, l_infinity, psi, total_variation, z_test"
        ],
    ),
    (
        column("age0", {"methods": ["z"]}),
        [
            "models[0].columns.age0.methods[0]: method 'z' is for a column with two values, the reference has 3; "
            "take another"
        ],
    ),
    (
        column("age0", {"thresholds": {"ks": 0.2, "KSDrift": 0.3}}),
        ["models[0].columns.age0.thresholds.ks: method 'ks' has two thresholds, under two of its names; keep one"],
    ),
    (
        column("age0", {"primary": "wasserstein"}),
        [
            "models[0].columns.age0: method 'wasserstein' decides, but has no customary threshold; "
            "give one in `thresholds`"
        ],
    ),
    (
        column("age0", {"methods": ["ks"], "thresholds": {"psi": 0.2}}),
        [
            "models[0].columns.age0.thresholds.psi: method 'psi' is not among the column's methods; "
            "add it there, or remove its threshold"
        ],
    ),
    (
        column("age0", {"thresholds": {"psi": "0.2"}}),
        ["models[0].columns.age0.thresholds.psi: expected a number of at least 0, got '0.2'"],
    ),
    (
        column("age0", {"thresholds": {"psi": {"drift": 0.2, "warning": 0.3}}}),
        ["models[0].columns.age0.thresholds.psi.warning: expected at most the threshold for drift, 0.2, got 0.3"],
    ),
    (
        column("age0", {"thresholds": {"psi": {"pvalue": 0.01}}}),
        [
            "models[0].columns.age0.thresholds.psi: method 'psi' has no p-value; "
            "give a number as its threshold, or use one of anderson_darling, chi2, cramer_von_mises, fisher, g_test, "
            "ks, kuiper, mann_whitney, t_test, z_test"
        ],
    ),
    (
        column("age0", {"thresholds": {"ks": {"pvalue": 0.7}}}),
        ["models[0].columns.age0.thresholds.ks.pvalue: expected a number from 1e-300 to 0.5, got 0.7"],
    ),
    (
        column("age0", {"thresholds": {"ks": {"pvalue": 0.1, "drift": 0.2}}}),
        [
            "models[0].columns.age0.thresholds.ks: expected drift and warning, or pvalue and floor, "
            "got some of both; keep one pair"
        ],
    ),
    (
        "models: [{name: credit, versions: {'3': credit-3.json}, window: {size: 1h}},"
        " {name: credit, versions: {'3': credit-3.json}, window: {size: 1h}}]",
        ["models: model 'credit' stands twice; give each model one entry, with all its versions"],
    ),
    (MODEL + "budget: {pages: .inf}", ["budget.pages: expected a number of at least 1e-06, got inf"]),
    (MODEL + "budget: {pages: -1}", ["budget.pages: expected a number of at least 1e-06, got -1"]),
    (
        MODEL + "budget: {per: 0}",
        ["budget.per: expected a duration such as 30s, 10m, 1h or 7d of at least 1s, got 0"],
    ),
    (
        MODEL + "logs: {time: 5}",
        ["logs.time: expected a printable text of 1 to 1,000 characters, got 5; put it in quotes"],
    ),
    *OUTSIDE,
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_exactly_once_with_its_place(text: str, expected: list[str], tmp_path: Path) -> None:
    for version in "34":
        profile_file(tmp_path, profile(version=version))

    assert settings.examine(text, tmp_path / "driftline.yaml")[1] == expected


def test_the_table_has_enough_mistakes() -> None:
    assert len(MISTAKES) >= 30
