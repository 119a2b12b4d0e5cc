"""An envelope that is longer than a record may be goes as several records, and counts once all of them are there.

A fragment names its whole by a digest, so it does not matter who sent it: a repeat, or a zombie that reads the same
block, sends the same fragments. Whoever sends an envelope waits until the broker has all of it before it sends the next
one, so the next one under the same generation, or a later one, tells that the rest of a set will never come.

    0/3  1/3  2/3          whole at 2/3
    0/3  1/3  │ 0/3 ...    the sender died: its successor reads the block again
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from monitor.errors import DriftlineError

HEADER = "driftline.fragment"
MOST = 1_000  # fragments of one envelope
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
            f"an envelope of {len(data):,} bytes needs {len(pieces):,} records of {most:,}, at most {MOST:,} are taken; "
            "raise max.message.bytes of the summaries topic, or lower kafka.block"
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
    """What has come of one envelope; `first` is the offset of the first piece, `generation` the newest sender's."""

    first: int
    generation: int
    pieces: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Joiner:
    """Puts envelopes together again, as a function of the log; sources are named by their records' keys."""

    _sets: dict[bytes, dict[str, _Set]] = field(default_factory=dict)

    @property
    def first(self) -> int | None:
        """The offset of the first fragment that still waits for others: from there it must be read again."""
        return min((waiting.first for sets in self._sets.values() for waiting in sets.values()), default=None)

    @property
    def held(self) -> int:
        """Bytes of fragments that wait."""
        return sum(
            len(piece) for sets in self._sets.values() for waiting in sets.values() for piece in waiting.pieces.values()
        )

    def take(self, source: bytes, fragment: Fragment, *, offset: int, generation: int) -> bytes | None:
        """The whole envelope once its last fragment has come, else None."""
        sets = self._sets.setdefault(source, {})
        waiting = sets.pop(fragment.whole, None)
        if waiting is None:
            self.passed(source, generation)
            sets = self._sets.setdefault(source, {})
            waiting = _Set(offset, generation)
        waiting.generation = max(waiting.generation, generation)
        waiting.pieces[fragment.number] = fragment.data
        if len(waiting.pieces) == fragment.of:
            if not sets:
                del self._sets[source]
            return b"".join(piece for _, piece in sorted(waiting.pieces.items()))
        sets[fragment.whole] = waiting  # the newest stands last
        while len(sets) > SENDERS:
            del sets[next(iter(sets))]
        return None

    def passed(self, source: bytes, generation: int) -> None:
        """Forget sets whose sender has gone on, or was followed by another: an envelope of `generation` came after."""
        sets = self._sets.pop(source, {})
        kept = {whole: waiting for whole, waiting in sets.items() if waiting.generation > generation}
        if kept:
            self._sets[source] = kept
