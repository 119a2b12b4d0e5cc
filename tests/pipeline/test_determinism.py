"""The same log gives the same envelopes and the same results, byte for byte, wherever and however it is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache

import pytest


def read(*, batch: int = 5_000, workers: int = 1, command: tuple[str, ...] = (), **env: str) -> list[str]:
    """What a process of its own prints that reads the log in this way."""
    plain = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    program = [*command, sys.executable, "-m", "tests.pipeline.reading", str(batch), str(workers)]
    done = subprocess.run(program, env=plain | env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@cache
def plain() -> list[str]:
    return read()


def test_the_log_has_many_blocks_results_and_late_events() -> None:
    assert len([line for line in plain() if line[0] in "0123456" and line[1] == " "]) == 14
    assert len([line for line in plain() if line.startswith("7b")]) > 10  # results, of JSON in hexadecimal
    assert any(line.startswith("Late(") for line in plain())


@pytest.mark.parametrize("batch", [1, 13, 97])
def test_batches_of_another_size_change_nothing(batch: int) -> None:
    assert read(batch=batch) == plain()


@pytest.mark.parametrize("workers", [2, 5])
def test_other_workers_change_nothing(workers: int) -> None:
    assert read(workers=workers, batch=31) == plain()


@pytest.mark.parametrize("seed", ["1", "4242"])
def test_another_hash_seed_changes_nothing(seed: str) -> None:
    assert read(PYTHONHASHSEED=seed) == plain()


# A locale that the machine lacks counts as C, which is another one than the plain run's as well.
@pytest.mark.parametrize("locale", ["C", "tr_TR.UTF-8", "de_DE.ISO-8859-1"])
def test_another_locale_changes_nothing(locale: str) -> None:
    assert read(LC_ALL=locale, PYTHONUTF8="0") == plain()


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns", "XYZ+13:37"])
def test_another_time_zone_changes_nothing(zone: str) -> None:
    assert read(TZ=zone) == plain()


def test_another_number_of_processors_changes_nothing() -> None:
    taskset = shutil.which("taskset")
    if taskset is None:
        pytest.skip("not installed: taskset")
    assert read(command=(taskset, "-c", str(min(os.sched_getaffinity(0))))) == plain()
