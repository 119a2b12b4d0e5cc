"""An envelope that is longer than a record may be goes as several records, and counts once all of them are there.

Fragments of one sender stand in order, those of several may stand between each other. Whoever sends an envelope waits
until the broker has all of it before it sends the next one, so the next one under the same generation, or under a later
one, tells that the rest will never come: its sender died, and its successor reads the block again.

    0/3  1/3  2/3            whole at 2/3
    0/3  1/3  0/2  1/2       only the second is whole
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from monitor.errors import DriftlineError

HEADER = "driftline.fragment"
MOST = 1_000  # fragments of one envelope
AGE = 100_000  # records after which a set that is not whole is given up, whatever became of its sender
SENDERS = 4  # unfinished sets that are kept of a source partition: its owner's, and those of zombies


class Fragment(NamedTuple):
    """Piece `number` of `of`; `whole` names the envelope and how it was cut."""

    whole: str
    number: int
    of: int
    data: bytes

    @property
    def header(self) -> bytes:
        """What a record's header says of it."""
        return f"{self.whole} {self.number} {self.of}".encode()


def split(data: bytes, most: int) -> list[Fragment]:
    """Cut an envelope's bytes into pieces of at most `most` bytes; the same bytes are always cut the same way."""
    pieces = [data[i : i + most] for i in range(0, len(data), most)]
    if len(pieces) > MOST:
        raise DriftlineError(
            f"an envelope of {len(data):,} bytes needs {len(pieces):,} records of {most:,} bytes, expected at most "
            f"{MOST:,}; raise max.message.bytes of the summaries topic, or lower kafka.block"
        )
    whole = blake2b(data, digest_size=16, salt=most.to_bytes(8, "big")).hexdigest()
    return [Fragment(whole, i, len(pieces), piece) for i, piece in enumerate(pieces)]


def read(header: bytes, data: bytes) -> Fragment:
    """The fragment in a record. Raises DriftlineError where its header is none."""
    try:
        whole, number, of = header.decode().split(" ")
        fragment = Fragment(whole, int(number), int(of), data)
    except ValueError as error:
        raise DriftlineError(f"expected the header of a fragment, got {header[:80]!r}") from error
    if not 0 <= fragment.number < fragment.of <= MOST:
        raise DriftlineError(f"expected a fragment of at most {MOST:,}, got number {number} of {of}")
    return fragment


@dataclass(slots=True)
class _Set:
    """What has come of one envelope, piece by piece; `first` is the offset of the first one."""

    first: int
    whole: str
    pieces: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Joiner:
    """Puts envelopes together again. Sources are named by their records' keys, senders by their generation.

    It is a function of the log: whoever reads on from `first` has the same sets where the last reader stopped.
    """

    _sets: dict[bytes, dict[int, _Set]] = field(default_factory=dict)

    @property
    def first(self) -> int | None:
        """The offset of the first fragment that still waits for others: from there the log must be read again."""
        return min((waiting.first for waiting in self._waiting()), default=None)

    @property
    def held(self) -> int:
        """Bytes of fragments that wait."""
        return sum(len(piece) for waiting in self._waiting() for piece in waiting.pieces)

    def take(self, source: bytes, fragment: Fragment, *, offset: int, generation: int) -> bytes | None:
        """The whole envelope once its last fragment has come, else None."""
        if fragment.number == 0:
            self.passed(source, offset=offset, generation=generation)
            self._begin(source, generation, _Set(offset, fragment.whole))
        waiting = self._sets.get(source, {}).get(generation)
        if waiting is None or (waiting.whole, len(waiting.pieces)) != (fragment.whole, fragment.number):
            return None  # a repeat, or the end of something whose beginning was given up
        waiting.pieces.append(fragment.data)
        if len(waiting.pieces) < fragment.of:
            return None
        self._drop(source, generation)
        return b"".join(waiting.pieces)

    def passed(self, source: bytes, *, offset: int, generation: int) -> None:
        """Forget the source's sets whose sender has gone on or was followed by another, and all that are too old.

        An envelope of `generation` began at `offset`. What a sender was not done with is not committed: it comes again.
        """
        for name, sets in list(self._sets.items()):
            for sender, waiting in list(sets.items()):
                if offset - waiting.first >= AGE or (name == source and sender <= generation):
                    self._drop(name, sender)

    def _begin(self, source: bytes, generation: int, begun: _Set) -> None:
        sets = self._sets.setdefault(source, {})
        sets[generation] = begun
        if len(sets) > SENDERS:
            self._drop(source, min(sets))

    def _drop(self, source: bytes, generation: int) -> None:
        del self._sets[source][generation]
        if not self._sets[source]:
            del self._sets[source]

    def _waiting(self) -> Iterator[_Set]:
        return (waiting for sets in self._sets.values() for waiting in sets.values())
