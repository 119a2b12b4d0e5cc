"""The same log gives the same envelopes and the same results, byte for byte, wherever and however it is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache

import pytest


def read(*, batch: int = 5_000, workers: int = 1, command: tuple[str, ...] = (), **env: str) -> list[str]:
    """What a process of its own prints that reads the log in this way."""
    return run(*command, sys.executable, "-m", "tests.pipeline.reading", str(batch), str(workers), env=env)


def run(*command: str, env: Mapping[str, str]) -> list[str]:
    """The lines that a process of its own prints."""
    plain = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(command, env=plain | {**env}, capture_output=True, text=True, timeout=100, check=False)
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


# What they lack, in the words of numpy, of OpenBLAS and of the C library: the kernels that each would take instead.
OLDER = {
    "of_2017": {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX", "OPENBLAS_CORETYPE": "Haswell"},
    "of_2008": {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3", "OPENBLAS_CORETYPE": "Nehalem"}
    | {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4"},
}


@pytest.mark.parametrize("processor", OLDER)
@pytest.mark.parametrize("program", [("reading", "5000", "1"), ("numbers",)], ids=lambda program: program[0])
def test_an_older_processor_changes_nothing(program: tuple[str, ...], processor: str) -> None:
    command = (sys.executable, "-m", f"tests.pipeline.{program[0]}", *program[1:])
    assert run(*command, env=OLDER[processor]) == run(*command, env={})
