"""What methods refuse, where they have no score, and by which names they are found."""

from __future__ import annotations

import math
from inspect import signature

import numpy as np
import pytest

from monitor.drift.methods import ALIASES, METHODS, method
from monitor.errors import DriftlineError
from tests.drift.test_methods import NAMES, TABLE, statistic

PLACED = [name for name, found in METHODS.items() if "positions" in signature(found.score).parameters]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sides", [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([0, 0], [0, 0]), ([], [])])
def test_a_sample_without_events_has_no_score(name: str, sides: tuple[list[int], list[int]]) -> None:
    reference, current = (np.array(counts, dtype=np.int64) for counts in sides)
    found = METHODS[name].score(reference, current)
    assert math.isnan(found.statistic)
    assert (found.n_reference, found.n_current) == (sum(sides[0]), sum(sides[1]))
    assert (found.pvalue is not None) == TABLE[name].has_null


@pytest.mark.parametrize("name", ["chi2", "g_test"])
def test_of_one_cell_there_is_no_test(name: str) -> None:
    assert math.isnan(statistic(name, np.array([5, 0]), np.array([7, 0])))


@pytest.mark.parametrize("name", [name for name, found in METHODS.items() if found.binary])
def test_a_binary_method_is_for_references_of_two_values(name: str) -> None:
    flag, news = np.array([0, 30, 0, 70, 0]), np.array([0, 20, 5, 75, 0])
    assert math.isnan(statistic(name, news, flag))
    other = np.array([0, 25, 0, 75, 0])
    assert statistic(name, flag, news) == statistic(name, flag, other), "what is new counts as the rarer value"
    assert statistic(name, np.array([0, 100]), np.array([5, 95])) > 0, "a constant may get a second value"


def test_psi_without_smoothing_is_undefined_where_one_sample_lacks_a_cell() -> None:
    assert math.isnan(statistic("psi", np.array([5, 0]), np.array([7, 1]), smoothing=0.0))
    assert statistic("psi", np.array([5, 5, 0]), np.array([7, 7, 0]), smoothing=0.0) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_counts_on_different_bins_are_refused(name: str) -> None:
    with pytest.raises(DriftlineError, match=r"one length, got shapes \(2,\) and \(3,\)"):
        METHODS[name].score(np.array([1, 2]), np.array([1, 2, 3]))


@pytest.mark.parametrize("name", NAMES)
def test_negative_counts_are_refused(name: str) -> None:
    with pytest.raises(DriftlineError, match="at least 0, got -2 among 2 bins"):
        METHODS[name].score(np.array([1, 2]), np.array([1, -2]))


@pytest.mark.parametrize("name", NAMES)
def test_shares_are_no_counts(name: str) -> None:
    with pytest.raises(DriftlineError, match="give counts, not shares"):
        METHODS[name].score(np.array([1, 2]), np.array([0.5, 0.5]))


@pytest.mark.parametrize("name", PLACED)
@pytest.mark.parametrize("positions", [[0.0, 1.0], [0.0, 2.0, 1.0], [0.0, math.nan, 1.0], [0.0, 1.0, math.inf]])
def test_positions_that_do_not_fit_the_bins_are_refused(name: str, positions: list[float]) -> None:
    with pytest.raises(DriftlineError, match=r"positions: expected (one for each of 3 bins|finite ones that never)"):
        statistic(name, np.array([1, 2, 3]), np.array([3, 2, 1]), positions=np.array(positions))


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(DriftlineError, match=r"unknown method 'kss'; known are anderson_darling, chi2, cramer_von"):
        method("kss")


@pytest.mark.parametrize("name", NAMES)
def test_a_method_is_found_by_its_files_name(name: str) -> None:
    assert method(name).compute.__module__ == f"monitor.drift.methods.{name}"


def test_a_method_is_found_by_its_names_elsewhere() -> None:
    assert {method(alias).name for alias in ("jensenshannon", "jensen_shannon")} == {"js"}
    assert method("KSDrift") is method("kolmogorov_smirnov") is METHODS["ks"]
    assert not set(ALIASES) & set(METHODS), "a name means one thing"
    named = [alias for found in METHODS.values() for alias in set(found.aliases.values()) - {found.name}]
    assert sorted(named) == sorted(ALIASES), "and an alias leads to one method"
