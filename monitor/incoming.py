"""What a record of the summaries topic says: an envelope, the last fragment of one, or nothing that can be used."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from monitor.errors import DriftlineError
from monitor.pipeline import envelopes, fragments
from monitor.pipeline.envelopes import Envelope
from monitor.pipeline.fragments import Joiner
from monitor.summarising import GENERATION

logger = logging.getLogger(__name__)


class Incoming(NamedTuple):
    """An envelope, the offset at which it is whole, and the generation of the group under which it was sent."""

    offset: int
    generation: int
    envelope: Envelope


def read(joiner: Joiner, record: Any) -> Incoming | None:
    """The envelope that a record brings; None while fragments are missing, and, said, where it is none."""
    try:
        headers = dict(record.headers)
        generation = int(headers.get(GENERATION, b"0"))
        data = _joined(joiner, record, headers.get(fragments.HEADER), generation)
        return None if data is None else Incoming(record.offset, generation, envelopes.decode(data))
    except (DriftlineError, ValueError) as error:
        logger.error("summaries offset %d is no envelope and was left out: %s", record.offset, error)
        return None


def _joined(joiner: Joiner, record: Any, fragment: bytes | None, generation: int) -> bytes | None:
    """The envelope in a record or, where that brings its last fragment, in several; None while others are missing."""
    source, value = record.key or b"", record.value or b""
    if fragment is None:
        joiner.passed(source, offset=record.offset, generation=generation)
        return value
    piece = fragments.read(fragment, value)
    return joiner.take(source, piece, offset=record.offset, generation=generation)
