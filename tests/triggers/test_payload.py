"""What a trigger says: the same bytes for the same episode, the worst column first, the evidence whole."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from monitor.drift.explanations import Movement
from monitor.errors import DriftlineError
from monitor.pipeline.results import document
from monitor.triggers.payload import due, payload
from monitor.triggers.webhook import sign
from tests.examples import HOUR, START, column, in_segments, opened, result

DOCUMENT = Path(__file__).parents[2] / "docs" / "triggers.md"


def test_a_trigger_names_the_model_the_episode_and_the_window_that_opened_it() -> None:
    event = opened()

    made = json.loads(payload(event))

    assert made["id"] == event.trigger_id
    assert made["type"] == "io.driftline.retrain.requested"
    assert (made["model"], made["version"], made["segment"]) == ("credit", "3", None)
    assert made["episode"] == event.id
    assert made["opened_at"] == "2023-11-14T22:00:00Z"
    assert made["evidence"] == json.loads(msgspec.json.encode(document(event.evidence)))
    assert made["source"] == "driftline"


def test_the_same_episode_gives_the_same_bytes() -> None:
    assert payload(opened()) == payload(opened())


def test_the_column_furthest_beyond_its_threshold_comes_first_and_one_without_a_score_last() -> None:
    columns = {"a": column(statistic=0.2), "b": column("prediction", 0.5), "c": column(statistic=0.5)}
    event = opened(msgspec.structs.replace(result(), columns=columns))
    event = msgspec.structs.replace(event, columns=("a", "b", "c", "earlier"))

    made = json.loads(payload(event))["columns"]

    assert [(c["name"], c["ratio"]) for c in made] == [("b", 5.0), ("c", 5.0), ("a", 2.0), ("earlier", None)]
    assert made[0] == {
        "name": "b",
        "role": "prediction",
        "method": "ks",
        "statistic": 0.5,
        "threshold": 0.1,
        "ratio": 5.0,
        "reason": None,
    }


def test_a_trigger_says_in_a_sentence_what_moved_in_each_group_of_columns() -> None:
    moved = (Movement("below 25", 0, 2, 0.1, 0.4, "values"), Movement("missing", 5, 6, 0.0, 0.05, "events"))
    columns = {"a": column(statistic=0.2), "b": column(statistic=0.5), "c": column(statistic=0.3)}
    columns["b"] = msgspec.structs.replace(columns["b"], moved=moved)
    evidence = msgspec.structs.replace(result(), columns=columns, groups=(("b", "a"), ("c",)))

    assert json.loads(payload(opened(evidence)))["explanation"] == [
        "b 5.0×: 10 % → 40 % of values below 25; 0 % → 5 % of events missing; with a 2.0×",
        "c 3.0×",
    ]


def test_a_trigger_says_what_moved_in_a_segment_alone() -> None:
    evidence = in_segments(result(verdict="ok"), "age0")

    assert json.loads(payload(opened(evidence)))["explanation"] == [
        "age0 4.0× in country=DE: 30 % → 80 % of values below 30; 4 % → 10 % of events missing",
        "only country=DE (age0) of 2 segments moved",
    ]


def test_an_episode_that_closed_asks_for_nothing() -> None:
    with pytest.raises(DriftlineError, match="needs an episode that opened"):
        payload(msgspec.structs.replace(opened(), kind="closed"))


@pytest.mark.parametrize(
    ("last", "end", "expected"),
    [
        (None, START, True),
        (START, START + HOUR, True),
        (START, START + HOUR - 1, False),
        (START, START, False),
        (START, START - 5 * HOUR, False),
    ],
)
def test_a_trigger_is_due_after_the_cooldown_of_event_time(last: int | None, end: int, expected: bool) -> None:
    assert due(last, end, HOUR) is expected


def test_without_a_cooldown_every_episode_is_due() -> None:
    assert due(START, START, 0)


def test_every_field_of_the_payload_is_documented() -> None:
    text = DOCUMENT.read_text()
    made = json.loads(payload(opened()))

    undocumented = [name for name in (*made, *made["columns"][0]) if f"`{name}`" not in text]
    assert not undocumented


def snippet(language: str) -> str:
    """The first code block of a language in the document."""
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_the_documented_example_is_what_we_send() -> None:
    example = json.loads(snippet("json"))
    made = json.loads(payload(opened()))

    assert list(example) == list(made)
    assert list(example["columns"][0]) == list(made["columns"][0])


def test_the_documented_python_verifies_a_signature_and_nothing_else() -> None:
    names: dict = {}
    exec(snippet("python"), names)  # the point of the test is that a reader's copy works
    verify = names["verify"]
    body, secret = payload(opened()), "shared secret"
    headers = {"Driftline-Timestamp": "1700000000", "Driftline-Signature": sign(secret, "1700000000", body)}

    assert verify(headers, body, secret, now=1_700_000_100)
    assert not verify(headers, body, secret, now=1_700_001_000)  # an old call, played again
    assert not verify(headers, body + b" ", secret, now=1_700_000_100)
    assert not verify(headers, body, "another", now=1_700_000_100)
    assert not verify(headers | {"Driftline-Timestamp": "1700000001"}, body, secret, now=1_700_000_100)
    assert not verify({}, body, secret, now=1_700_000_100)
    assert not verify(headers | {"Driftline-Timestamp": "soon"}, body, secret, now=1_700_000_100)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_documented_shell_command_gives_the_signature(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_bytes(payload(opened()))
    command = snippet("sh").replace("$SECRET", "shared").replace("$TIMESTAMP", "1700000000")

    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert "v1=" + done.stdout.split()[-1] == sign("shared", "1700000000", payload(opened()))
