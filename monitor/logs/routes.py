"""Which target an event belongs to: by its model (or feature view) and version, as configured.

`model` names it; where that is absent or null, `feature_view` does. A version may be written as a number: 3 means "3".
An absent, null or empty version means the only version of a model that has just one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from monitor.logs.columns import Layout
from monitor.logs.contract import UNKNOWN_LENGTH, UNKNOWN_MODEL, UNKNOWN_VERSION, Target, category_name
from monitor.logs.events import Key, Reader
from monitor.logs.screen import Unusable


class Route(msgspec.Struct, gc=False):
    """The fields that say whose an event is, as nearly every event holds them."""

    model: str | None = None
    feature_view: str | None = None
    version: str | int | float | None = None


_route = msgspec.json.Decoder(Route)


class Routes:
    """The targets by model and version, each with its layout, and the readers made so far: at most two per target.

    Of those in `succeeding`, events before the target's time belong to an earlier reference.
    """

    def __init__(self, targets: Mapping[tuple[str, str], Target], succeeding: Collection[tuple[str, str]] = ()) -> None:
        self.targets, self.succeeding = dict(targets), succeeding
        self.layouts = {owner: Layout(target.profile, target.segmentations) for owner, target in self.targets.items()}
        self._versions: dict[str, list[str]] = {}
        for model, version in sorted(self.targets):
            self._versions.setdefault(model, []).append(version)
        self._readers: dict[Key, Reader] = {}

    def locate(self, model: object, view: object, version: object) -> Key:
        """Whose an event with these fields is. Raises Unusable if it is nobody's."""
        name = view if model is None else model
        if not isinstance(name, str):
            raise Unusable(
                UNKNOWN_MODEL,
                "expected the name of a model or feature view, got " + ("none" if name is None else "no string"),
            )
        versions = self._versions.get(name)
        if versions is None:
            raise Unusable(UNKNOWN_MODEL, f"no reference profile is configured for model {name[:UNKNOWN_LENGTH]!r}")
        return Key(name, self._version(name, versions, version), "feature_view" if model is None else "model")

    def guess(self, value: bytes) -> Key | None:
        """Whose an event is, without looking at anything else; None if that takes a closer look."""
        try:
            route = _route.decode(value)
            return self.locate(route.model, route.feature_view, route.version)
        except (msgspec.MsgspecError, ValueError, Unusable):
            return None

    def reader(self, key: Key) -> Reader:
        """The typed decoder of a key's events."""
        reader = self._readers.get(key)
        if reader is None:
            layout = self.layouts[key.model, key.version]
            reader = self._readers[key] = Reader(key, layout, versions=self._spellings(key))
        return reader

    def _version(self, model: str, versions: list[str], written: object) -> str:
        if isinstance(written, str) or written is None:
            version = written or ""
        elif isinstance(written, int | float) and not isinstance(written, bool):
            version = category_name(written) or ""
        else:
            raise Unusable(
                UNKNOWN_VERSION,
                f"expected the version of model {model[:UNKNOWN_LENGTH]!r} as a string or a number",
            )
        if version in versions:
            return version
        if not version and len(versions) == 1:
            return versions[0]
        known = ", ".join(repr(name[:20]) for name in versions[:5])
        raise Unusable(
            UNKNOWN_VERSION,
            f"model {model[:UNKNOWN_LENGTH]!r} is configured for version {known}, not {version[:UNKNOWN_LENGTH]!r}",
        )

    def _spellings(self, key: Key) -> list[str | int | None]:
        """Every way that a typed decoder may meet the version written."""
        written: list[str | int | None] = [key.version]
        if (
            key.version.isdecimal()
            and key.version.isascii()
            and len(key.version) < 19
            and str(int(key.version)) == key.version
        ):
            written.append(int(key.version))
        if key.version == "":
            written.append(None)
        elif len(self._versions[key.model]) == 1:
            written += ["", None]
        return written
