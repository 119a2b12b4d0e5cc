"""Every example in a docstring is true."""

import doctest
import importlib
import pkgutil

import pytest

import monitor

NAMES = sorted(module.name for module in pkgutil.walk_packages(monitor.__path__, "monitor."))


@pytest.mark.parametrize("name", NAMES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
