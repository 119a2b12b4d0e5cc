"""Every mistake in a configuration names the place, what was expected, what was found, and what to do."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from monitor import config, settings
from monitor.drift.thresholds import Fixed, Significant
from monitor.drift.windows import Windows
from monitor.errors import DriftlineError
from tests.examples import HOUR, MODEL, profile, profile_file, segmented


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    profile_file(tmp_path, profile())
    return tmp_path


def parse(text: str, folder: Path) -> config.Config:
    return settings.parse(text, folder / "driftline.yaml")


def mistakes(text: str, folder: Path) -> list[str]:
    return settings.examine(text, folder / "driftline.yaml")[1]


def test_the_shortest_configuration_gets_defaults_that_serve(folder: Path) -> None:
    made = parse(MODEL, folder)

    assert [m.name for m in made.models] == ["credit"]
    assert made.models[0].windows == Windows(HOUR, HOUR)
    assert made.models[0].versions["3"].fingerprint == profile().fingerprint
    assert made.kafka == config.Kafka()
    assert made.clock == config.Clock()
    assert made.server == config.Server()
    assert (made.budget, made.triggers, made.max_series) == (config.Budget(), (), 10_000)


def test_methods_may_have_the_names_that_other_tools_give_them(folder: Path) -> None:
    rules = "{methods: [kolmogorov_smirnov, KSDrift, psi], primary: ks_2samp, thresholds: {ks_2samp: 0.2}}"
    made = parse(MODEL.replace("size: 1h}}", f"size: 1h}}, columns: {{age0: {rules}}}}}"), folder)
    assert made.models[0].columns["age0"] == config.ColumnRules(("ks", "psi"), "ks", {"ks": Fixed(0.2)})


def test_everything_that_can_be_said_of_a_model_is_understood(folder: Path) -> None:
    made = parse(
        """
models:
  - name: credit
    versions: {3: credit-3.json}
    window: {size: 2h, step: 30m, lateness: 10m, offset: 5m}
    min_events: 50
    recovery: 5
    columns:
      age0: {methods: [psi, ks], primary: ks, thresholds: {psi: 0.25, ks: {pvalue: 1e-6, floor: 0.1}}}
      country: {methods: [psi], thresholds: {psi: {drift: 0.3, warning: 0.2}}}
""",
        folder,
    )

    credit = made.models[0]
    assert credit.windows == Windows(2 * HOUR, HOUR // 2, HOUR // 6, HOUR // 12)
    assert (credit.min_events, credit.recovery) == (50, 5)
    assert credit.columns["age0"] == config.ColumnRules(
        ("psi", "ks"), "ks", {"psi": Fixed(0.25), "ks": Significant(1e-6, 0.1)}
    )
    assert credit.columns["country"].thresholds == {"psi": Fixed(0.3, 0.2)}


def test_everything_that_can_be_said_of_logs_and_kafka_is_understood(folder: Path) -> None:
    made = parse(
        MODEL
        + """
logs: {time: ts, model: m, version: v, prediction: p}
kafka:
  brokers: ["a:9092", "[::1]:9093"]
  predictions: [p1, p2]
  features: f
  group: drift
  topics: {summaries: s, state: t, windows: w, triggers: r, dead_letters: d}
  partitions: 8
  replication: 3
  block: 1000
  panes: 90
  event: 2000
  flush: 500ms
  checkpoint: 1m
  session_timeout: 30s
clock: {disorder: 0, max_future: 1m, idle: 5s}
""",
        folder,
    )

    kafka = made.kafka
    assert made.logs == config.LogFields("ts", "m", "v", "p")
    assert (kafka.brokers, kafka.sources, kafka.group) == (("a:9092", "[::1]:9093"), ("p1", "p2", "f"), "drift")
    assert kafka.topics == config.Topics("s", "t", "w", "r", "d")
    assert (kafka.partitions, kafka.replication) == (8, 3)
    assert (kafka.block, kafka.panes, kafka.event) == (1_000, 90, 2_000)
    assert (kafka.flush, kafka.checkpoint, kafka.session_timeout) == (500, 60_000, 30_000)
    assert made.clock == config.Clock(0, 60_000, 5_000)


def test_everything_that_can_be_said_of_budget_server_triggers_and_limits_is_understood(folder: Path) -> None:
    (folder / "secret.txt").write_text("hush\n")
    made = parse(
        MODEL
        + """
