"""What moved in a column: the ranges and categories whose shares changed most, in the column's own units.

Of a numeric column the range whose share changed most is found where the two cumulative shares are furthest apart and
where they are furthest the other way: the distance between the two is Kuiper's statistic. Neighbouring bins that moved
the same way are one range then. What is left on either side is searched in the same way. A category stands for itself.

Shares of values are of the usable values, as the deciding statistic sees them; those of missing and invalid ones are
of all events. Only what lies beyond sampling noise is told: an exact conditional test (Przyborowski and Wilenski 1940)
at a level that is divided by all the ranges that might have been picked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betainc

from monitor.drift.bins import INVALID, MISSING, Counts, Floats, Ordered, Unordered
from monitor.drift.profiles import Column
from monitor.errors import printable

MOST = 3  # movements that are told of a column
LEVEL = 0.001  # probability that a column which did not move is said to have
NAME = 40  # most characters of a category's name

SPECIAL_CELLS = {"missing": MISSING, "invalid": INVALID}

Of = Literal["values", "events"]
Sides = tuple[tuple[int, int], tuple[int, int]]  # reference and window: events, of how many


@dataclass(frozen=True, slots=True)
class Movement:
    """Cells [first, stop) of a column's counts, what they hold in words, and their shares in reference and window."""

    where: str
    first: int
    stop: int
    reference: float
    current: float
    of: Of

    def __str__(self) -> str:
        shares = " → ".join(f"{100 * share:.3g} %" for share in (self.reference, self.current))
        return f"{shares} of {self.of} {self.where}"


def movements(
    column: Column, counts: Counts, *, expected: Counts | None = None, first: Sequence[str] = ()
) -> tuple[Movement, ...]:
    """The parts of a column that moved most, at most three, the largest change of a share first.

    counts: the window's counts of the column, shape (column.size,). expected: the reference's counts of the value bins,
    where not all of it is what the window was compared with. first: `missing`, `invalid` or `unseen`, where these
    shares alone are drift, to be told before all else. Empty where nothing is beyond sampling noise.

    >>> country = Column("country", "feature", Unordered(("DE", "FR")), np.array([400, 600, 0, 0, 0, 0]))
    >>> [str(movement) for movement in movements(country, np.array([220, 780, 0, 0, 0, 0]))]
    ["40 % → 22 % of values 'DE'", "60 % → 78 % of values 'FR'"]
    """
    bins, then = column.bins, column.counts[:MISSING] if expected is None else expected
    now = counts[:MISSING]
    values = _ranges(bins, then, now) if isinstance(bins, Ordered) else _categories(bins, then, now)
    special = {name: _of_events(column, counts, name) for name in SPECIAL_CELLS}
    beyond = (name for name in special if _beyond_noise(_sides(column.counts, counts, special[name].first), tests=2))
    found = sorted([*values, *(special[name] for name in beyond)], key=_rank)
    told = [special[name] if name in special else _unseen(bins, then, now) for name in first]
    return (*told, *(one for one in found if one not in told))[:MOST]


def _rank(moved: Movement) -> tuple[float, int]:
    """The largest change first; what one range gained and another lost is the same, but for the last bit."""
    return -round(abs(moved.current - moved.reference), 12), moved.first


def _ranges(bins: Ordered, before: Counts, after: Counts) -> Iterator[Movement]:
    """The ranges that moved most; at most `MOST` of them are of use, and where the largest is noise, none is sought."""
    then, now = _cumulative(before), _cumulative(after)
    if not then[-1] or not now[-1]:
        return
    # The difference of the shares, times both samples: whole numbers, so that what did not move is 0 to the bit.
    apart = now * float(then[-1]) - then * float(now[-1])
    tests = len(apart) * (len(apart) - 1) // 2
    waiting = [_furthest(apart, 0, bins.values)]
    for _ in range(MOST):
        if not waiting:
            return
        waiting.sort(reverse=True)
        _, first, stop, low, high = waiting.pop(0)
        changed = np.flatnonzero(np.diff(apart[first : stop + 1]))
        if not len(changed):
            return
        first, stop = first + int(changed[0]), first + int(changed[-1]) + 1
        sides = _part(then, first, stop), _part(now, first, stop)
        if not _beyond_noise(sides, tests=tests):
            return
        yield _movement(_range(bins.edges, first, stop), (first, stop), sides, "values")
        waiting += [_furthest(apart, *rest) for rest in ((low, first), (stop, high)) if rest[0] < rest[1]]


def _cumulative(counts: Counts) -> Counts:
    """Events below each edge, from none to all; shape (len(counts) + 1,)."""
    return np.concatenate(([0], np.cumsum(counts)))


def _part(below: Counts, first: int, stop: int) -> tuple[int, int]:
    return int(below[stop] - below[first]), int(below[-1])


