"""Endless hostile records, the same for the same seed: good events, and every way to spoil one that we could think of.

The cases of `badinput.py` are among them, so that there is one list of what is known to be bad.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.badinput import CASES, HOUR, NOW
from tests.services.small import SECOND, event

SPAN = 20 * SECOND  # event times of good events lie so far before `now`
HEAVY = 20_000  # of so many records one is large
LONG = 65_536
ODD = 500  # of so many records one has names, keys or headers of 64 KB

NAMES = (
    "", " ", "\n", "a\nb", 'a"b', "a\\b", "{x}", "a|b", "a`b`", "<b>&amp;</b>", "<script>alert(1)</script>", "*bold*",
    "[red]x[/red]", "\x1b[31mred\x1b[0m", "\x1b]0;owned\x07", "\u202egnp.exe", "e\u0301\u0301", "\0", "a\0b", "\ufeff",
    "\u2028", "\U0001f480", "%s%n", "${jndi:ldap://x}", "{{ .Labels }}", "../../etc/passwd", "__faust", "__proto__",
    "credit ", "Credit", "age0", "model", "driftline.redriven", "A" * 300,
)  # fmt: skip
TEXTS = (
    "null", "true", "false", '""', '"1.0"', "[]", "{}", "[1]", '{"a": 1}', "0", "-0", "-0.0", "1e-400", "4.9e-324",
    "1e308", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "0x10", "1_000", "'a'", "",
    "12345678901234567890", "9" * 400, "9" * 5_000, "-" + "9" * 25, r'"\ud800"', r'"\ud83d\ude00"', r'"\udc00\ud800"',
    r'"\u0000"', '"\t"', '"\\x"', '"unfinished', "[1,]", '{"a":1,}', "[" * 63 + "]" * 63, "[" * 70 + "]" * 70,
    '{"a":' * 80, "/* c */ 1", "1 2", '{"__faust": {"ns": "x"}}', '{"$ref": "#"}', '"\xff"',
)  # fmt: skip
VERSIONS = ("3", "3.0", "3e0", '"3"', '"03"', '"4"', "null", '""', "true", "1e400", "9" * 400)
FIELDS = ("model", "feature_view", "version", "id", "time", "features", "prediction", "probabilities", "segments")


class Latin(str):
    """A header's name that a producer in another language wrote: encoded, it is not UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("latin-1", errors)


