"""Episodes against their slow twin, which remembers all that was ever said and looks everything up each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.episodes import Episode, Worst
from tests import naive
from tests.drift.test_episodes import LETTERS, SIZE, STEP, Told

said = st.lists(
    st.tuples(
        st.sampled_from("Dwo?"), st.integers(0, 8), st.dictionaries(st.sampled_from("abc"), st.floats(1, 9), min_size=1)
    ),
    max_size=30,
)  # windows in any order, and again and again


@given(said, st.integers(1, 4), st.data())
def test_it_says_what_the_slow_twin_says_and_a_restart_at_any_point_changes_nothing(
    results: Sequence[tuple[str, int, dict[str, float]]], recovery: int, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(results)))
    told, expected = Told(recovery), []
    for i, (letter, window, drifted) in enumerate(results):
        if i == cut:  # through bytes, as a checkpoint has it
            packed = msgspec.msgpack.encode(told.episode)
            told = replace(told, episode=msgspec.msgpack.decode(packed, type=Episode | None))
        told.say(letter, window, **drifted)
        start = window * STEP
        expected.append(naive.Said(start, start + SIZE, LETTERS[letter], drifted))
        found = naive.episodes(expected, recovery=recovery)
        assert told.opened == len(found)
        assert told.open == (bool(found) and not found[-1].closed)
    if found := naive.episodes(expected, recovery=recovery):
        drifts = found[-1].drifts
        names = {name for one in drifts for name in one.drifted}
        worst = min((-ratio, one.start, name, one.end) for one in drifts for name, ratio in one.drifted.items())
        assert told.episode == Episode(
            start=drifts[0].start,
            end=found[-1].last.end,
            columns=tuple(sorted(names)),
            windows=len({one.start for one in drifts}),
            calm=recovery if found[-1].closed else naive.calm_after(expected, found[-1].last.start),
            recovery=recovery,
            worst=Worst(worst[1], worst[3], worst[2], -worst[0]),
            since={
                name: min(one.start for one in drifts if name in one.drifted) for one in drifts for name in one.drifted
            },
        )
