"""What wanders is told from what is noise, whatever the number of events, and no more is known of it than is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from monitor.drift.bins import Floats
from monitor.drift.clustering import design_effect
from monitor.drift.variation import ENOUGH, Variation, deviations, strongest


def found(shares: Floats, sizes: Floats, *, cluster: int = 1, design: float = 1.0) -> Variation:
    """The variation of a share that had these values in stretches of these sizes, in clusters of identical events."""
    rng = np.random.default_rng(3)
    rows = np.asarray(sizes, dtype=np.int64) // cluster
    counts = rng.binomial(rows, shares)[:, None] * cluster
    follows = np.ones(len(shares) - 1, dtype=bool)
    return strongest(
        deviations(counts, rows * cluster, follows=follows, design=design).movement(), stretches=len(shares)
    )


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("swing", [1.0, 10.0], ids=["even", "swinging"])
def test_the_spread_of_a_share_is_found_whatever_the_sizes(spread: float, swing: float) -> None:
    rng = np.random.default_rng(4)
    shares = 0.4 + spread * rng.normal(size=2_000)
    sizes = 1_000 * swing ** rng.uniform(-0.5, 0.5, size=2_000)
    assert math.sqrt(found(shares, sizes).variance) == pytest.approx(spread, rel=0.1, abs=0.004)


def test_clustered_events_do_not_look_like_wandering_where_the_design_effect_is_known() -> None:
    shares, sizes = np.full(2_000, 0.4), np.full(2_000, 1_000.0)
    assert found(shares, sizes, cluster=5).z > 10
    assert found(shares, sizes, cluster=5, design=5.0).z < 3


def test_stretches_that_resemble_each_other_count_for_fewer() -> None:
    rng = np.random.default_rng(5)
    path = np.zeros(720)
    for i in range(1, 720):
        path[i] = 0.9 * path[i - 1] + math.sqrt(0.19) * rng.normal()
    loose = found(0.4 + 0.05 * rng.normal(size=720), np.full(720, 5_000.0))
    tight = found(0.4 + 0.05 * path, np.full(720, 5_000.0))
    assert loose.memory < 0.15
    assert tight.memory == pytest.approx(0.9, abs=0.06)
    assert tight.freedom < 0.15 * loose.freedom
    assert tight.reach(1e-4) / tight.variance > loose.reach(1e-4) / loose.variance


@pytest.mark.parametrize(("stretches", "z", "unknown"), [(47, 3.1, True), (48, 3.1, False), (24, 2.9, False)])
def test_a_short_reference_that_moves_is_not_enough(stretches: int, z: float, unknown: bool) -> None:
    assert ENOUGH == 48
    assert Variation(0.01, z, stretches=stretches).unknown is unknown


def test_a_column_that_lies_elsewhere_by_night_varies_as_much_as_a_single_hour_shows() -> None:
    """By day around 0, by night around 1; means wander by 0.05, of which at the median a share moves by 0.4 times."""
    rng = np.random.default_rng(6)
    phases = np.arange(480) % 2
    means = phases + 0.05 * rng.normal(size=480)
    counts = np.round(100_000 * ndtr(ndtri(np.arange(1, 20) / 20) - means[:, None]))
    made = deviations(
        counts.astype(np.int64),
        np.full(480, 100_000),
        follows=np.ones(479, dtype=bool),
        phases=phases,
        days=np.arange(480) // 2,
        cumulative=True,
    )
    variation = strongest(made.movement(), stretches=480, phases=2)
    assert math.sqrt(variation.variance) == pytest.approx(0.05 / math.sqrt(2 * math.pi), rel=0.06)


def test_a_share_that_never_differs_does_not_vary() -> None:
    assert found(np.zeros(50), np.full(50, 100.0)).variance == 0.0
    assert found(np.ones(50), np.full(50, 100.0)).variance == 0.0


@pytest.mark.parametrize("cluster", [1, 2, 5])
@pytest.mark.parametrize("spread", [0.0, 0.2], ids=["still", "wandering"])
@pytest.mark.parametrize("n", [200, 20_000])
def test_the_design_effect_is_the_size_of_clusters_of_identical_rows(cluster: int, spread: float, n: int) -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(size=(168, n // cluster)) + spread * rng.normal(size=(168, 1))
    cuts = np.quantile(values, np.arange(1, 200) / 200)
    counts = np.array([np.bincount(cuts.searchsorted(row), minlength=200) for row in values]) * cluster
    assert design_effect(counts) == pytest.approx(cluster, rel=0.06)


def test_columns_with_few_values_do_not_show_a_design_effect() -> None:
    assert math.isnan(design_effect(np.full((100, 10), 7)))
