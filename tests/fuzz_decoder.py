"""Coverage-guided fuzzing of the decoder against its naive twin: `make fuzz-decoder`, which installs atheris.

    python -m tests.fuzz_decoder build/corpus -max_total_time=300

What it finds goes into `FOUND` below, which the regular tests run without atheris.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType

from monitor.logs.contract import REASONS
from monitor.logs.json import JsonDecoder
from tests import hostile
from tests.logs.examples import TARGETS, TIME, logged, visit
from tests.logs.naive import count_json

SEEDS = 200
SEPARATOR = b"\n--\n"
FOUND: tuple[bytes, ...] = ()  # inputs that once came out differently


def check(data: bytes) -> None:
    """Assert that the decoder counts the values in `data`, which SEPARATOR separates, as its twin does.

    The values stand between good events, once in a fresh decoder and once more in the same, which has learnt from them.
    """
    values = [logged(), *data.split(SEPARATOR)[:8], logged()]
    stamps = [TIME] * len(values)
    expected, fates = count_json(TARGETS, values, stamps)
    decoder = JsonDecoder(TARGETS)
    for _ in range(2):
        counted = decoder.count(values, stamps)
        assert {key: counts.tolist() for key, counts in counted.counts.items()} == expected
        rejected = [(i, fate) for i, fate in enumerate(fates) if fate in REASONS]
        assert [(one.index, one.reason) for one in counted.rejected] == rejected
        assert all(one.message.isprintable() and len(one.message) <= 500 for one in counted.rejected)
        assert counted.events + counted.skipped.total() + len(counted.rejected) == len(values)


def seeds(count: int = SEEDS) -> list[bytes]:
    """Inputs to begin with: hostile records, some of them of the models that the decoder knows."""
    made = [one.value or b"" for one in hostile.records(1, count, now=TIME)]
    return [value for value in made if len(value) < 4_096] + [logged(), logged(model="fraud", version=None), visit()]


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """Functions that the module defines, and methods of its classes."""
    own = [thing for thing in vars(module).values() if getattr(thing, "__module__", "") == module.__name__]
    methods = [thing for kind in own if isinstance(kind, type) for thing in vars(kind).values()]
    yield from (thing for thing in own + methods if isinstance(thing, FunctionType))


def main(arguments: Sequence[str]) -> None:
    """Fuzz until told to stop; an input that differs is written to a file and ends it. Arguments are libFuzzer's."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # outside the lock

    for folder in (Path(argument) for argument in arguments[1:] if not argument.startswith("-")):
        folder.mkdir(parents=True, exist_ok=True)
        for i, value in enumerate(seeds()):
            (folder / f"seed-{i}").write_bytes(value)
    for name in [name for name in sys.modules if name.startswith(("monitor.logs.", "tests.logs.naive"))]:
        for function in functions(sys.modules[name]):
            atheris.instrument_func(function)
    atheris.Setup(list(arguments), check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
