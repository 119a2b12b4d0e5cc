"""Fields of a document of JSON that may be damaged: each is what it should be, or an error says what is wrong."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.errors import DriftlineError


def field_of(document: Any, key: str, *kinds: type) -> Any:
    """A field of one of these types; flags are no numbers."""
    if not isinstance(document, dict) or key not in document:
        raise DriftlineError(f"{key!r} is missing")
    value = document[key]
    if type(value) not in kinds:
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise DriftlineError(f"{key!r} must be {expected}, got {type(value).__name__}")
    return value


def array_of(document: Any, key: str, *, kinds: str) -> npt.NDArray[Any]:
    """A list of numbers whose numpy kinds are among `kinds`."""
    values = np.array(field_of(document, key, list) or np.empty(0))
    if values.ndim != 1 or (values.dtype.kind not in kinds and len(values)) or not np.all(np.isfinite(values)):
        raise DriftlineError(f"{key!r} must be a list of {'numbers' if 'f' in kinds else 'integers of 64 bits'}")
    return values


def unpacked(text: str, *expected: int) -> bytes:
    """One of these numbers of bytes, which were compressed; never more, whatever they would unpack to."""
    raw = zlib.decompressobj().decompress(base64.b64decode(text), max(expected) + 1)
    if len(raw) not in expected:
        raise DriftlineError(f"packed counts hold {len(raw)} bytes, expected {' or '.join(map(str, expected))}")
    return raw
