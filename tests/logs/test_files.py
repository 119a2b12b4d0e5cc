"""Log files: every event becomes exactly one item, whatever the format, and an unreadable file says why."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from monitor.config import LogFields
from monitor.errors import DriftlineError
from monitor.logs.files import events, frames

TIME = 1_700_000_000_000
MAPPING = LogFields(time="ts", prediction="score")
CSV = f"""ts,age,country,score
{TIME},41,DE,0.25
{TIME + 1},,FR,0.5
2023-11-14T22:13:20Z,x,,1e-3
"""


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, mapping: LogFields = MAPPING, **options: Any) -> list[Any]:
    options = {"model": "credit", "version": "3"} | options
    return [json.loads(item) if item else b"" for batch in events(path, mapping, **options) for item in batch]


def test_rows_of_csv_become_canonical_events(tmp_path: Path) -> None:
    found = read(write(tmp_path, "log.csv", CSV))
    who = {"model": "credit", "version": "3"}
    assert found == [
        who | {"time": TIME, "features": {"age": 41, "country": "DE"}, "prediction": 0.25},
        who | {"time": TIME + 1, "features": {"age": None, "country": "FR"}, "prediction": 0.5},
        who | {"time": "2023-11-14T22:13:20Z", "features": {"age": "x", "country": None}, "prediction": 0.001},
    ]


def test_models_and_versions_may_be_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "time,who,v,age\n1,credit,3.10,5\n2,fraud,,6\n")
    found = read(path, LogFields(model="who", version="v"), model=None, version=None)
    assert [(event["model"], event["version"]) for event in found] == [("credit", "3.10"), ("fraud", None)]
    assert [event["features"] for event in found] == [{"age": 5}, {"age": 6}]


def test_columns_of_segments_that_a_table_has_stand_beside_the_features(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", f"time,age,country,tier\n{TIME},5,DE,7\n{TIME},6,,x\n")
    found = read(path, LogFields(), segments={"country", "tier", "city"})
    assert [event["features"]["age"] for event in found] == [5, 6]
    assert [event["segments"] for event in found] == [{"country": "DE", "tier": 7}, {"country": None, "tier": "x"}]


def test_without_a_prediction_column_events_have_no_prediction(tmp_path: Path) -> None:
    assert "prediction" not in read(write(tmp_path, "log.csv", "time,age\n1,2\n"), LogFields())[0]


def test_rows_with_the_wrong_number_of_cells_become_items_that_say_so(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", f"ts,age,score\n{TIME},1,2\n{TIME},1\n{TIME},1,2,3\n{TIME},4,5\n")
    found = read(path)
    assert [type(item) for item in found] == [dict, str, str, dict]
    assert found[1] == f"{path}: line 3: expected 3 cells, got 2: {TIME},1"
    assert "line 4: expected 3 cells, got 4" in found[2]


def test_a_cell_over_several_lines_is_one_event(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", f'ts,note,score\n{TIME},"a\nb, c",1\n{TIME},"say ""hi""",2\n{TIME},1\n')
    found = read(path)
    assert [event["features"]["note"] for event in found[:2]] == ["a\nb, c", 'say "hi"']
    assert "line 5" in found[2]


def test_bytes_that_are_no_utf8_break_only_their_row(tmp_path: Path) -> None:
    found = read(write(tmp_path, "log.csv", f"ts,town,score\n{TIME},K\xf6ln,1\n{TIME},Bonn,2\n".encode("latin-1")))
    assert "line 2: expected UTF-8" in found[0]
    assert found[1]["features"] == {"town": "Bonn"}


def test_an_unclosed_quote_costs_some_rows_and_not_the_replay(tmp_path: Path) -> None:
    rows = "".join(f"{TIME + i},{i}\n" for i in range(20_000))
    found = read(write(tmp_path, "log.csv", f'ts,score\n{TIME},"oops\n{rows}'))
    assert isinstance(found[0], str)
    assert found[-1]["prediction"] == 19_999


def test_blank_lines_of_csv_are_no_events(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, "log.csv", f"ts,score\n\n{TIME},1\r\n\r\n"))) == 1


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_header_shows_what_separates_cells(tmp_path: Path, separator: str) -> None:
    found = read(write(tmp_path, "log.csv", CSV.replace(",", separator)))
    assert found[0]["features"] == {"age": 41, "country": "DE"}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read(write(tmp_path, "log.csv", b"\xef\xbb\xbf" + CSV.encode()))[0]["time"] == TIME


def test_lines_of_json_pass_untouched(tmp_path: Path) -> None:
    lines = [b'{"a" : 1}', b"not json", b"", b"  ", b"\xff\x00", b'"x"\t', b"last, without end"]
    path = write(tmp_path, "log.jsonl", b"\n".join(lines))
    found = [item for batch in events(path, MAPPING) for item in batch]
    assert found == [lines[0], lines[1], b"", b"", *lines[4:]]


def test_windows_line_ends_are_no_part_of_an_event(tmp_path: Path) -> None:
    assert list(events(write(tmp_path, "log.jsonl", b"{}\r\n{}\r\n"), MAPPING)) == [[b"{}", b"{}"]]


def test_batches_have_the_size_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "log.ndjson", b"{}\n" * 25)
    assert [len(batch) for batch in events(path, MAPPING, batch=10)] == [10, 10, 5]


def table(**columns: Any) -> pa.Table:
    return pa.table(
        {name: pa.array(*values) if isinstance(values, tuple) else values for name, values in columns.items()}
    )


