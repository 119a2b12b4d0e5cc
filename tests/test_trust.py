"""Nothing that is read can become code: no pickle, no YAML objects, no codec that a record chooses."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.documents import MAX_DEPTH, parse_yaml
from monitor.transport import new_app
from tests.test_repository import ROOT, tracked_files

PICKLING = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle"}
LOADING = {"read_pickle", "to_pickle", "unsafe_load", "full_load", "unsafe_load_all", "eval", "exec"}


def doubtful(source: str) -> Iterator[str]:
    """What in a Python file could turn data into code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in PICKLING)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PICKLING:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            name, owner = called(node)
            words = {keyword.arg: keyword.value for keyword in node.keywords}
            allowing = words.get("allow_pickle")
            if name in LOADING and owner in {"", "pd", "pandas", "yaml"}:
                yield name
            if allowing is not None and not (isinstance(allowing, ast.Constant) and allowing.value is False):
                yield "allow_pickle"
            if (owner, name) in {("yaml", "load"), ("yaml", "load_all")} and [
                ast.unparse(k) for k in node.keywords
            ] != SAFE:
                yield "yaml.load"


SAFE = ["Loader=_Loader"]  # that of monitor.documents, a SafeLoader


def called(node: ast.Call) -> tuple[str, str]:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr, function.value.id if isinstance(function.value, ast.Name) else "?"
    return (function.id if isinstance(function, ast.Name) else "?"), ""


def test_no_file_of_ours_pickles_or_runs_what_it_reads() -> None:
    # That test runs the example of a page, as a reader would.
    files = [path for path in tracked_files() if path.suffix == ".py" and path.name != "test_payload.py"]
    found = {path.relative_to(ROOT).as_posix(): list(doubtful(path.read_text())) for path in files}

    assert len(files) > 150
    assert {name: what for name, what in found.items() if what} == {}


DOUBTFUL = ["import pickle", "from joblib import load", "np.load(f, allow_pickle=True)", "np.load(f, allow_pickle=yes)"]
DOUBTFUL += ["pd.read_pickle(f)", "yaml.load(f, Loader=yaml.Loader)", "yaml.load(f)", "yaml.unsafe_load(f)", "eval(x)"]


@pytest.mark.parametrize("source", DOUBTFUL)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert list(doubtful(source))


def test_no_record_chooses_how_it_is_decoded() -> None:
    async def look() -> set[str]:
        app = new_app("driftline", ["localhost:9092"])
        topic = app.batches("predictions")
        return {app.conf.key_serializer, app.conf.value_serializer, topic.key_serializer, topic.value_serializer}

    assert asyncio.run(look()) == {"raw"}


def test_a_configuration_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    nested = parse_yaml(deep, Path("deep.yml"))

    for _ in range(MAX_DEPTH - 1):
        (nested,) = nested
    assert nested == []


@pytest.mark.parametrize("name", ["542e8b42.windows", "1e6.state", "12e3-model", "3E5x"])
def test_a_name_that_begins_like_a_number_is_a_name(name: str) -> None:
    assert parse_yaml(f"name: {name}", Path("driftline.yml")) == {"name": name}
