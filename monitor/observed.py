"""The values of one column as a reference gathers them: compact arrays, and nothing decided before all was seen.

A value is kept as a float where it is a number and as a code of its category name where it is not (or where a float
cannot hold it), so that the column may turn out numeric or categorical in the end, by the rules of the logs: missing is
missing in both; text and flags are invalid numbers; lists and objects are invalid in both.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import Bins, Floats, Ordered, Unordered, ordered_bins, unordered_bins
from monitor.errors import DriftlineError
from monitor.logs.contract import category_name

Cells = npt.NDArray[np.intp]

NUMBER, MISSING, INVALID = -1, -2, -3  # codes of values without a category name of their own
EXACT = 2**53  # integers below it are floats without loss
FEW, IDENTIFIES = 100, 0.9  # more names than these, absolute and as a share of values, identify events
MOST_CATEGORIES = 100_000
MOST_EXACT = 100_000  # bins of a numeric column
_NUMBERS = frozenset((float, int, type(None)))
_TEXTS = frozenset((str, type(None)))


class Observed:
    """Values of one column, in the order of the events."""

    def __init__(self, missing: int = 0) -> None:
        self._floats: list[Floats] = [np.full(missing, np.nan)]
        self._codes: list[npt.NDArray[np.int32]] = [np.full(missing, MISSING, dtype=np.int32)]
        self._texts: dict[str, int] = {}
        self._others: dict[str, int] = {}  # names of flags and of numbers that no float holds

    def add(self, values: Sequence[object]) -> None:
        """Take the values of further events."""
        kinds = set(map(type, values))
        if kinds <= _NUMBERS and self._add_numbers(values):
            return
        if kinds <= _TEXTS:
            texts, others = self._texts, len(self._others)
            coded = [
                MISSING if value is None else texts.setdefault(str(value), others + len(texts)) for value in values
            ]
            self._append(np.full(len(values), np.nan), np.array(coded, dtype=np.int32))
            return
        pairs = [self._one(value) for value in values]
        self._append(np.array([p[0] for p in pairs], dtype=np.float64), np.array([p[1] for p in pairs], dtype=np.int32))

    @cached_property
    def floats(self) -> Floats:
        """Each value as a number, nan where it is none. To be read once all values have been added."""
        return np.concatenate(self._floats)

    @cached_property
    def codes(self) -> npt.NDArray[np.int32]:
        """Each value's place in `names`, or NUMBER, MISSING, INVALID."""
        return np.concatenate(self._codes)

    @cached_property
    def names(self) -> list[str]:
        """Category names of values that are no plain numbers; one stands twice if a text and another value have it."""
        codes = {code: name for named in (self._texts, self._others) for name, code in named.items()}
        return [codes[code] for code in range(len(codes))]

    @cached_property
    def are_texts(self) -> npt.NDArray[np.bool_]:
        """Whether each of `names` was logged as text."""
        found = np.zeros(len(self.names), dtype=bool)
        found[list(self._texts.values())] = True
        return found

    @cached_property
    def finite(self) -> Floats:
        """The numbers alone."""
        return self.floats[~np.isnan(self.floats)]

    @property
    def present(self) -> int:
        """Values that are not missing."""
        return int((self.codes != MISSING).sum())

    @property
    def looks_numeric(self) -> bool:
        """Whether most values are numbers."""
        return 2 * len(self.finite) > self.present

    def refuse_identifier(self, out: str) -> None:
        """Raise DriftlineError if nearly every event has a category of its own: no distribution, and private besides.

        out: where or how to leave the column out.
        """
        distinct = len(set(self.names)) + len(np.unique(self.floats[self.codes == NUMBER]))
        if distinct > FEW and distinct > IDENTIFIES * self.present:
            raise DriftlineError(
                f"{distinct:,} different values in {self.present:,} events look like an identifier; "
                f"leave the column out {out}, or name it in --categorical"
            )

    def ordered(self, bins: int | None) -> tuple[Ordered, Cells]:
        """Bins for the numbers and each event's cell on them."""
        if not len(self.finite):
            raise DriftlineError(f"numeric bins need at least one number, got none in {self.present} values")
        distinct = len(np.unique(self.finite))
        if bins is None and distinct > MOST_EXACT:
            raise DriftlineError(
                f"exact bins are one per distinct value, at most {MOST_EXACT:,}, got {distinct:,}; "
                "give a number of bins, or round the values"
            )
        made = ordered_bins(self.finite, bins=bins)
        cells = np.searchsorted(made.edges, self.floats, side="right")
        cells[np.isnan(self.floats)] = made.values + 1
        return made, self._mark_missing(made, cells)

    def unordered(self, cap: int, out: str = "with --ignore") -> tuple[Unordered, Cells]:
        """Bins for the category names and each event's cell on them; out: as for an identifier."""
        named = np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))
        numbers, sizes = np.unique(self.floats[self.codes == NUMBER], return_counts=True)  # that a float holds
        spelled = [str(category_name(float(number))) for number in numbers]
        counts: Counter[str] = Counter()
        for name, size in (*zip(self.names, named.tolist(), strict=True), *zip(spelled, sizes.tolist(), strict=True)):
            counts[name] += size
        if len(counts) > MOST_CATEGORIES:
            raise DriftlineError(
                f"categorical bins are one per category, at most {MOST_CATEGORIES:,}, got {len(counts):,}; "
                f"leave the column out {out}, or group its values"
            )
        made = unordered_bins(counts, cap=cap)
        return made, self.cells_on(made)

    def cells_on(self, bins: Unordered) -> Cells:
        """Each event's cell on bins of names."""
        numbers, which = np.unique(self.floats[self.codes == NUMBER], return_inverse=True)
        spelled = [str(category_name(float(number))) for number in numbers]
        codes = bins.codes()
        cells = np.full(len(self.codes), bins.values + 1, dtype=np.intp)
        named = np.array([codes.get(name, bins.unseen) for name in self.names] or [0])
        cells[self.codes >= 0] = named[self.codes[self.codes >= 0]]
        cells[self.codes == NUMBER] = np.array([codes.get(name, bins.unseen) for name in spelled] or [0])[which]
        return self._mark_missing(bins, cells)

    def _mark_missing(self, bins: Bins, cells: Cells) -> Cells:
        cells[self.codes == MISSING] = bins.values
        return cells

    def _add_numbers(self, values: Sequence[object]) -> bool:
        """Take numbers and missing values at once; False where one is too large to be a float without loss."""
        try:
            floats = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
        except OverflowError:
            return False
        missing = np.array([value is None for value in values], dtype=bool)
        if not np.all(np.abs(floats[~missing]) < EXACT):
            return False
        self._append(floats, np.where(missing, MISSING, NUMBER).astype(np.int32))
        return True

    def _one(self, value: object) -> tuple[float, int]:
        name = category_name(value)
        if name is None:
            return math.nan, MISSING if value is None else INVALID
        if isinstance(value, float):
            return value, NUMBER
        if isinstance(value, (str, bool)):
            return math.nan, self._code(self._texts if isinstance(value, str) else self._others, name)
        number = _float(value)
        exact = not math.isnan(number) and abs(number) < EXACT
        return number, NUMBER if exact else self._code(self._others, name)

    def _code(self, named: dict[str, int], name: str) -> int:
        return named.setdefault(name, len(self._texts) + len(self._others))

    def _append(self, floats: Floats, codes: npt.NDArray[np.int32]) -> None:
        self._floats.append(floats)
        self._codes.append(codes)