class Record(NamedTuple):
    """What a producer sends; `headers` as Kafka takes them."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def records(seed: int, count: int, *, now: int) -> Iterator[Record]:
    """So many records around `now` (UTC ms, the records' own timestamp): two fifths of them are good events."""
    rng = random.Random(seed)
    known = [value for name, value in _cases(now).items() if value is None or len(value) < LONG]
    kinds: list[tuple[Callable[[random.Random, bytes, int], bytes | None], int]] = [
        (lambda rng, good, i: good, 80),
        (lambda rng, good, i: _field(rng, good, now), 50),
        (lambda rng, good, i: _feature(rng, good), 20),
        (lambda rng, good, i: _damaged(rng, good), 40),
        (lambda rng, good, i: _twice(rng, good), 10),
        (lambda rng, good, i: _wrapped(rng, good), 10),
        (lambda rng, good, i: rng.choice(known), 5),
        (lambda rng, good, i: rng.randbytes(rng.randrange(200)), 3),
    ]
    makers, weights = zip(*kinds, strict=True)
    for i in range(count):
        good = event(now - rng.randrange(SPAN), i=rng.randrange(8)).replace(b'"id": "', b'"id": "%d-' % i)
        (maker,) = rng.choices(makers, weights)
        value = _heavy(rng, good, i // HEAVY, now) if i % HEAVY == HEAVY // 2 else maker(rng, good, i)
        key = _key(rng)
        yield Record(b"" if key is value is None else key, value, _headers(rng))  # a producer wants one of the two


def _cases(now: int) -> dict[str, bytes | None]:
    """The cases of `badinput.py` moved to `now`."""
    moved = [(str((NOW + ahead) // SECOND).encode(), str((now + ahead) // SECOND).encode()) for ahead in (0, HOUR)]
    found = {}
    for name, (value, _) in CASES.items():
        for old, new in moved:
            value = value if value is None else value.replace(old, new)
        found[name] = value
    return found


def _times(now: int) -> tuple[str, ...]:
    ahead = [now + 300_000, now + 300_001, now + HOUR, now - 400 * 24 * HOUR]
    numbers = [now // 1_000, now * 1_000, now * 1_000_000, 0, -1, -now, 10**11, 10**14, 10**25, 2**63, 253402300799000]
    texts = ["2026-03-01T10:00:00Z", "2026-03-01T10:00:00", "2024-02-30T00:00:00Z", "9999-12-31T23:59:59Z", "now", ""]
    texts += ["0001-01-01T00:00:00+23:59", "2026-03-01t10:00:00.123456789+01:00", "2016-12-31T23:59:60Z", "１２３"]
    return tuple(str(number) for number in ahead + numbers) + tuple(json.dumps(text) for text in texts)


def _field(rng: random.Random, good: bytes, now: int) -> bytes:
    """A good event in which one field has another JSON text, or a strange name."""
    fields, name = json.loads(good), rng.choice(FIELDS)
    if rng.random() < 0.1:
        fields.pop(name, None)
        name = _name(rng)
    texts = {"time": _times(now), "version": VERSIONS}.get(name, TEXTS)
    text = json.dumps(_name(rng), ensure_ascii=rng.random() < 0.5) if rng.random() < 0.3 else rng.choice(texts)
    fields[name] = "PUT HERE"
    return _encoded(json.dumps(fields).replace('"PUT HERE"', text))


def _feature(rng: random.Random, good: bytes) -> bytes:
    """A good event with a feature more, or another value of one."""
    name = rng.choice(["age0", "country", _name(rng)])
    return good.replace(b'"features": {', b'"features": {' + _encoded(f"{json.dumps(name)}: {rng.choice(TEXTS)}, "), 1)


def _damaged(rng: random.Random, good: bytes) -> bytes:
    """Bytes flipped, cut, put in, doubled, or spliced with another event's."""
    value = bytearray(good)
    for _ in range(rng.randint(1, 4)):
        a, b = sorted(rng.randrange(len(value) + 1) for _ in range(2))
        b = min(b, a + 12)
        match rng.randrange(7):
            case 0 if value:
                value[a % len(value)] ^= 1 << rng.randrange(8)
            case 1:
                del value[a:b]
            case 2:
                value[a:a] = rng.randbytes(rng.randint(1, 4))
            case 3:
                value[a:a] = value[a:b]
            case 4:
                del value[a:]
            case 5:
                value[a:b] = rng.choice(
                    [b'"', b"\\", b"{", b"}", b"[", b",", b":", b"-", b"\x00", b"\xff", b"\xc3", b"e"]
                )
            case _:
                value[a:] = good[rng.randrange(len(good)) :]
    return bytes(value)


def _twice(rng: random.Random, good: bytes) -> bytes:
    """Names that stand twice: the last one counts."""
    name, text = rng.choice(FIELDS), rng.choice(TEXTS)
    more = _encoded(f"{json.dumps(name)}: {text}")
    return b"{" + more + b", " + good[1:] if rng.random() < 0.5 else good[:-1] + b", " + more + b"}"


def _wrapped(rng: random.Random, good: bytes) -> bytes | None:
    """An event as somebody else's format would hold it, or nothing."""
    text = good.decode()
    cloud = {"specversion": "1.0", "id": "1", "source": "/x", "type": "y", "data": json.loads(good)}
    faust = {"__faust": {"ns": "tests.Event"}, **json.loads(good)}
    return rng.choice(
        [
            gzip.compress(good, mtime=0), text.encode("utf-16"), text.encode("utf-16-be"), text.encode("utf-32"),
            b"\xef\xbb\xbf" + good, b"\x00\x00\x00\x00\x01" + good, b"\x1e\xb5\x2f\xfd" + good, good + good,
            good + b"\n" + good, b"[" + good + b"]", json.dumps(text).encode(), json.dumps(cloud).encode(),
            json.dumps(faust).encode(), b" " * 50 + good + b"\r\n", None, b"", b" \t\r\n", b"\x00", b"null",
            b"{}", b"[]",
        ]
    )  # fmt: skip


def _heavy(rng: random.Random, good: bytes, turn: int, now: int) -> bytes:
    """Large values, one after the other: 10 MB, beyond the dead letters, 30,000 and 100,000 features, deep, long."""
    cases = _cases(now)
    large = [cases["10 MB"], cases["beyond the dead letters"], cases["depth 100,000"], good + b" " * 900_000]
    large += [b'{"a": "' + b'\\"' * 400_000, b"[" * 70 + b'"' + b'\\"' * 400_000, b"1" * 999_999]
    for columns in (30_000, 100_000):
        many = ", ".join(f'"new{rng.randrange(10**9)}": {i}' for i in range(columns)).encode()
        large.append(good.replace(b'"features": {', b'"features": {' + many + b", "))
    return large[turn % len(large)] or b""


def _name(rng: random.Random) -> str:
    return rng.choice("xé\n\0") * LONG if rng.randrange(ODD) == 0 else rng.choice(NAMES)


def _key(rng: random.Random) -> bytes | None:
    """Mostly none or a plain one; 64 KB now and then."""
    if rng.randrange(ODD) == 0:
        return rng.randbytes(LONG)
    return rng.choice([None, None, b"", b"customer-7", b'{"__faust": 1}', b"redriven|p-0-1", rng.randbytes(8)])


def _headers(rng: random.Random) -> list[tuple[str, bytes]]:
    """Mostly none; now and then a flood, or names that are ours."""
    if rng.randrange(ODD) == 0:
        return [(f"flood-{i}", rng.randbytes(50)) for i in range(1_000)]
    if rng.random() < 0.9:
        return []
    names = (
        "trace",
        "",
        "é\u202e\n",
        Latin("caf\xe9"),
        "driftline.error.reason",
        "driftline.error.cut",
        "driftline.redriven",
    )
    return [(name, rng.choice([b"", b"\xff\x00", b"a\nb\x1b[31m"])) for name in rng.sample(names, 2)]


def _encoded(text: str) -> bytes:
    """UTF-8; what stands for a single byte (\\xff) stays one, so that some of it is none."""
    return text.encode("utf-8", "surrogatepass").replace("\xff".encode(), b"\xff")
