"""Verdicts and episodes: one page per stretch of drift, and none for a window that was only looked at again.

Timelines: a letter per window, `D` drift, `w` warning, `o` ok, `?` undecided; below it `#` while an episode is open.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.thresholds import UNDEFINED, Limits
from monitor.drift.verdicts import RECOVERY, SEVERITY, Episode, Verdict, column_verdict, follow, model_verdict

LETTERS: dict[str, Verdict] = {"D": "drift", "w": "warning", "o": "ok", "?": "undecided"}
letters = st.text("Dwo?", max_size=20)


@pytest.mark.parametrize(
    ("statistic", "n", "verdict"),
    [
        (0.0, 1000, "ok"),
        (0.1, 1000, "ok"),  # limits themselves are still inside
        (0.11, 1000, "warning"),
        (0.2, 1000, "warning"),
        (0.21, 1000, "drift"),
        (math.inf, 1000, "drift"),
        (math.nan, 1000, "undecided"),
        (0.21, 199, "undecided"),
        (0.21, 200, "drift"),
    ],
)
def test_a_column_is_judged_by_its_limits_where_there_are_enough_events(
    statistic: float, n: int, verdict: Verdict
) -> None:
    assert column_verdict(statistic, Limits(warning=0.1, drift=0.2), n=n, min_events=200) == verdict


def test_without_limits_nothing_is_decided() -> None:
    assert column_verdict(0.9, UNDEFINED, n=1000, min_events=200) == "undecided"


@pytest.mark.parametrize(
    ("columns", "verdict"),
    [("", "undecided"), ("??", "undecided"), ("?o", "ok"), ("ow", "warning"), ("wD?", "drift"), ("oo", "ok")],
)
def test_a_model_is_as_bad_as_its_worst_column(columns: str, verdict: Verdict) -> None:
    assert model_verdict(LETTERS[letter] for letter in columns) == verdict


def test_severities_are_those_that_the_metrics_show() -> None:
    assert SEVERITY == {"undecided": -1, "ok": 0, "warning": 1, "drift": 2}


def see(episode: Episode | None, letter: str, window: int, *, revision: int = 0, column: str = "age") -> Episode | None:
    """The episode after a window of ten units of time has been judged."""
    start = window * 10
    drifted = [column] if letter == "D" else []
    return follow(episode, LETTERS[letter], start=start, end=start + 10, revision=revision, drifted=drifted)


def open_(episode: Episode | None) -> bool:
    return episode is not None and not episode.closed


def played(timeline: str) -> tuple[Episode | None, str]:
    """The episode after tumbling windows in their order, and where one was open."""
    episode, shown = None, ""
    for window, letter in enumerate(timeline):
        episode = see(episode, letter, window)
        shown += "#" if open_(episode) else "."
    return episode, shown


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


def test_an_episode_knows_its_stretch_its_columns_and_its_windows() -> None:
    # time      0   10   20   30   40
    # windows   | D  | o  | D  | o  |
    # columns    age       city
    episode = see(None, "D", 0, column="age")
    episode = see(episode, "o", 1)
    episode = see(episode, "D", 2, column="city")
    episode = see(episode, "o", 3)
    assert episode == Episode(start=0, end=30, columns=("age", "city"), windows=2, calm=1)


def test_a_revision_that_brings_drift_opens_an_episode() -> None:
    assert open_(see(see(None, "o", 0), "D", 0, revision=1))


def test_a_revision_of_a_window_in_drift_does_not_delay_the_recovery() -> None:
    # windows     D o o      then the first one again, then
    #                    o   the third without drift
    episode, _ = played("Doo")
    episode = see(episode, "D", 0, revision=1, column="city")
    assert open_(episode)
    assert not open_(see(episode, "o", 3))


def test_a_revision_of_a_window_in_drift_does_not_open_its_closed_episode_again() -> None:
    episode, shown = played("Doooo")
    assert shown == "###.."
    assert see(episode, "D", 0, revision=1) == episode


def test_a_revision_that_brings_drift_to_a_later_window_prolongs_the_episode() -> None:
    # windows     D o o   then the third one again
    #                 D
    episode = see(played("Doo")[0], "D", 2, revision=1)
    assert episode == Episode(start=0, end=30, columns=("age",), windows=2, calm=0)


def test_a_revision_without_drift_changes_nothing() -> None:
    episode, _ = played("Doo")
    assert see(episode, "o", 2, revision=1) == episode


def test_a_window_from_before_that_comes_late_says_nothing_about_the_recovery() -> None:
    episode, _ = played("ooDoo")
    assert see(episode, "o", 1) == episode


@given(letters)
def test_as_many_windows_as_the_recovery_takes_without_drift_end_every_episode(timeline: str) -> None:
    assert played(timeline + "o" * RECOVERY)[1][-1] == "."


@given(letters)
def test_every_window_in_drift_lies_in_an_open_episode(timeline: str) -> None:
    shown = played(timeline)[1]
    assert all(mark == "#" for letter, mark in zip(timeline, shown, strict=True) if letter == "D")


@given(letters)
def test_windows_that_are_published_again_with_the_same_verdict_open_and_close_nothing(timeline: str) -> None:
    episode = played(timeline)[0]
    for window, letter in enumerate(timeline):
        assert open_(see(episode, letter, window, revision=1)) == open_(episode)
