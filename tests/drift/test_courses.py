"""A segment is judged by how it moved itself, of which a few numbers are kept."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from monitor.drift import profiles
from monitor.drift.bins import SPECIAL, Counts, Floats, Ordered
from monitor.drift.calibration import Calibration, Swinging, of_stretches
from monitor.drift.courses import learned, longer, of_part, summed
from monitor.drift.onsets import coefficients
from monitor.drift.profiles import Column, Profile
from monitor.drift.segments import NUMBERS, Segmentation
from monitor.drift.stretches import Stretches
from monitor.drift.variation import Variation
from monitor.errors import DriftlineError
from tests import examples
from tests.examples import HOUR, segmented

NUMBER = Ordered(np.linspace(-2, 2, 19), np.linspace(-2.1, 2.1, 20))


def stretches(means: Floats, *, n: int = 5_000, seed: int = 1) -> Stretches:
    """Hours of a normal column with these means."""
    rng = np.random.default_rng(seed)
    values = np.array([np.bincount(NUMBER.edges.searchsorted(rng.normal(m, size=n)), minlength=20) for m in means])
    counts: Counts = np.pad(values, ((0, 0), (0, SPECIAL)))
    return Stretches(np.arange(len(means), dtype=np.int64) * HOUR, counts, HOUR)


def column(found: Stretches) -> Column:
    return Column("x", "feature", NUMBER, found.counts.sum(axis=0))


def steady(found: Stretches) -> Swinging:
    """All events, of a column without a season."""
    return Swinging(found, (None,))


def path(memory: float, *, hours: int, sd: float = 0.1) -> Floats:
    """Means that wander, each hour like the one before."""
    rng, made = np.random.default_rng(2), np.zeros(hours)
    for i in range(1, hours):
        made[i] = memory * made[i - 1] + math.sqrt(1 - memory**2) * sd * rng.normal()
    return made


def test_what_is_kept_makes_the_same_calibration_for_windows_as_long_as_a_chunk() -> None:
    found = stretches(path(0.7, hours=400))
    whole = of_stretches([column(found)], found)
    (made,) = of_part([column(found)], whole, learned([column(found)], found, steady(found)))
    (known,) = whole
    assert made.variation.reach(1e-4) == pytest.approx(known.variation.reach(1e-4))
    assert made.design == pytest.approx(known.design)
    assert made.stretches == 400
    for own, read in zip(made.onsets, known.onsets, strict=True):
        assert own.windows == read.windows
        assert math.sqrt(own.variation.reach(1e-4)) == pytest.approx(math.sqrt(read.variation.reach(1e-4)), rel=0.15)


@pytest.mark.parametrize("memory", [0.0, 0.6, 0.95])
def test_longer_windows_move_as_the_mean_of_hours_that_resemble_each_other_does(memory: float) -> None:
    made = longer(Variation(4.0, 9.0, memory, stretches=240), 6)
    distance = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    blocks = (4.0 * memory**distance).reshape(2, 6, 2, 6).mean(axis=(1, 3))
    assert made.variance == pytest.approx(blocks[0, 0])
    assert made.memory == pytest.approx(blocks[0, 1] / blocks[0, 0])
    assert made.stretches == 40


@pytest.mark.parametrize("memory", [0.0, 0.6, 0.95])
def test_sums_of_windows_move_as_their_covariances_say(memory: float) -> None:
    factors = coefficients(3, memory)
    made = summed(Variation(4.0, 9.0, memory, stretches=240), factors)
    width = len(factors)
    distance = np.abs(np.subtract.outer(np.arange(width + 1), np.arange(width + 1)))
    sides = np.zeros((2, width + 1))
    sides[0, :width], sides[1, 1:] = factors, factors
    covariance = sides @ (4.0 * memory**distance) @ sides.T
    assert made.variance == pytest.approx(covariance[0, 0])
    assert made.memory == pytest.approx(max(covariance[0, 1] / covariance[0, 0], 0.0))
    assert made.stretches == 240 - width + 1


@pytest.mark.parametrize("swing", [0.0, 0.3], ids=["wandering", "swinging"])
def test_steps_of_a_short_series_are_taken_for_as_large_as_they_were(swing: float) -> None:
    """A week tells too little of a slow series: its memory is taken for longer, and yet its steps for no smaller."""
    means = path(0.9, hours=168) + swing * np.sin(2 * np.pi * np.arange(168) / 24)
    found = stretches(means)
    whole = of_stretches([column(found)], found)
    (made,) = of_part([column(found)], whole, learned([column(found)], found, steady(found)))
    for own, read in zip(made.onsets, whole[0].onsets, strict=True):
        assert own.variation.variance > 0.8 * read.variation.variance


def test_a_part_that_wanders_while_the_others_make_up_for_it_is_known_to_wander() -> None:
    means = path(0.5, hours=200)
    one, other = stretches(means), stretches(-means, seed=3)
    both = one._replace(counts=one.counts + other.counts)
    (whole,) = of_stretches([column(both)], both)
    (own,) = of_part([column(one)], [whole], learned([column(one)], one, steady(both)))
    assert whole.variation.variance < 0.1 * own.variation.variance
    assert math.sqrt(own.variation.variance) == pytest.approx(0.04, rel=0.2)  # 0.1 deviations, at the median


def test_where_no_course_is_known_a_part_moves_as_the_whole() -> None:
    found = stretches(path(0.5, hours=100))
    (whole,) = of_stretches([column(found)], found)
    (made,) = of_part([column(found)], [whole], None)
    assert made.variation == whole.variation


def test_days_of_a_part_move_as_those_of_the_whole_do_where_these_move_more() -> None:
    found = stretches(path(0.0, hours=96))
    row = learned([column(found)], found, steady(found))
    weekends = Calibration(Variation(0.5, 9.0, 0.0, stretches=60))
    (made,) = of_part([column(found)], [weekends], row, times=24)
    assert made.variation.variance == 0.5


def test_of_a_part_no_more_is_certain_of_a_few_days_than_of_the_whole() -> None:
    found = stretches(np.zeros(96))
    row = learned([column(found)], found, steady(found))
    few = Calibration(Variation(0.5, 9.0, 0.0, stretches=4))
    (made,) = of_part([column(found)], [few], row, times=24)
    assert few.variation.unknown
    assert made.variation.unknown


def profile() -> Profile:
    """With segments that have a course."""
    made = segmented(examples.profile())
    (found,) = made.segmentations
    course = np.zeros((len(found.segments), len(made.columns), NUMBERS))
    course[..., 0] = 1.0
    return replace(made, segmentations=(Segmentation.of(found.columns, found.values, found.counts, course),))


def test_a_course_is_read_as_it_was_written_and_makes_another_profile() -> None:
    made = profile()
    assert profiles.decode(profiles.encode(made)).segmentations == made.segmentations
    assert made.fingerprint != segmented(examples.profile()).fingerprint


@pytest.mark.parametrize(
    ("place", "value"), [(1, -1.0), (3, 1.0), (2, math.nan), (0, -0.5)], ids=["variance", "memory", "z", "design"]
)
def test_a_course_that_cannot_be_is_refused(place: int, value: float) -> None:
    made = profile()
    (found,) = made.segmentations
    course = np.array(found.course)
    course[0, 0, place] = value
    with pytest.raises(DriftlineError, match="their course has numbers that cannot be"):
        replace(made, segmentations=(Segmentation.of(found.columns, found.values, found.counts, course),))
