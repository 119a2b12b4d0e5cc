"""Programs that tests call, such as promtool: skipped where they are missing, except in continuous integration."""

import os
import shutil
import subprocess

import pytest


def require_tool(name: str) -> str:
    """The path of a program; without it the test is skipped, or fails under DRIFTLINE_REQUIRE_SERVICES=1."""
    path = shutil.which(name)
    if path is not None:
        return path
    reason = f"not installed: {name}"
    if os.environ.get("DRIFTLINE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{reason}, although DRIFTLINE_REQUIRE_SERVICES=1")
    pytest.skip(reason)


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a program says and how it ends; its output and its errors are one text, `stdout`."""
    return subprocess.run(
        [require_tool(name), *arguments],
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