class Vectors:
    """Lists of numbers, one per event: each a list, None where it is missing, a word where it is something else."""

    def __init__(self, missing: int = 0) -> None:
        self._values: list[array[float] | str | None] = [None] * missing

    def add(self, values: Sequence[object]) -> None:
        """Take the values of further events."""
        self._values += [None if value is None else _packed(value) for value in values]

    @property
    def values(self) -> Iterator[object]:
        """Each event's."""
        return (value.tolist() if isinstance(value, array) else value for value in self._values)

    def centroid(self, name: str) -> list[float]:
        """The mean of the lists of the usual length. Raises DriftlineError where there are none."""
        lists = [value for value in self._values if isinstance(value, array)]
        if not lists:
            raise DriftlineError(
                f"--derive {name}: expected lists of numbers, got none in {len(self._values):,} values"
            )
        ((length, _),) = Counter(map(len, lists)).most_common(1)
        total, n = np.zeros(length), 0
        with np.errstate(over="ignore", invalid="ignore"):
            for value in lists:
                if len(value) == length:
                    total, n = total + np.frombuffer(value), n + 1
        if not np.isfinite(total).all():
            raise DriftlineError(
                f"--derive {name}: expected lists whose sum is finite, got larger numbers; leave it out"
            )
        return [float(x) for x in total / n]


def _packed(value: object) -> array[float] | str:
    """A list of finite numbers; a word in place of anything else."""
    if not isinstance(value, list) or not value or not all(type(x) in {int, float} for x in value):
        return "no numbers"
    try:
        return array("d", value)
    except OverflowError:
        return "no numbers"


def _float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # an int
    except OverflowError:
        return math.nan
