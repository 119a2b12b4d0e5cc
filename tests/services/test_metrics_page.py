"""The metrics page before Prometheus's own judge."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.test_metrics import fully_used


@pytest.mark.service
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_say_about_the_metrics_page() -> None:
    page = b"".join(fully_used().render())

    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
