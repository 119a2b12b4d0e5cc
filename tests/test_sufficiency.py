"""What a reference lacks is said with what to do; what is enough has nothing to say."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.drift.stretches import Like
from monitor.sufficiency import lacking
from tests.calibration.worlds import HOUR, Simulated, World

ENOUGH = World("enough", columns=2, numbers=1, chunks=100, sd=0.2)
SHORT = World("short", columns=2, numbers=1, chunks=20, sd=0.2)
STILL = World("still", columns=2, numbers=1, chunks=20)


@pytest.mark.parametrize(
    ("world", "length", "expected"),
    [
        (ENOUGH, HOUR, []),
        (STILL, HOUR, []),
        (
            SHORT,
            HOUR,
            [
                "c00, c01 move by themselves, and 20 stretches of 1h are too few to say how far (48 are needed): "
                "they warn at most, but for missing, invalid and unseen shares that stand still; add 28h of data"
            ],
        ),
        (
            ENOUGH,
            4 * HOUR,
            [
                "c00, c01 move by themselves, and 25 stretches of 4h are too few to say how far (48 are needed): "
                "they warn at most, but for missing, invalid and unseen shares that stand still; add 92h of data"
            ],
        ),
        (
            ENOUGH,
            5 * HOUR,
            [
                "c00, c01 move by themselves, and 20 stretches of 5h are too few to say how far (48 are needed): "
                "they warn at most, but for missing, invalid and unseen shares that stand still; add 140h of data"
            ],
        ),
        (
            ENOUGH,
            10 * HOUR,
            [
                "c00, c01 move by themselves, and 10 stretches of 10h are too few to say how far (48 are needed): "
                "they warn at most, but for missing, invalid and unseen shares that stand still; add 16d of data"
            ],
        ),
        (
            ENOUGH,
            HOUR // 4,
            [
                "its chunks (1h) are longer than a window (15m), so how far shorter windows move is unknown; "
                "build it with a smaller --chunk"
            ],
        ),
        (
            ENOUGH,
            3 * HOUR // 2,
            [
                "a window (90m) is no multiple of its chunks (1h), by which it is judged; build it with a "
                "--chunk that divides the window"
            ],
        ),
    ],
)
def test_each_lack_is_a_sentence(world: World, length: int, expected: list[str]) -> None:
    profile = Simulated(world, np.random.default_rng(1), hours=1).profile
    assert list(lacking(profile, Like(length))) == expected
