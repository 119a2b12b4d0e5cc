"""The pages say what is true: links lead somewhere, tables equal the code, examples are accepted, blocks are run."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from textwrap import indent

import pytest
import yaml

from benchmarks.harness import BEGIN, END, markdown, read
from monitor import config, settings
from monitor.cli_methods import columns_for
from monitor.config import Config
from monitor.deadletters import LONGEST, PREFIX, record
from monitor.drift.methods import METHODS
from monitor.drift.thresholds import FLOORS
from monitor.logs.contract import EMPTY, REASONS, TOMBSTONE, Target
from monitor.logs.json import JsonDecoder
from monitor.metrics_names import TABLE
from monitor.pipeline import results
from monitor.topics import ours
from tests.examples import config as small_config
from tests.examples import profile, profile_file
from tests.markdown import ROOT, anchors, blocks, links, rows

README = ROOT / "README.md"
DOCS = ROOT / "docs"
QUICK_START = "Quick start with Kafka"  # tests/services/test_readme.py runs every block below this heading


def pages() -> list[Path]:
    """Every Markdown page that git knows, or would know."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [README, *sorted(DOCS.rglob("*.md"))]
    return sorted(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


each_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())


@each_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_below_docs_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        inside = [link.partition("#")[0] for link in links(page) if not re.match(r"[a-z]+:|#", link)]
        waiting += [(page.parent / link).resolve() for link in inside if link.endswith(".md")]
    assert set(DOCS.rglob("*.md")) <= reached


def test_every_command_block_of_the_readme_is_run_by_a_test_or_names_what_others_run() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for block in blocks(README, "sh"):
        if block.section == QUICK_START and "docker" not in block.text:
            continue
        for line in block.text.splitlines():
            words = line.split()
            if words[0] == "make":
                assert words[1:], line
                assert set(words[1:]) <= targets, line
            else:
                assert words[:3] == ["docker", "compose", "up"], f"no test runs this: {line}"
                assert (ROOT / "docker-compose.yml").is_file()
    assert {block.language for block in blocks(README)} <= {"sh", "text", "yaml", "json"}


def test_the_pages_yaml_blocks_parse() -> None:
    found = [block for page in pages() for block in blocks(page, "yaml")]
    assert len(found) >= 2
    for block in found:
        assert isinstance(yaml.safe_load(block.text), dict)


@pytest.mark.parametrize("page", [README, DOCS / "logs.md"], ids=lambda page: page.name)
def test_the_events_in_the_pages_are_events(page: Path) -> None:
    values = [line.encode() for block in blocks(page, "json") for line in block.text.splitlines()]
    windows = small_config().models[0].windows
    targets = {(m, v): Target(profile(m, v), windows) for m, v in (("credit", "3"), ("customers", "1"))}
    counted = JsonDecoder(targets).count(values, None)
    assert values
    assert (counted.events, counted.rejected) == (len(values), [])


def test_the_reasons_of_dead_letters_are_documented() -> None:
    assert [row[0] for row in rows(DOCS / "logs.md", "Reasons")] == list(REASONS)
    assert all(f"`{word}`" in (DOCS / "logs.md").read_text() for word in (TOMBSTONE, EMPTY))


def test_the_headers_of_dead_letters_are_documented() -> None:
    letter = record(
        topic="t",
        partition=0,
        offset=1,
        timestamp=2,
        reading="g",
        stage="s",
        reason="r",
        message="m",
        key=b"k" * LONGEST,
        value=b"v",
    )
    assert [row[0] for row in rows(DOCS / "logs.md", "Headers")] == [name for name, _ in letter.headers]
    assert all(name.startswith(PREFIX) for name, _ in letter.headers)


def test_the_limits_on_an_event_are_documented() -> None:
    text = (DOCS / "logs.md").read_text()
    decoder = JsonDecoder({("credit", "3"): Target(profile(), small_config().models[0].windows)})
    (large,) = decoder.count([b"9" * 1_000_001], None).rejected
    (deep,) = decoder.count([b"[" * 65 + b"]" * 65], None).rejected
    assert (large.reason, deep.reason) == ("too_large", "too_deep")
    assert "1,000,000 bytes" in text
    assert "64 brackets" in text


