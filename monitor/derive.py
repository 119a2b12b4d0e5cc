"""Derived columns of a reference: what is asked for, fitted on its events, and computed for each of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np

from monitor.drift.bins import MISSING, Floats
from monitor.drift.calendars import rules
from monitor.drift.derived import FUNCTIONS, Derived, Function, oov
from monitor.drift.derived.pca import EXPLAINED
from monitor.drift.derived.standard import MOST_COLUMNS, Standard, fit_cells, fit_numbers
from monitor.drift.profiles import Column
from monitor.errors import DriftlineError
from monitor.observed import INVALID, NUMBER, Cells, Observed, Vectors

RIDGE = 1e-4  # of the logistic regression, per event: keeps weights finite where the two are told apart without error
STEPS = 50  # of its iteration at most


@dataclass(frozen=True, slots=True)
class Wish:
    """A derived column that somebody asks for: its name, the function, and what it reads (no columns: all of them).

    parameters: what is not fitted but said, such as the time zone.
    """

    name: str
    function: Function
    inputs: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """A column that events bring: with its bins, and each event's value as a float or as a cell."""

    column: Column
    floats: Floats
    cells: Cells

    def fit(self) -> Standard:
        """How it is standardized."""
        if self.column.ordered:
            return fit_numbers(self.floats)
        return fit_cells(self.cells, self.column.counts, missing=MISSING)

    def read(self, standard: Standard) -> Floats:
        """Each event's standardized number."""
        return standard(self.floats if self.column.ordered else self.cells)


def read_wishes(texts: Sequence[str]) -> tuple[Wish, ...]:
    """What `--derive pca --derive text_length:comment` asks for. Raises DriftlineError where one cannot be had."""
    wishes = []
    for text in dict.fromkeys(texts):
        name, colon, rest = text.partition(":")
        if name not in FUNCTIONS:
            raise DriftlineError(f"--derive {text}: unknown function {name!r}; known are {', '.join(FUNCTIONS)}")
        known = FUNCTIONS[name]
        if known.takes == "time":
            wishes.append(Wish(text, known, (), _zone(text, rest) if colon else {}))
            continue
        inputs = tuple(part.strip() for part in rest.split(",") if part.strip())
        if known.takes_value and len(inputs) != 1:
            raise DriftlineError(f"--derive {text}: expected one column, as in {name}:comment")
        wishes.append(Wish(text, known, inputs))
    return tuple(wishes)


def _zone(text: str, zone: str) -> dict[str, Any]:
    """The time zone of `--derive weekday:Europe/Berlin`."""
    try:
        rules(zone)
    except DriftlineError as error:
        name = text.partition(":")[0]
        raise DriftlineError(f"--derive {text}: {error}; for UTC write --derive {name}") from error
    return {"zone": zone}


def of_values(wish: Wish, source: Observed | Vectors) -> tuple[Derived, Observed]:
    """The column that is made of one value of each event."""
    parameters: dict[str, Any] = {}
    if isinstance(source, Vectors):
        parameters = {"centroid": source.centroid(wish.name)}
        compute = wish.function.prepare(parameters)
        return _with(wish, parameters), _observed([compute(value) for value in source.values])
    if wish.function.name == "oov":
        sizes = np.bincount(source.codes[source.codes >= 0], minlength=len(source.names))
        parameters = oov.fit(compress(zip(source.names, sizes.tolist(), strict=True), source.are_texts))
    compute = wish.function.prepare(parameters)
    texts = zip(source.names, source.are_texts.tolist(), strict=True)
    named = np.array([compute(name) if is_text else np.inf for name, is_text in texts] or [np.nan])
    values = np.full(len(source.codes), np.nan)
    has_name = source.codes >= 0
    values[has_name] = named[source.codes[has_name]]
    values[(source.codes == NUMBER) | (source.codes == INVALID)] = np.inf
    return _with(wish, parameters), _observed(values.tolist())


def of_times(wish: Wish, times: Sequence[int]) -> tuple[Derived, Observed]:
    """The column that is made of each event's time."""
    if not times:
        raise DriftlineError(f"--derive {wish.name}: the events have no time; name its column with --time")
    names = wish.function.names or ()
    places = wish.function.prepare(wish.parameters)(np.array(times, dtype=np.int64))
    made = Observed()
    made.add([names[place] for place in places.tolist()])
    return _with(wish, wish.parameters), made


