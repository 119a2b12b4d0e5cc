"""Rows of the fault matrix that other tests of this tree hold: run here, and counted as they say."""

from __future__ import annotations

import re
import subprocess
import sys
import time

from tests.faults.matrix import Outcome

BY_TESTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "F21": (
        "a trigger's receiver that is down, answers 500 or 429 with Retry-After, hangs, or redirects",
        (
            "tests/triggers/test_webhook.py",
            "tests/triggers/test_webhook_addresses.py",
            "tests/services/test_worker.py::test_a_webhook_that_fails_is_called_again_under_one_id_and_a_dead_one_delays_no_window",
        ),
    ),
    "F22": (
        "a crash between a trigger's call and its mark",
        (
            "tests/test_restart.py",
            "tests/services/test_worker.py::test_a_call_that_a_crash_cut_off_is_made_again_after_the_restart",
        ),
    ),
    "F23": (
        "a receiver that fails for as long as anybody waits",
        ("tests/triggers/test_dispatch.py",),
    ),
    "F24": (
        "a reference changed under load, a broken file, a kill",
        ("tests/services/test_reload.py",),
    ),
}


def run(name: str) -> Outcome:
    """Run the row's tests; every one that passed is a bite, for each checks that its fault came."""
    title, tests = BY_TESTS[name]
    began, outcome = time.monotonic(), Outcome(name, title, seed=0)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False)
    passed, skipped = (_count(word, done.stdout) for word in ("passed", "skipped"))
    if done.returncode or skipped:
        outcome.defects = done.stdout.splitlines()[-15:]
    outcome.bites = {"tests": passed}
    outcome.seconds = time.monotonic() - began
    return outcome


def _count(word: str, said: str) -> int:
    found = re.search(rf"(\d+) {word}", said)
    return int(found[1]) if found else 0