def test_every_metric_is_documented_as_the_code_has_it() -> None:
    documented = [
        row
        for title in ("Windows", "Columns", "Other references", "What moved", "Process")
        for row in rows(DOCS / "metrics.md", title)
    ]
    expected = [[spec.full, spec.type, ", ".join(spec.labels), spec.help] for spec in TABLE.values()]
    assert documented == expected


def test_every_method_is_documented_as_the_code_has_it() -> None:
    documented = rows(DOCS / "methods.md", "Table")
    assert documented == [
        [
            method.name,
            "yes" if method.default else "no",
            columns_for(method),
            method.range,
            "yes" if method.critical else "no",
            "its p-value" if method.critical else "none" if method.threshold is None else f"{method.threshold:g}",
            f"{method.title}. {method.use}",
        ]
        for method in sorted(METHODS.values(), key=lambda method: not method.default)
    ]


def test_the_floors_of_methods_are_documented() -> None:
    documented = rows(DOCS / "configuration.md", "Floors")
    assert {name: float(row[1]) for row in documented for name in row[0].split(", ")} == FLOORS


def test_the_names_that_methods_have_elsewhere_are_documented() -> None:
    tools = ("Evidently", "NannyML", "Alibi Detect", "scipy")
    expected = [[method.name, *(method.aliases.get(tool, "") for tool in tools)] for method in METHODS.values()]
    assert rows(DOCS / "methods.md", "Names elsewhere") == expected
    assert {tool for method in METHODS.values() for tool in method.aliases} == set(tools)


def test_the_columns_of_the_page_on_methods_can_be_configured(tmp_path: Path) -> None:
    (example,) = blocks(DOCS / "methods.md", "yaml")
    head = "models:\n- name: credit\n  versions: {'3': credit-3.json}\n  window: {size: 1h}\n"
    folder = _with_columns(tmp_path, "age", "country", "is_new_customer")
    made = settings.parse(head + indent(example.text, "  "), folder)
    assert made.models[0].columns["age"].primary == "anderson_darling"


def _with_columns(folder: Path, *names: str) -> Path:
    """Where a configuration lies beside a profile with columns of these names."""
    numbers, countries, _ = profile().columns
    flags = replace(countries, name=names[2])
    columns = (replace(numbers, name=names[0]), replace(countries, name=names[1]), flags)
    profile_file(folder, replace(profile(), columns=columns))
    return folder / "driftline.yml"


def test_our_topics_are_documented_with_their_partitions_and_retention() -> None:
    documented = {row[0]: row[1:3] for row in rows(DOCS / "operations.md", "Topics")}
    expected = {}
    for topic in ours(Config(())):
        days = int(topic.settings.get("retention.ms", 0)) // config.DAY
        kept = f"{days} day{'s' if days > 1 else ''}" if days else "compacted"
        expected[topic.name] = ["1" if topic.partitions == 1 else "kafka.partitions", kept]
    assert documented == expected


def test_exit_codes_are_documented() -> None:
    assert [row[0] for row in rows(DOCS / "operations.md", "Exit codes")] == ["0", "1", "2", "3", "4"]


def test_the_costs_in_the_readme_are_those_that_were_measured() -> None:
    measured = read(ROOT / "benchmarks" / "results.json")
    _, _, rest = README.read_text().partition(BEGIN)
    table, mark, after = rest.partition(END)
    assert (table, mark) == (markdown(measured), END)
    assert all(len(row.values) >= 5 for row in measured)
    missed = [row.title for row in measured if not row.holds]
    assert all(title in after for title in missed), "a target that is missed is explained below the table"


def test_the_documented_result_is_one() -> None:
    (block,) = blocks(DOCS / "architecture.md", "json")
    result = results.decode(block.text.encode())
    assert json.loads(results.encode(result)) == json.loads(block.text)