def of_columns(wish: Wish, known: Mapping[str, Known], other: Mapping[str, Known] | None) -> tuple[Derived, Observed]:
    """The column that is made of several; `other` has the same columns of the data that `domain` tells apart."""
    names = wish.inputs or tuple(name for name, k in known.items() if k.column.role == "feature")
    for name in names:
        if name not in known:
            raise DriftlineError(f"--derive {wish.name}: no column {name!r}; known are {', '.join(known)}")
    if len(names) > MOST_COLUMNS:
        raise DriftlineError(f"--derive {wish.name}: {len(names)} columns, more than {MOST_COLUMNS}; name some of them")
    standards = [_standard(name, known[name], wish) for name in names]
    rows = np.array([known[name].read(standard) for name, standard in zip(names, standards, strict=True)])
    try:
        if wish.function.name == "pca":
            fitted = _fit_pca(rows, wish.name)
        elif other is None:
            raise DriftlineError(f"--derive {wish.name}: name the files to tell the reference apart from: --against")
        else:
            fitted = _fit_domain(rows, np.array([other[n].read(s) for n, s in zip(names, standards, strict=True)]))
    except np.linalg.LinAlgError as error:
        raise DriftlineError(
            f"--derive {wish.name}: {error}; leave out columns with values far from all others"
        ) from error
    parameters = {"standards": [standard.encode() for standard in standards]} | fitted
    values = wish.function.prepare(parameters, columns=len(names))(list(rows))
    return Derived(wish.function.name, names, parameters), _observed(values.tolist())


def check_sources(wishes: Sequence[Wish], known: Collection[str]) -> None:
    """Raise DriftlineError for a single value that the data have not."""
    for wish in wishes:
        if wish.function.takes_value and wish.inputs[0] not in known:
            raise DriftlineError(f"--derive {wish.name}: the data have no column {wish.inputs[0]!r}, or it is ignored")


def _with(wish: Wish, parameters: Mapping[str, Any]) -> Derived:
    return Derived(wish.function.name, wish.inputs, parameters)


def _observed(values: Sequence[float]) -> Observed:
    """Numbers as a column: nan is missing, infinity invalid."""
    made = Observed()
    made.add([None if math.isnan(value) else value for value in values])
    return made


def _standard(name: str, known: Known, wish: Wish) -> Standard:
    try:
        return known.fit()
    except DriftlineError as error:
        raise DriftlineError(f"--derive {wish.name}: column {name!r}: {error}") from error


def _fit_pca(rows: Floats, name: str) -> dict[str, Any]:
    """The directions that the first components, which hold `EXPLAINED` of the variance, leave out."""
    if len(rows) < 2:
        raise DriftlineError(f"--derive {name}: expected two columns at least, got {len(rows)}")
    variances, vectors = np.linalg.eigh(rows @ rows.T / rows.shape[1])
    shares = np.cumsum(variances[::-1]) / max(float(variances.sum()), 1e-300)
    kept = int(np.searchsorted(shares, EXPLAINED, side="right")) + 1
    if kept >= len(rows):
        raise DriftlineError(
            f"--derive {name}: the components that hold {EXPLAINED:.0%} of the variance hold all, so the error would "
            "always be 0; name more columns, or such that move together"
        )
    rest = vectors[:, : len(rows) - kept].T
    return {"rest": rest.tolist()}


def _fit_domain(rows: Floats, others: Floats) -> dict[str, Any]:
    """A logistic regression by Newton's method; both sides weigh the same, however many events they have."""
    x = np.hstack([rows, others])
    x = np.vstack([x, np.ones(x.shape[1])])
    ours, theirs = rows.shape[1], others.shape[1]
    y = np.repeat([0.0, 1.0], [ours, theirs])
    shares = np.repeat([0.5 / ours, 0.5 / theirs], [ours, theirs])
    ridge = np.diag([RIDGE] * len(rows) + [0.0])
    weights = np.zeros(len(x))
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(weights @ x, -30, 30)))
        slope = x @ (shares * (chance - y)) + ridge @ weights
        step = np.linalg.solve((x * (shares * chance * (1 - chance))) @ x.T + ridge + 1e-12 * np.eye(len(x)), slope)
        weights -= step
        if float(np.abs(step).max()) < 1e-9:
            break
    return {"intercept": float(weights[-1]), "weights": [weights[:-1].tolist()]}
