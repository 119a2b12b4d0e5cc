"""What is installed is what was locked, and what is shipped is complete."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from monitor import __version__

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
REQUIREMENT = re.compile(r"([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def locked(name: str) -> dict[str, str]:
    """Versions by package of a lock file."""
    lines = (ROOT / name).read_text().splitlines()
    return {found[1]: found[2] for line in lines if (found := REQUIREMENT.fullmatch(line))}


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def required(specifiers: list[str]) -> set[str]:
    """Names of requirements as lock files spell them."""
    return {re.split(r"[<>=!~\[; ]", text)[0].lower().replace("_", "-") for text in specifiers}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_holds_pinned_requirements_with_hashes_and_nothing_else(lock: Path) -> None:
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not (REQUIREMENT.fullmatch(line) or HASH.fullmatch(line))] == []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        assert not REQUIREMENT.fullmatch(line) or HASH.fullmatch(after), f"{line} has no hash"


def test_the_locks_cover_what_the_project_asks_for() -> None:
    extras = project()["optional-dependencies"]
    runtime = required([*project()["dependencies"], *extras["parquet"]])
    assert runtime <= locked("requirements.lock").keys()
    everything = runtime.union(*(required(extra) for extra in extras.values()))
    assert everything <= locked("requirements-dev.lock").keys()


def test_tests_run_with_the_versions_that_users_run() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {name: development.get(name) for name in runtime} == runtime


def test_the_installed_packages_agree_with_each_other() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_faust_is_pinned_to_the_version_whose_methods_we_override() -> None:
    assert "faust-streaming==0.15.3" in project()["dependencies"]
    assert locked("requirements.lock")["faust-streaming"] == "0.15.3"


def test_the_package_and_the_project_agree_on_the_version() -> None:
    assert project()["version"] == __version__


def test_the_wheel_carries_its_data_and_its_types(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("driftline-*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    kinds = ("*.csv.gz", "*.schema.json")
    data = {path.relative_to(ROOT).as_posix() for kind in kinds for path in (ROOT / "monitor").rglob(kind)}
    assert len(data) == len(kinds)
    assert {"monitor/py.typed", "monitor/errors.py", *data} <= shipped


def test_the_image_is_pinned_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert set(bases) == {"python:3.11-slim-bookworm"}
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert [line for line in lines if line.startswith("RUN ") and "[" not in line] == []  # no shell


def test_everything_the_image_copies_is_let_through_to_its_build() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied} == {line for line in ignored if line.startswith("!")}
    assert [name for name in copied if not (ROOT / name).exists()] == []