budget: {pages: 2, per: 7d}
server: {host: 0.0.0.0, port: 0, allow_anonymous: true, allow_plaintext: true}
triggers:
  - type: webhook
    url: "https://example.test/run?x=1"
    secret_file: secret.txt
    cooldown: 12h
    dry_run: true
    timeout: 2s
max_models: 20
max_columns: 30
max_series: 500
""",
        folder,
    )

    assert (made.budget.pages, made.budget.per) == (2, 7 * 24 * HOUR)
    assert (made.server.host, made.server.port) == ("0.0.0.0", 0)
    assert made.triggers == (config.Webhook("https://example.test/run?x=1", "hush", 12 * HOUR, True, 2_000),)
    assert (made.max_models, made.max_columns, made.max_series) == (20, 30, 500)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    text = MODEL.replace("1h", "1 hour") + "server: {port: x}\nkafka: {brokers: here}\nmax_series: none\n"

    with pytest.raises(DriftlineError) as caught:
        parse(text, folder)

    first, *lines = str(caught.value).splitlines()
    assert first == f"{folder / 'driftline.yaml'}: 4 mistakes in the configuration"
    assert [line.split(":")[0].strip() for line in lines] == [
        "models[0].window.size",
        "kafka.brokers",
        "server.port",
        "max_series",
    ]


def test_a_column_whose_name_is_too_long_is_a_mistake(folder: Path) -> None:
    long = replace(profile().columns[0], name="x" * 201)
    profile_file(folder, replace(profile(), columns=(long, *profile().columns[1:])))

    (mistake,) = mistakes(MODEL, folder)

    assert "expected names of columns of at most 200 characters, got 'xxxxxxxxxxxxxxxxxxxx'... of 201" in mistake


def test_one_mistake_is_called_one(folder: Path) -> None:
    with pytest.raises(DriftlineError, match="1 mistake in the configuration"):
        parse(MODEL + "max_series: none", folder)


def test_a_damaged_profile_is_a_mistake_at_its_place(folder: Path) -> None:
    (folder / "credit-3.json").write_bytes(b"not json")

    (mistake,) = mistakes(MODEL, folder)

    assert mistake.startswith("models[0].versions.3: credit-3.json: a reference profile must be JSON")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x", "aliases are refused; write the value out (line 2)"),
        (MODEL + "max_series: 1\nmax_series: 2", "a key stands twice in one mapping; keep one of them (line 3)"),
        (MODEL + "server: {port: 1, host: h, port: 2}", "a key stands twice in one mapping; keep one of them (line 2)"),
        ("a: [1", "expected ',' or ']', but got '<stream end>' (line 1)"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor for the tag"),
        ("--- 1\n--- 2", "but found another document (line 2)"),
        ("? [a]\n: 1", "found unhashable key (line 1)"),
        ("a: 2001-99-99", "a value cannot be read (ValueError)"),
        (f"a: {'9' * 5000}", "a value cannot be read (ValueError)"),
        ("a: !!timestamp x", "a value cannot be read (AttributeError)"),
        ("a: !!int ''", "a value cannot be read (IndexError)"),
        ("[" * 51 + "]" * 51, "nested more than 50 deep (line 1)"),
        ("[" * 5000, "nested more than 50 deep (line 1)"),
        ("{a: " * 51, "nested more than 50 deep (line 1)"),
        ("a: \x00", "a value cannot be read (ReaderError)"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, message: str, folder: Path) -> None:
    with pytest.raises(DriftlineError) as caught:
        parse(text, folder)

    assert str(caught.value).startswith(f"{folder / 'driftline.yaml'}: not YAML that we accept: ")
    assert message in str(caught.value)


def test_aliases_that_would_expand_to_gigabytes_cost_nothing(folder: Path) -> None:
    levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
    began = time.process_time()

    with pytest.raises(DriftlineError, match="aliases are refused"):
        parse(f"a0: &a0 [x]\n{levels}", folder)

    assert time.process_time() - began < 1


def test_a_mapping_of_ten_thousand_keys_is_read_in_a_moment(folder: Path) -> None:
    text = MODEL + "kafka: {" + ", ".join(f"k{i}: 1" for i in range(10_000)) + "}"

    assert len(mistakes(text, folder)) == 10_000


@pytest.mark.parametrize("suffix", ["file", "folder", "missing", "binary"])
def test_what_cannot_be_read_is_an_error_of_ours(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / suffix
    if suffix == "file":
        path.write_bytes(b"#" * 1_000_001)
    elif suffix == "folder":
        path.mkdir()
    elif suffix == "binary":
        path.write_bytes(b"a: \xff")
    expected = {
        "file": "expected a configuration of at most 1,000,000 bytes, got more",
        "folder": "cannot be read as a configuration: Is a directory",
        "missing": "cannot be read as a configuration: No such file or directory",
        "binary": "expected text in UTF-8, got another byte at 3",
    }

    with pytest.raises(DriftlineError) as caught:
        settings.load(path)

    assert str(caught.value) == f"{path}: {expected[suffix]}"


def test_a_file_without_an_end_is_not_read_to_its_end() -> None:
    with pytest.raises(DriftlineError, match="at most 1,000,000 bytes"):
        settings.load(Path("/dev/zero"))


def test_secrets_are_in_no_mistake_and_no_repr(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "s3cret-canary"
    monkeypatch.setenv("DRIFTLINE_HOOK", canary)
    right = MODEL + f"triggers: [{{url: 'https://example.test/?k={canary}', secret_env: DRIFTLINE_HOOK}}]"
    assert canary not in repr(parse(right, folder))
    assert parse(right, folder).triggers[0].secret == canary

    for wrong in (
        f"triggers: {canary}",
        f"triggers: [{canary}]",
        f"triggers: [{{url: ['{canary}']}}]",
        f"triggers: [{{url: 'https://x:{canary}@example.test'}}]",
        f'triggers: [{{url: "https://example.test/{canary}\\n"}}]',
        f"triggers: [{{url: 'https://example.test', secret: {canary}}}]",
        f"triggers: [{{url: 'https://example.test', secret_env: {canary}}}]",
        f"triggers: [{{url: 'https://example.test', secret_file: {canary}}}]",
        f"triggers: [{{url: 'https://example.test', secret_file: {{a: {canary}}}}}]",
        f"triggers: [{{url: 'https://example.test/{canary}'",
        f"triggers: [*{canary}]",
        f"triggers: [{{url: !!int '{canary}'}}]",
    ):
        with pytest.raises(DriftlineError) as caught:
            parse(MODEL + wrong, folder)
        chain = f"{caught.value!r} {caught.value.__cause__!r}"
        assert canary not in chain, wrong


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "missing or empty"),
        (b" \n", "missing or empty"),
        (b"x" * 10_001, "larger than 10,000"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_secret_file_that_holds_no_secret_is_a_mistake(content: bytes, message: str, folder: Path) -> None:
    (folder / "secret.txt").write_bytes(content)

    (mistake,) = mistakes(MODEL + "triggers: [{url: 'https://example.test', secret_file: secret.txt}]", folder)

    assert message in mistake


def test_segments_are_chosen_among_those_of_the_profiles(tmp_path: Path) -> None:
    profile_file(tmp_path, segmented(profile()))
    chosen = [
        settings.parse(MODEL.replace("window", f"{text}window"), tmp_path / "driftline.yaml").models[0]
        for text in ("", "segments: [], ", "segments: [country], ")
    ]
    found = [[own.name for own in model.segmentations(model.versions["3"])] for model in chosen]
    assert found == [["country"], [], ["country"]]
    text = MODEL.replace("window", "segments: [city], window")
    assert settings.examine(text, tmp_path / "driftline.yaml")[1] == [
        "models[0].segments[0]: no reference profile has segments by 'city'; known are country"
    ]