def _furthest(apart: Floats, low: int, high: int) -> tuple[float, int, int, int, int]:
    """Between edges `low` and `high`: by how much the share of a range changed most, the range, and the two edges."""
    part = apart[low : high + 1]
    first, stop = sorted((int(part.argmin()), int(part.argmax())))
    return float(part.max() - part.min()), low + first, low + stop, low, high


def _categories(bins: Unordered, then: Counts, now: Counts) -> Iterator[Movement]:
    """The categories that moved most, of those that are looked at."""
    sizes = int(then.sum()), int(now.sum())
    if not all(sizes):
        return
    largest = np.argsort(-np.abs(now / sizes[1] - then / sizes[0]), kind="stable")
    for i in (int(cell) for cell in largest[: 2 * MOST]):
        sides = (int(then[i]), sizes[0]), (int(now[i]), sizes[1])
        if _beyond_noise(sides, tests=bins.values):
            yield _movement(_category(bins, i), (i, i + 1), sides, "values")


def _of_events(column: Column, counts: Counts, kind: str) -> Movement:
    """What is missing or invalid, as a share of all events."""
    place = column.size + SPECIAL_CELLS[kind]
    return _movement(kind, (place, place + 1), _sides(column.counts, counts, place), "events")


def _unseen(bins: Ordered | Unordered, then: Counts, now: Counts) -> Movement:
    """What the reference never had, as a share of the values."""
    assert isinstance(bins, Unordered)  # of numbers none is unseen
    place = bins.unseen
    return _movement(_category(bins, place), (place, place + 1), _sides(then, now, place), "values")


def _sides(then: Counts, now: Counts, place: int) -> Sides:
    return (int(then[place]), int(then.sum())), (int(now[place]), int(now.sum()))


def _movement(where: str, cells: tuple[int, int], sides: Sides, of: Of) -> Movement:
    (before, size), (after, n) = sides
    return Movement(where, *cells, before / max(size, 1), after / max(n, 1), of)


def _beyond_noise(sides: Sides, *, tests: int) -> bool:
    """Whether two shares (events, of how many) differ by more than chance explains in one of so many tests.

    Given how many events there are in both samples, those of the window are binomial. The rarer of what lies within and
    what lies without is tested, for which that is nearest to the truth.
    """
    (before, size), (after, n) = sides
    if not size or not n:
        return False
    if 2 * (before + after) > size + n:
        before, after = size - before, n - after
    part = n / (n + size)
    more = betainc(after, before + 1, part) if after else 1.0
    fewer = betainc(before, after + 1, 1 - part) if before else 1.0
    return bool(2 * min(more, fewer) * tests < LEVEL)


def _category(bins: Unordered, cell: int) -> str:
    if cell == bins.unseen:
        return "of categories that the reference never had"
    if cell == bins.unseen - 1:
        return "of rarer categories"
    name = bins.categories[cell]
    return f"'{printable(name[:NAME])}{'…' if len(name) > NAME else ''}'"


def _range(edges: Floats, first: int, stop: int) -> str:
    """The values in bins [first, stop), in words; a bin that holds one value alone is told from one that begins there.

    >>> edges = np.array([1.0, 2.0, np.nextafter(2.0, 3.0), 4.0])
    >>> [_range(edges, *bins) for bins in ((0, 1), (0, 3), (1, 3), (2, 3))]
    ['below 1', 'up to 2', 'from 1 up to 2', 'exactly 2']
    >>> [_range(edges, *bins) for bins in ((3, 4), (1, 4), (3, 5), (4, 5))]
    ['above 2 and below 4', 'between 1 and 4', 'above 2', 'from 4 up']
    """
    low, after = _edge(edges, first)
    high, included = _edge(edges, stop)
    one, two = _numbers(low, high)
    if low is None:
        return f"up to {two}" if included else f"below {two}"
    if high is None:
        return f"above {one}" if after else f"from {one} up"
    if low == high:
        return f"exactly {one}"
    if included:
        return f"above {one} and up to {two}" if after else f"from {one} up to {two}"
    return f"above {one} and below {two}" if after else f"between {one} and {two}"


def _edge(edges: Floats, place: int) -> tuple[float | None, bool]:
    """The number at a bin's border, and whether the border lies right after it; None is infinitely far away."""
    if not 0 < place <= len(edges):
        return None, False
    value = float(edges[place - 1])
    own = place > 1 and float(np.nextafter(edges[place - 2], np.inf)) == value
    return (float(edges[place - 2]), True) if own else (value, False)


def _numbers(low: float | None, high: float | None) -> tuple[str, str]:
    """Both numbers as short as lets one tell them apart."""
    digits = 4
    while low is not None and high is not None and low != high and _short(low, digits) == _short(high, digits):
        digits += 1
    return _short(low, digits), _short(high, digits)


def _short(number: float | None, digits: int) -> str:
    if number is None:
        return ""
    return str(int(number)) if number.is_integer() and abs(number) < 1e12 else f"{number:.{digits}g}"
