"""Files and options that make no reference say why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.errors import DriftlineError
from tests.logfiles import made, write

BAD: list[tuple[str, bytes, dict[str, Any], str]] = [
    ("l.csv", b"a,b\n", {}, "expected events of model 'credit', got none: the file has a header and no rows"),
    ("l.csv", b"", {}, "got an empty file"),
    ("l.csv", b"\x00\xff\x00", {}, "got binary data"),
    ("l.csv", b"a,a\n1,2\n", {}, "column 'a' stands twice"),
    ("l.csv", b"a,b\n1\n2\n", {}, r"got none: 2 left out as not_an_event, such as .*line 2: expected 2 cells, got 1"),
    ("l.csv", b"a,b\n1,2\n", {"time": "ts"}, "column 'ts': named by --time, but the data have only a, b"),
    ("l.csv", b"a,b\n1,2\n", {"prediction": "p"}, "column 'p': named by --prediction"),
    ("l.csv", b"a,b\n1,2\n", {"ignore": ["c"]}, "column 'c': named by --ignore, but the data have only a, b"),
    ("l.csv", b"a,b\n1,2\n", {"numeric": ["c"]}, "column 'c': named by --numeric"),
    ("l.csv", b"a,b\n1,2\n", {"categorical": ["c"]}, "column 'c': named by --categorical"),
    ("l.csv", b"a,b\n1,2\n", {"categorical": ["a"], "numeric": ["a"]}, "column 'a': named twice"),
    ("l.csv", b"a,b\n1,2\n", {"ignore": ["a", "b"]}, "at least one column to monitor"),
    ("l.csv", b"a,b\n1,x\n", {"numeric": ["b"]}, "column 'b': numeric bins need at least one number, got none in 1"),
    ("l.csv", b"a,b\n1,2\n", {"time": "b"}, "got none: 1 left out as bad_time, such as .*expected a time from"),
    ("l.csv", b"prediction,b\n1,2\n", {"prediction": "b"}, "a feature has the prediction's name"),
    ("l.csv", b"a\n1\n", {"bins": 1}, "expected 2 to 10,000 bins or exact, got 1"),
    ("l.csv", b"a\n1\n", {"categories": 0}, "at least 1 category"),
    ("l.csv", b"a\n1\n", {"chunk": 5}, "a chunk of at least 1s, got 5ms"),
    ("l.jsonl", b"\x00\xff\x00\n", {}, "got none: 1 left out as not_json"),
    ("l.jsonl", b'[{"a": 1}]\n', {}, "left out as not_an_event, such as .*expected a JSON object"),
    ("l.jsonl", b'{\n"a": 1\n}\n', {}, "left out as not_json"),
    ("l.jsonl", b'{"model": "x", "time": 1, "features": {}}\n', {}, "left out as other_model, such as .*model 'x'"),
    ("l.parquet", b"PAR1....", {}, "expected a Parquet file"),
    ("l.txt", b"a\n1\n", {}, "expected a file name ending in"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "options", "message"), BAD)
def test_what_makes_no_reference_says_why(
    tmp_path: Path, name: str, content: bytes, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DriftlineError, match=message):
        made(write(tmp_path, name, content), **options)


def test_no_files_make_no_reference() -> None:
    with pytest.raises(DriftlineError, match="at least one file"):
        made()
