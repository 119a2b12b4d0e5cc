"""Laws that hold over all files of the repository."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "monitor").rglob("*.py"))
LONGEST_FILE = 300

# A part may import from its own rank and those below. What is not named here belongs to the process around the core.
RANKS = {
    "errors": 0,
    "addresses": 1,
    "durations": 1,
    "secrets": 1,
    "nodes": 1,
    "documents": 1,
    "drift": 2,
    "config": 3,
    "settings": 3,
    "tls": 3,
    "logs": 3,
    "pipeline": 4,
    "metrics": 5,
    "triggers": 5,
    "transport": 5,
    "delivery": 5,
    "cli": 7,
}
PROCESS_RANK = 6

HOMES = re.compile(r"/(root|work|home|Users)/")
REGISTRIES = re.compile(r"(pypi|pythonhosted)\.org|repo1?\.maven|registry\.npmjs")


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever in it; `from a import b` counts as `a.b`."""
    return frozenset(_imports(ast.parse(path.read_text())))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rank(module: str) -> int:
    """Where a module stands; `metrics_names` and `cli_kafka` stand where `metrics` and `cli` do."""
    part = module.split(".")[1]
    return RANKS.get(part, RANKS.get(part.split("_")[0], PROCESS_RANK))


def names_a_module(name: str) -> bool:
    """Whether `monitor.x…` goes into a part of the package, and not for a name such as `monitor.__version__`."""
    path = ROOT / "monitor" / name.split(".")[1]
    return path.is_dir() or path.with_suffix(".py").is_file()


def tracked_files() -> list[Path]:
    """Files that git knows; outside of a clone there is nothing to judge."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git clone, or git is not installed")
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # compressed data, pictures


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_go_from_the_command_down_to_the_pure_core(path: Path) -> None:
    if path == ROOT / "monitor" / "__init__.py":
        assert not imports(path)
        return
    own = rank(module_name(path))
    inside = {name for name in imports(path) if name.startswith("monitor.") and names_a_module(name)}
    assert [name for name in sorted(inside) if rank(name) > own] == []


@pytest.mark.parametrize("path", [path for path in MODULES if "drift" in path.parts[-3:]], ids=module_name)
def test_the_pure_core_knows_only_numpy_the_special_functions_and_the_standard_library(path: Path) -> None:
    outside = {name for name in imports(path) if name.split(".")[0] not in sys.stdlib_module_names}
    allowed = ("monitor.drift", "monitor.errors", "numpy", "scipy.special")
    assert [name for name in sorted(outside) if not name.startswith(allowed)] == []
    assert imports(path).isdisjoint({"logging", "random", "socket", "time"})


def test_nothing_in_the_package_imports_scipy_stats() -> None:
    assert [path for path in MODULES if any(name.startswith("scipy.stats") for name in imports(path))] == []


def test_code_files_hold_one_idea_each() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): text_of(path).count("\n") for path in tracked_files()}
    long = {name: lines for name, lines in lengths.items() if name.endswith(".py") and lines > LONGEST_FILE}
    assert long == {}


def test_no_file_names_somebodys_home_or_a_package_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in tracked_files()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if HOMES.search(line) or REGISTRIES.search(line)
    ]
    assert found == []
