"""Log files as events: CSV, Parquet and JSON lines, plain or compressed by gzip or Zstandard.

Every event of a file becomes exactly one item. A JSON line passes untouched, whatever it holds; a row of a table
becomes a canonical event; a row that is none becomes a JSON text that says why, which the decoder rejects. So what is
wrong with a file's events is counted in the one place where it is counted for Kafka.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec

from monitor.config import LogFields
from monitor.errors import DriftlineError
from monitor.logs.compressed import SUFFIXES, opened
from monitor.logs.contract import category_name
from monitor.logs.tables import Broken, Row, Table, cell_value, csv_table, parquet_table

if TYPE_CHECKING:
    import pandas as pd

BATCH = 5_000  # events
FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def format_of(path: Path) -> str:
    """`csv`, `json` or `parquet`, by the file's name."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in SUFFIXES]
    name = suffixes[-1] if suffixes else ""
    if name not in FORMATS:
        known = ", ".join(FORMATS)
        raise DriftlineError(f"{path}: expected a file name ending in {known} (then .gz or .zst), got {path.name!r}")
    return FORMATS[name]


def events(
    path: Path,
    mapping: LogFields,
    *,
    model: str | None = None,
    version: str | None = None,
    segments: Collection[str] = (),
    batch: int = BATCH,
) -> Iterator[list[bytes]]:
    """Batches of a file's events as canonical JSON.

    model, version: what every row of a table belongs to where the mapping names no column for it. segments: columns of
    a table that stand in the event's segments as well as in its features, where the table has them: which of the two is
    read is up to the profile. A blank JSON line is b"". Raises DriftlineError where the file itself cannot be read or
    lacks a mapped column.
    """
    form = format_of(path)
    with opened(path) as stream:
        if form == "json":
            yield from _lines(stream, batch)
            return
        table = _table(stream, path, form, batch)
        encode = _RowEncoder(table, mapping, path, model=model, version=version, segments=segments)
        for rows in table.batches:
            yield [encode(row) for row in rows]


def frames(path: Path, *, batch: int = 50_000) -> Iterator[tuple[pd.DataFrame, list[Broken]]]:
    """A table's rows as data frames of plain objects (None, bool, int, float, str), and the rows that are none.

    JSON lines are no table: read them by `events`.
    """
    import pandas as pd

    with opened(path) as stream:
        table = _table(stream, path, format_of(path), batch)
        for rows in table.batches:
            good = [row for row in rows if not isinstance(row, Broken)]
            columns: Iterable[Sequence[object]] = zip(*good, strict=True) if good else [()] * len(table.names)
            series = {name: _series(column, table.text) for name, column in zip(table.names, columns, strict=True)}
            yield pd.DataFrame(series, dtype=object), [row for row in rows if isinstance(row, Broken)]


def _series(column: Sequence[object], text: bool) -> pd.Series[Any]:
    """Plain objects of a column; of equal cells one is read for all."""
    import pandas as pd

    cells: pd.Series[Any] = pd.Series(list(column), dtype=object)
    if not text:
        return cells
    codes, distinct = pd.factorize(cells)
    values: pd.Series[Any] = pd.Series([cell_value(cell) for cell in distinct], dtype=object)
    return values.take(codes).reset_index(drop=True)


class _RowEncoder:
    """Makes canonical events of a table's rows."""

    def __init__(
        self,
        table: Table,
        mapping: LogFields,
        path: Path,
        *,
        model: str | None,
        version: str | None,
        segments: Collection[str],
    ) -> None:
        self.text = table.text
        self.time = _place(table, mapping.time, "time", path)
        self.model = _place(table, mapping.model, "model", path) if mapping.model else None
        self.version = _place(table, mapping.version, "version", path) if mapping.version else None
        self.prediction = _place(table, mapping.prediction, "prediction", path) if mapping.prediction else None
        self.constants = (model, version)
        for name, place, constant in (("model", self.model, model), ("version", self.version, version)):
            if place is None and constant is None:
                raise DriftlineError(
                    f"{path}: expected a column with the {name}, as there are several to choose from; name one of "
                    f"{', '.join(table.names)} in the configuration: `logs: {{{name}: COLUMN}}`"
                )
        self.segments = [(name, i) for i, name in enumerate(table.names) if name in segments]
        taken = {self.time, self.model, self.version, self.prediction}
        self.features = [(name, i) for i, name in enumerate(table.names) if i not in taken]

    def __call__(self, row: Row) -> bytes:
        if isinstance(row, Broken):
            return msgspec.json.encode(f"{row.message}: {row.text}" if row.text else row.message)
        values = [cell_value(cast(str, cell)) for cell in row] if self.text else row
        model, version = self.constants
        event: dict[str, object] = {
            "model": model if self.model is None else self._label(row[self.model]),
            "version": version if self.version is None else self._label(row[self.version]),
            "time": values[self.time],
            "features": {name: values[i] for name, i in self.features},
        }
        if self.prediction is not None:
            event["prediction"] = values[self.prediction]
        if self.segments:
            event["segments"] = {name: values[i] for name, i in self.segments}
        return msgspec.json.encode(event)

    def _label(self, cell: object) -> str | None:
        """A model's or version's name; CSV's `3.10` is not the number 3.1."""
        return category_name(cell) or None


def _place(table: Table, name: str, field: str, path: Path) -> int:
    if name not in table.names:
        raise DriftlineError(
            f"{path}: expected a column {name!r} with the {field}, got the columns {', '.join(table.names)}; "
            f"name it in the configuration: `logs: {{{field}: COLUMN}}`"
        )
    return table.names.index(name)


def _table(stream: BinaryIO, path: Path, form: str, batch: int) -> Table:
    if form == "json":
        raise DriftlineError(f"{path}: expected a CSV or Parquet file, got JSON lines")
    return (csv_table if form == "csv" else parquet_table)(stream, str(path), batch=batch)


def _lines(stream: BinaryIO, batch: int) -> Iterator[list[bytes]]:
    while lines := [_line(line) for line in islice(stream, batch)]:
        yield lines


def _line(line: bytes) -> bytes:
    return b"" if not line.strip(b" \t\r\n") else line.removesuffix(b"\n").removesuffix(b"\r")
