"""Derived columns within a profile: whether they can be made of its other columns, and what is read of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.drift.calendars import Calendar
from monitor.drift.derived import Derived, function
from monitor.drift.derived.standard import Standard
from monitor.drift.derived.standard import decode as decode_standard
from monitor.errors import DriftlineError

if TYPE_CHECKING:
    from monitor.drift.profiles import Column, Profile


def check_derived(profile: Profile, column: Column) -> None:
    """Raise DriftlineError unless the column can be made: of what its function takes, with what was fitted."""
    assert column.derived is not None
    known, derived = function(column.derived.function), column.derived
    if column.ordered != (known.names is None):
        raise DriftlineError(
            f"column {column.name!r}: {known.name} needs {'numeric' if known.names is None else 'categorical'} bins"
        )
    if known.takes == "columns":
        known.prepare(derived.parameters, columns=len(standards(profile, derived)))
        return
    known.prepare(derived.parameters)
    if len(derived.inputs) != known.takes_value:
        raise DriftlineError(
            f"column {column.name!r}: {known.name} reads one {known.takes}, got {list(derived.inputs)}"
        )


def standards(profile: Profile, derived: Derived) -> list[tuple[int, Standard]]:
    """The places of the columns that a derived one reads, each with how it is standardized.

    Raises DriftlineError where they are not columns of the profile that events bring, or do not fit them.
    """
    places = {column.name: i for i, column in enumerate(profile.columns) if column.derived is None}
    documents = derived.parameters.get("standards")
    if not isinstance(documents, list) or len(documents) != len(derived.inputs) or not documents:
        raise DriftlineError(f"{derived.function}: expected `standards`, one for each of its inputs")
    found = []
    for name, document in zip(derived.inputs, documents, strict=True):
        if name not in places:
            raise DriftlineError(f"{derived.function}: it reads column {name!r}, which the profile has not")
        column, standard = profile.columns[places[name]], decode_standard(document, name)
        size = None if standard.table is None else len(standard.table)
        if size != (None if column.ordered else column.size):
            raise DriftlineError(f"{derived.function}: what it knows of column {name!r} does not fit its bins")
        found.append((places[name], standard))
    return found


def calendars(profile: Profile) -> list[str]:
    """Names of the calendars by which columns are made: their rules are not in the profile."""
    made = [column.derived for column in profile.columns if column.derived]
    timed = [derived.parameters for derived in made if function(derived.function).takes == "time"]
    return [Calendar(zone).name for zone in sorted({str(said["zone"]) for said in timed if "zone" in said})]


def decode_derived(document: Any) -> Derived:
    """How a column is made, as a profile has it in JSON. Raises DriftlineError where it is something else."""
    if not isinstance(document, dict) or document.keys() != {"function", "inputs", "parameters"}:
        raise DriftlineError("'derived' must be an object of function, inputs and parameters")
    name, inputs, parameters = document["function"], document["inputs"], document["parameters"]
    if not isinstance(inputs, list) or not all(isinstance(column, str) for column in inputs):
        raise DriftlineError(f"'inputs' of a derived column must be names of columns, got {inputs!r:.100}")
    if not isinstance(parameters, dict):
        raise DriftlineError(f"'parameters' of a derived column must be an object, got {parameters!r:.100}")
    return Derived(function(name).name, tuple(inputs), parameters)
