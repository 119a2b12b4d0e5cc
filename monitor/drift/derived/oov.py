"""The share of a text's words that the reference did not have: out of vocabulary.

The profile holds no words, only 32-bit checksums of those that occur in two events of the reference at least, so that
rare words, which may be names, are not in it. Two words share a checksum once in 4 billion pairs: with 20,000 known
words one in 200,000 new ones is taken for known.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from zlib import crc32

from monitor.errors import DriftlineError

TITLE = "share of a text's words that the reference had not"
TAKES = "text"
MOST_CHARACTERS = 10_000  # of a text that are looked at
MOST_KNOWN = 20_000  # words of a vocabulary
LEAST_EVENTS = 2  # that have a word before it is known
_word = re.compile(r"\w+")


def fit(texts: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """The vocabulary of texts, each with the number of its events: the most frequent words, ties by checksum."""
    seen: Counter[int] = Counter()
    for text, events in texts:
        for word in {*words(text)}:
            seen[word] += events
    known = sorted((word for word in seen if seen[word] >= LEAST_EVENTS), key=lambda word: (-seen[word], word))
    return {"words": sorted(known[:MOST_KNOWN])}


def words(text: str) -> list[int]:
    """Checksums of a text's first words, written small."""
    found = _word.findall(text[:MOST_CHARACTERS].lower())
    return [crc32(word.encode("utf-8", "surrogatepass")) for word in found]


def prepare(parameters: Mapping[str, Any]) -> Callable[[object], float]:
    """A function of a logged value: unknown words over words, from 0 to 1; missing where a text has none.

    >>> share = prepare(fit([("late again", 1), ("Late, as ever", 1)]))
    >>> [share(value) for value in ("LATE", "never late", "...", None, 7)]
    [0.0, 0.5, nan, nan, inf]
    """
    known = parameters.get("words")
    if not isinstance(known, list) or not all(type(word) is int for word in known):
        raise DriftlineError("oov: expected `words`, a list of whole numbers")
    vocabulary = frozenset(known)

    def share(value: object) -> float:
        if not isinstance(value, str):
            return math.nan if value is None else math.inf
        found = words(value)
        return sum(word not in vocabulary for word in found) / len(found) if found else math.nan

    return share
