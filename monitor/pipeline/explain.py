"""Says of a window in drift what moved: in each of its columns, and which columns moved together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec

from monitor.drift import summaries
from monitor.drift.bins import Counts
from monitor.drift.episodes import Episode
from monitor.drift.explanations import MOST, Movement, movements
from monitor.drift.groups import Kinship, groups, kinship
from monitor.drift.profiles import Profile
from monitor.drift.segments import named
from monitor.errors import printable
from monitor.pipeline.results import ColumnResult, Result, SegmentColumn, SegmentsResult, ranked

LINES = 10  # that are told of one window


class Explainer:
    """Explains windows of one reference; how its columns move together is found out when it is first asked."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def moved(
        self, counts: Counts, columns: Mapping[str, ColumnResult], expected: Mapping[str, Counts]
    ) -> dict[str, ColumnResult]:
        """The columns' results, with what moved in those in drift; expected: the values these are compared with."""
        found = dict(columns)
        for column, cells in summaries.slices(self._profile, counts):
            if column.name in expected:
                own = found[column.name]
                moved = movements(column, cells, expected=expected[column.name], first=own.drifted_shares)
                found[column.name] = msgspec.structs.replace(own, moved=moved)
        return found

    def groups(self, columns: Mapping[str, ColumnResult], episode: Episode | None) -> tuple[tuple[str, ...], ...]:
        """The columns in drift, those together that have a common cause, the worst first."""
        drifted = ranked(columns)
        if len(drifted) < 2:
            return tuple((name,) for name in drifted)
        return groups(drifted, self._kinship, episode.since if episode else {})

    @cached_property
    def _kinship(self) -> Kinship:
        return kinship(self._profile)


def sentences(result: Result, *, most: int = MOST) -> list[str]:
    """A sentence per group of columns in drift: the worst one, what moved most in it, and the others. Safe to print.

    After these one per column in drift in segments alone, with what moved in the worst of them. Where nothing moved
    beyond noise by itself, the reason of the verdict. At most ten; one more then says how many columns are left out,
    and the last one which segments moved.
    """
    grouped = result.groups or tuple((name,) for name in result.drifted)
    found = [_sentence(result, group, most) for group in grouped[:LINES]]
    left = sum(map(len, grouped[LINES:]))
    if not result.segments or not result.segments.drifted:
        return [*found, *_more(left)]
    told = result.segments.columns[: LINES - len(found)]
    elsewhere = {name for one in result.segments.drifted for name in one.columns} - {*result.drifted}
    left += len(elsewhere) - len(told)
    return [*found, *(_of_column(one, most) for one in told), *_more(left), _of_segments(result.segments)]


def _more(left: int) -> list[str]:
    return [f"and {left} more column{'s' if left > 1 else ''}"] if left else []


def _of_column(found: SegmentColumn, most: int) -> str:
    """What moved in a column in its worst segment."""
    where = f"{_beside(found.column, found.ratio)} in {printable(named(found.segment))}"
    return _with(where, found.moved[:most], found.reason)


def _of_segments(found: SegmentsResult) -> str:
    """Whether one segment moved, or some, or all."""
    moved = found.drifted
    if found.decided == len(moved) > 1:
        return f"all {found.decided} segments moved"
    shown = [f"{printable(named(one.segment))} ({_listed(one.columns)})" for one in moved[:LINES]]
    left = f" and {len(moved) - LINES} more" if len(moved) > LINES else ""
    if found.decided == 1:
        return f"{', '.join(shown)} moved, the only segment with a verdict"
    only = "only " if len(moved) == 1 else ""
    return f"{only}{', '.join(shown)}{left} of {found.decided} segments moved"


def _listed(names: tuple[str, ...]) -> str:
    left = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(map(printable, names[:MOST])) + left


def _sentence(result: Result, group: tuple[str, ...], most: int) -> str:
    first, *others = group
    column = result.columns[first]
    told = _with(_named(result, first), column.moved[:most], column.reason)
    if not others:
        return told
    shown = ", ".join(_named(result, name) for name in others[:LINES])
    left = f" and {len(others) - LINES} more" if len(others) > LINES else ""
    return f"{told}; with {shown}{left}"


def _with(name: str, moved: Sequence[Movement], reason: str | None) -> str:
    why = "; ".join(map(str, moved)) or reason
    return f"{name}: {why}" if why else name


def _named(result: Result, name: str) -> str:
    return _beside(name, result.columns[name].ratio)


def _beside(name: str, ratio: float | None) -> str:
    return printable(name) + ("" if ratio is None else f" {ratio:.1f}×")
