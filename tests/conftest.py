"""Hypothesis for all tests: no deadline per example, because the machines that run them are shared and noisy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("driftline", deadline=None)
settings.load_profile("driftline")
