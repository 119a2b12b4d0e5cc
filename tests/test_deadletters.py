"""Dead letters keep what came, say why, and are safe to look at."""

from __future__ import annotations

from monitor.deadletters import EXAMPLE, PREFIX, DeadLetter, Letter, Row, escaped, record, rows

ORIGINAL = [("trace", b"\x00\xff"), ("driftline.error.reason", b"an earlier one"), ("trace", b"again")]


def made(**changes: object) -> DeadLetter:
    options: dict = {
        "topic": "predictions",
        "partition": 3,
        "offset": 12_345,
        "timestamp": 1_700_000_000_000,
        "reading": "3/epoch",
        "stage": "summarise",
        "reason": "not_json",
        "message": "expected a value",
        "key": b"customer-7",
        "value": b"{oops",
        "headers": ORIGINAL,
    }
    return record(**options | changes)


def test_value_and_headers_are_untouched_and_ours_follow() -> None:
    letter = made()

    assert letter.value == b"{oops"
    assert letter.headers[: len(ORIGINAL)] == ORIGINAL
    assert dict(letter.headers[len(ORIGINAL) :]) == {
        "driftline.error.topic": b"predictions",
        "driftline.error.partition": b"3",
        "driftline.error.offset": b"12345",
        "driftline.error.timestamp": b"1700000000000",
        "driftline.error.reading": b"3/epoch",
        "driftline.error.stage": b"summarise",
        "driftline.error.reason": b"not_json",
        "driftline.error.message": b"expected a value",
        "driftline.error.key": b"customer-7",
    }


def test_its_key_says_where_it_came_from_so_that_a_repetition_is_the_same_letter() -> None:
    assert made().key == b"predictions-3-12345"
    assert made() == made()


def test_a_record_without_a_key_has_no_header_for_it() -> None:
    assert PREFIX + "key" not in dict(made(key=None).headers)
    assert dict(made(key=b"").headers)[PREFIX + "key"] == b""


def test_a_message_with_a_lone_surrogate_can_be_sent() -> None:
    assert dict(made(message="bad \ud800").headers)[PREFIX + "message"] == b"bad \\ud800"


def test_the_headers_of_the_record_are_not_changed() -> None:
    headers = [("a", b"b")]
    made(headers=headers)

    assert headers == [("a", b"b")]


def test_letters_are_counted_by_topic_and_reason_with_the_newest_example() -> None:
    letters = [
        Letter("not_json", "p", 20, b"second"),
        Letter("bad_time", "p", 10, b"x"),
        Letter("not_json", "p", 10, b"first"),
        Letter("not_json", "p", 30, b"third"),
        Letter("not_json", "q", 5, None),
    ]

    assert rows(letters) == [
        Row("p", "not_json", 3, 10, 30, "third"),
        Row("p", "bad_time", 1, 10, 10, "x"),
        Row("q", "not_json", 1, 5, 5, "no value"),
    ]


def test_an_example_cannot_write_to_the_terminal_and_is_cut() -> None:
    assert escaped(b"\x1b]0;owned\x07\r\n") == "\\x1b]0;owned\\x07\\r\\n"
    assert escaped("é\u202e".encode()) == "\\xc3\\xa9\\xe2\\x80\\xae"
    assert len(escaped(b"\x00" * 1_000_000)) == EXAMPLE
    assert escaped(b"x" * EXAMPLE) == "x" * EXAMPLE