def test_rows_of_parquet_become_canonical_events(tmp_path: Path) -> None:
    moment = dt.datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=dt.UTC)
    path = tmp_path / "log.parquet"
    columns = {
        "ts": ([moment] * 4, pa.timestamp("ns", "UTC")),
        "age": ([1.5, math.nan, math.inf, None],),
        "code": (["a", None, "b", "b"], pa.dictionary(pa.int8(), pa.string())),
        "day": ([dt.date(1970, 1, 2)] * 4,),
        "amount": ([Decimal("1.5")] * 4,),
        "raw": ([b"x"] * 4,),
        "flag": ([True, False, None, True],),
        "score": ([1, 2, 3, None],),
    }
    pq.write_table(table(**columns), path)
    found = read(path)
    assert [event["time"] for event in found] == [TIME + 250] * 4
    assert [event["features"]["age"] for event in found] == [1.5, None, "Infinity", None]
    assert [event["features"]["code"] for event in found] == ["a", None, "b", "b"]
    assert [event["prediction"] for event in found] == [1, 2, 3, None]
    assert found[0]["features"] | {"age": 0} == {
        "age": 0, "code": "a", "day": 86_400_000, "amount": 1.5, "raw": "x", "flag": True,
    }  # fmt: skip


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    "": bytes,
}


@pytest.mark.parametrize("suffix", COMPRESSORS)
@pytest.mark.parametrize("form", [".csv", ".jsonl", ".parquet"])
def test_a_compressed_file_holds_the_same_events(tmp_path: Path, form: str, suffix: str) -> None:
    plain_file = tmp_path / f"plain{form}"
    if form == ".parquet":
        pq.write_table(table(ts=[TIME] * 3, age=[1, 2, 3], score=[0.5] * 3), plain_file)
    else:
        plain_file.write_text(CSV if form == ".csv" else '{"a": 1}\n{"b": 2}\n')
    path = write(tmp_path, f"log{form}{suffix}", COMPRESSORS[suffix](plain_file.read_bytes()))
    assert read(path) == read(plain_file)
    assert len(read(path)) >= 2


def test_what_compresses_a_file_is_seen_from_its_bytes(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, "log.csv", gzip.compress(CSV.encode())))) == 3


def test_several_compressed_frames_are_one_file(tmp_path: Path) -> None:
    frame = zstandard.ZstdCompressor().compress(b'{"a": 1}\n')
    assert len(read(write(tmp_path, "log.jsonl.zst", frame * 3))) == 3
    assert len(read(write(tmp_path, "log.jsonl.gz", gzip.compress(b'{"a": 1}\n') * 3))) == 3


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_file_cut_short_says_so(tmp_path: Path, suffix: str) -> None:
    content = COMPRESSORS[suffix]("".join(f'{{"a": {i * 7919 % 1009}}}\n' for i in range(50_000)).encode())
    path = write(tmp_path, f"log.jsonl{suffix}", content[: len(content) // 2])
    with pytest.raises(DriftlineError, match=r"cannot be read: .*is the file complete"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.csv", b"", "expected events, got an empty file"),
        ("log.jsonl", b"", "expected events, got an empty file"),
        ("log.parquet", b"", "expected events, got an empty file"),
        ("log.csv", b"\n\n", "line 1: expected the names of the columns"),
        ("log.csv", b"\x00\x01\x02,\x03\n1,2\n", "binary data in line 1"),
        ("log.csv", "größe\n1\n".encode("latin-1"), "line 1: expected UTF-8"),
        ("log.csv", b"ts,age,age\n1,2,3\n", "column 'age' stands twice"),
        (
            "log.csv",
            b"time,age,score\n1,2,3\n",
            "expected a column 'ts' with the time, got the columns time, age, score",
        ),
        ("log.csv", b"ts,age\n1,2\n", "expected a column 'score' with the prediction"),
        ("log.parquet", b"PAR1 and nothing else", "expected a Parquet file"),
        ("log.parquet", CSV.encode(), "expected a Parquet file"),
        ("log.csv.gz", b"\x1f\x8b broken", "cannot be read"),
        ("log.jsonl.zst", b"\x28\xb5\x2f\xfd broken", "cannot be read"),
        ("log.xlsx", b"PK", r"expected a file name ending in \.csv"),
        ("log", b"{}", r"expected a file name ending in \.csv"),
        ("log.gz", b"{}", r"expected a file name ending in \.csv"),
    ],
)
def test_a_bad_file_says_what_is_wrong_with_it(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(DriftlineError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DriftlineError, match=r"nowhere\.csv: no such file"):
        read(tmp_path / "nowhere.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "log.csv").mkdir()
    with pytest.raises(DriftlineError, match=r"log\.csv: cannot be read"):
        read(tmp_path / "log.csv")


def test_a_table_of_several_models_must_name_its_model(tmp_path: Path) -> None:
    with pytest.raises(DriftlineError, match=r"expected a column with the model.*logs: \{model: COLUMN\}"):
        read(write(tmp_path, "log.csv", CSV), model=None)


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "log.parquet", b"PAR1")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DriftlineError, match=r"pip install 'driftline\[parquet\]'"):
        read(path)


def test_frames_hold_plain_objects_and_broken_rows_apart(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", CSV + "too,few\n")
    [(frame, broken)] = frames(path)
    assert list(frame.columns) == ["ts", "age", "country", "score"]
    assert frame["age"].tolist() == [41, None, "x"]
    assert frame["score"].tolist() == [0.25, 0.5, 0.001]
    assert [row.message for row in broken] == [f"{path}: line 5: expected 4 cells, got 2"]


def test_the_worker_never_needs_pandas() -> None:
    import subprocess
    import sys

    code = "import sys, monitor.logs.files, monitor.logs.json; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
