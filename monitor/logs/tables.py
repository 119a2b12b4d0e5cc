"""Rows of CSV and Parquet files, one per event, with values as a JSON log would hold them.

A cell of CSV has no type, so a rule gives it one: empty is missing, what as a whole is a finite decimal number is that
number, all else is text (`007` too, for a code must not lose its zeros). The reference and the replay share this file,
so the same log always gives the same values.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import islice
from typing import BinaryIO, NamedTuple

from monitor.errors import DriftlineError

LONGEST_NUMBER = 400  # characters; what is longer is text, as nobody measures with it and parsing it is quadratic
_NUMBER = re.compile(r"[ \t]*[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_FIRST = frozenset("0123456789+-. \t")


class Broken(NamedTuple):
    """A row that is no event: the message says where it stands, what was expected and what was found."""

    message: str
    text: str


Row = Sequence[object] | Broken


class Table(NamedTuple):
    """Names of the columns, the rows in batches, and whether cells are text that `cell_value` must read."""

    names: list[str]
    batches: Iterator[list[Row]]
    text: bool


FLAGS = {"True": True, "False": False, "TRUE": True, "FALSE": False}


def cell_value(cell: str) -> object:
    """The value of a CSV cell: None, a flag as pandas and R write it, an int, a float or the text itself.

    >>> [cell_value(cell) for cell in ("", "True", "12", "-1.50", ".5", "1e3", "007", "1e999", "nan", "a")]
    [None, True, 12, -1.5, 0.5, 1000.0, '007', '1e999', 'nan', 'a']
    """
    if not cell:
        return None
    if cell in FLAGS:
        return FLAGS[cell]
    if cell[0] not in _FIRST or len(cell) > LONGEST_NUMBER or not _NUMBER.fullmatch(cell):
        return cell
    number = float(cell)
    if not math.isfinite(number):
        return cell
    digits = cell.strip().lstrip("+-")
    return int(cell) if digits.isdigit() else number


def plain(value: object) -> object:  # noqa: PLR0911  # one line per type reads best
    """A value of Parquet or pandas as JSON would hold it: nan is missing, an infinity text, times are milliseconds."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None if math.isnan(value) else _infinity(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Decimal):
        return plain(float(value))
    if isinstance(value, datetime):
        return _milliseconds(value)
    if isinstance(value, date):
        return _milliseconds(datetime(value.year, value.month, value.day))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)


def csv_table(stream: BinaryIO, place: str, *, batch: int) -> Table:
    """The rows of a CSV file, whose first line names the columns; `,`, `;`, tab and `|` separate cells."""
    first = stream.readline()
    if b"\0" in first:
        raise DriftlineError(f"{place}: expected CSV text, got binary data in line 1; check the file's name and format")
    try:
        header = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DriftlineError(f"{place}: line 1: expected UTF-8, got {error.reason}; convert the file") from error
    if not header.strip():
        raise DriftlineError(f"{place}: line 1: expected the names of the columns, got an empty line; add a header")
    separator = max(",;\t|", key=header.count)
    cells = next(csv.reader([header], delimiter=separator))
    names = [name.strip() or f"unnamed {i}" for i, name in enumerate(cells)]  # pandas writes its index without a name
    _check_names(names, place)
    # Bytes that are no UTF-8 pass as surrogates and break only their own row.
    lines = (line.decode("utf-8", "surrogateescape") for line in stream)
    rows = _csv_rows(csv.reader(lines, delimiter=separator), place, names)
    return Table(names, _batches(rows, batch), text=True)


def parquet_table(stream: BinaryIO, place: str, *, batch: int) -> Table:
    """The rows of a Parquet file; times of any unit become UTC milliseconds."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        message = f"{place}: reading Parquet needs pyarrow; install it with: pip install 'driftline[parquet]'"
        raise DriftlineError(message) from error
    try:
        file = pyarrow.parquet.ParquetFile(stream if stream.seekable() else BytesIO(stream.read()))
        names = list(file.schema_arrow.names)
    except (pyarrow.ArrowException, OSError) as error:
        raise DriftlineError(f"{place}: expected a Parquet file, got: {_first_line(error)}") from error
    _check_names(names, place)

    def batches() -> Iterator[list[Row]]:
        try:
            for found in file.iter_batches(batch_size=batch):
                columns = [_arrow_values(column) for column in found.columns]
                yield list(zip(*columns, strict=True))
        except (pyarrow.ArrowException, OSError) as error:
            raise DriftlineError(f"{place}: the Parquet file is damaged: {_first_line(error)}") from error

    return Table(names, batches(), text=False)


def _csv_rows(reader: Iterator[list[str]], place: str, names: list[str]) -> Iterator[Row]:
    while True:
        line = getattr(reader, "line_num", 0) + 2  # the header was read before the reader began
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Broken(f"{place}: line {line}: expected CSV, got: {error}", "")
            continue
        text = ",".join(row)
        if len(row) != len(names):
            if row:  # a blank line is no event
                yield Broken(f"{place}: line {line}: expected {len(names)} cells, got {len(row)}", text)
        elif not text.isascii() and not _is_unicode(text):
            yield Broken(
                f"{place}: line {line}: expected UTF-8, got other bytes", text.encode("utf-8", "replace").decode()
            )
        else:
            yield row


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while found := list(islice(rows, size)):
        yield found


def _check_names(names: list[str], place: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DriftlineError(f"{place}: column {twice[0]!r} stands twice; every column needs a name of its own")


def _arrow_values(column: object) -> list[object]:
    """Python values of an Arrow array. Times are cast first: nanoseconds would need pandas."""
    import pyarrow

    kind = column.type  # type: ignore[attr-defined]  # pyarrow publishes no types
    if pyarrow.types.is_timestamp(kind) or pyarrow.types.is_date(kind):
        zone = getattr(kind, "tz", None)
        times = column.cast(pyarrow.timestamp("ms", zone), safe=False)  # type: ignore[attr-defined]  # the same
        return list(times.cast(pyarrow.int64()).to_pylist())
    values = column.to_pylist()  # type: ignore[attr-defined]  # the same
    return [value if type(value) is int or type(value) is str else plain(value) for value in values]


def _milliseconds(moment: datetime) -> int:
    """UTC milliseconds; a time without a zone is taken as UTC."""
    since = moment.replace(tzinfo=None) - (moment.utcoffset() or (moment - moment)) - datetime(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def _infinity(value: float) -> str:
    return "Infinity" if value > 0 else "-Infinity"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
