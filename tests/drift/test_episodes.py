"""Episodes: one page per stretch of drift, and none for a window that was only looked at again.

Timelines: a letter per window, `D` drift, `w` warning, `o` ok, `?` undecided; below it `#` while an episode is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.episodes import RECOVERY, Episode, Worst, follow
from monitor.drift.verdicts import Verdict, model_verdict

LETTERS: dict[str, Verdict] = {"D": "drift", "w": "warning", "o": "ok", "?": "undecided"}
SIZE, STEP = 30, 10  # windows overlap: the first begins at 0 and ends at 30, the second begins at 10
letters = st.text("Dwo?", max_size=20)


@dataclass
class Told:
    """What was said so far, as the pipeline keeps it: the episode, and the most severe verdict of each window."""

    recovery: int = RECOVERY
    episode: Episode | None = None
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    opened: int = 0

    def say(self, letter: str, window: int, **drifted: float | None) -> Told:
        """A window has been judged, for the first time or again; `age` is in drift where nothing is said."""
        verdict, start = LETTERS[letter], window * STEP
        columns: Mapping[str, float | None] = drifted or {"age": 2.0}
        was, said = self.episode, self.verdicts.get(start, "undecided")
        self.episode = follow(
            was,
            verdict,
            start=start,
            end=start + SIZE,
            drifted=columns if verdict == "drift" else {},
            said=said,
            later=[known for other, known in self.verdicts.items() if other > start],
            recovery=self.recovery,
        )
        self.opened += self.open and (was is None or was.closed)
        self.verdicts[start] = model_verdict([said, verdict])
        return self

    @property
    def open(self) -> bool:
        return self.episode is not None and not self.episode.closed


def played(timeline: str, *, recovery: int = RECOVERY) -> tuple[Told, str]:
    """What is known after these windows in their order, and where an episode was open."""
    told, shown = Told(recovery), ""
    for window, letter in enumerate(timeline):
        shown += "#" if told.say(letter, window).open else "."
    return told, shown


@pytest.mark.parametrize(
    "timeline",
    [
        """
        oowo
        ....  nothing opens without drift
        """,
        """
        oDooo
        .###.  three windows without drift end it
        """,
        """
        Dwwwww
        ###...  a warning is no drift: who sits near a threshold is not paged for ever
        """,
        """
        DooDooo
        ######.  drift again before the end is the same episode
        """,
        """
        DoooDo
        ###.##  drift after the end is another one
        """,
        """
        Do?o?o
        #####.  what is undecided neither counts nor interrupts
        """,
        """
        ??D???
        ..####
        """,
    ],
)
def test_an_episode_lasts_from_the_first_drift_to_the_recovery(timeline: str) -> None:
    verdicts, expected = (line.split()[0] for line in timeline.strip().splitlines())
    assert played(verdicts)[1] == expected


@pytest.mark.parametrize(("recovery", "shown"), [(1, "#.##..."), (2, "#####.."), (4, "#######"), (1_000, "#######")])
def test_a_model_may_ask_for_another_number_of_windows(recovery: int, shown: str) -> None:
    assert played("DoD?ooo", recovery=recovery)[1] == shown


def test_an_episode_knows_its_stretch_its_columns_its_windows_and_the_worst_of_them() -> None:
    # windows from   0   10   20   30
    #                D    o    D    o
    #        age  1.5×       1.1×
    #       city             4.0×
    told = Told().say("D", 0, age=1.5).say("o", 1).say("D", 2, age=1.1, city=4.0).say("o", 3)
    assert told.episode == Episode(
        start=0,
        end=50,
        columns=("age", "city"),
        windows=2,
        calm=1,
        worst=Worst(20, 50, "city", 4.0),
        since={"age": 0, "city": 20},
    )


def test_beyond_any_number_is_worse_than_every_number() -> None:
    told = Told().say("D", 0, age=1e9).say("D", 1, city=None).say("D", 2, age=1e12)
    assert told.episode is not None
    assert told.episode.worst == Worst(10, 40, "city", None)


def test_of_equally_bad_windows_the_earlier_is_the_worst_whichever_was_known_first() -> None:
    for windows in ((1, 2), (2, 1)):
        told = Told().say("D", 0, age=1.5)
        for window in windows:
            told.say("D", window, city=2.0, age=2.0)
        assert told.episode is not None
        assert told.episode.worst == Worst(10, 40, "age", 2.0)


def test_a_revision_that_brings_drift_opens_an_episode() -> None:
    assert Told().say("o", 0).say("D", 0).open


def test_drift_that_becomes_known_when_it_is_long_over_opens_nothing() -> None:
    # windows     o o o o   then the first one again
    #             D
    assert played("oooo")[0].say("D", 0).episode is None


def test_windows_without_drift_that_are_known_already_count_when_a_revision_opens_an_episode() -> None:
    # windows     o o o     then the first one again, then the fourth
    #             D     o
    told = played("ooo")[0].say("D", 0)
    assert told.open
    assert not told.say("o", 3).open


def test_a_revision_of_a_window_in_drift_does_not_delay_the_recovery() -> None:
    # windows     D o o      then the first one again, then
    #                    o   the third without drift
    told = played("Doo")[0].say("D", 0, city=2.0)
    assert told.open
    assert told.episode is not None
    assert told.episode.windows == 1
    assert not told.say("o", 3).open


def test_a_revision_of_a_window_in_drift_does_not_open_its_closed_episode_again() -> None:
    told, shown = played("Doooo")
    assert shown == "###.."
    before = told.episode
    assert told.say("D", 0).episode == before


def test_of_overlapping_windows_the_first_in_drift_after_an_episode_opens_another() -> None:
    # windows   D o o o D   the last begins before the first one's end with the same size of window and a short step
    assert played("DoD", recovery=1)[0].opened == 2


def test_a_revision_that_takes_the_drift_back_leaves_the_episode_to_its_recovery() -> None:
    # windows     D       then the same one again: the page is out, and the window no sign of recovery
    #             o o o
    told = played("D")[0]
    before = told.episode
    assert told.say("o", 0).episode == before
    assert told.say("o", 1).say("o", 2).open
    assert not told.say("o", 3).open


def test_a_revision_that_brings_drift_to_a_window_before_the_first_changes_nothing() -> None:
    told = played("oD")[0]
    before = told.episode
    assert told.say("D", 0, city=3.0).episode == before
    assert told.opened == 1


def test_a_window_of_an_episode_that_is_over_adds_nothing_to_the_one_that_is_open() -> None:
    told = played("DoooD")[0]
    before = told.episode
    assert told.say("D", 0, city=9.0).episode == before


def test_a_revision_that_brings_drift_to_a_window_of_the_recovery_begins_it_anew_after_that_window() -> None:
    # windows     D o o   then the second one again: one without drift lies behind it
    #               D
    told = played("Doo")[0].say("D", 1)
    assert told.episode == Episode(0, 40, ("age",), windows=2, calm=1, worst=Worst(0, 30, "age", 2.0), since={"age": 0})


def test_a_window_that_was_undecided_at_first_counts_towards_the_recovery_once_it_is_not() -> None:
    assert not played("Doo?")[0].say("o", 3).say("o", 3).open
    assert played("Do?")[0].say("o", 2).say("o", 2).open


def test_a_revision_without_drift_changes_nothing() -> None:
    told = played("Doo")[0]
    before = told.episode
    assert told.say("o", 2).say("w", 2).episode == before


def test_a_window_from_before_that_comes_late_says_nothing_about_the_recovery() -> None:
    told = played("?oDoo")[0]
    before = told.episode
    assert told.say("o", 0).say("o", 1).episode == before


def test_a_closed_episode_stays_closed_whatever_the_configuration_asks_for_afterwards() -> None:
    told = played("Dooo")[0]
    told.recovery = 10
    before = told.episode
    assert not told.say("o", 4).open
    assert told.episode == before


def test_an_open_episode_ends_by_the_number_that_is_configured_now() -> None:
    told = played("Doo", recovery=9)[0]
    told.recovery = 3
    assert not told.say("o", 3).open


@given(letters, st.integers(1, 4))
def test_as_many_windows_as_the_recovery_takes_without_drift_end_every_episode(timeline: str, recovery: int) -> None:
    assert played(timeline + "o" * recovery, recovery=recovery)[1][-1] == "."


@given(letters, st.integers(1, 4))
def test_every_window_in_drift_lies_in_an_open_episode(timeline: str, recovery: int) -> None:
    shown = played(timeline, recovery=recovery)[1]
    assert all(mark == "#" for letter, mark in zip(timeline, shown, strict=True) if letter == "D")


@given(letters)
def test_windows_that_are_published_again_with_the_same_verdict_open_and_close_nothing(timeline: str) -> None:
    told = played(timeline)[0]
    before = told.episode
    for window, letter in enumerate(timeline):
        told.say(letter, window)
    assert told.episode == before
