"""The reference profiles of a model version: one file, or several that follow each other in event time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor import config
from monitor.drift.calendars import rules
from monitor.drift.likeness import unlike
from monitor.drift.profiles import Profile, decode
from monitor.drift.windows import Windows
from monitor.errors import DriftlineError
from monitor.logs.millis import HIGH, LOW
from monitor.nodes import Node

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPARED = 4  # most references beside a deciding one: each costs a window as much as that


def read_references(
    node: Node, folder: Path, windows: Windows, *, owner: tuple[str, str]
) -> tuple[config.Reference, ...]:
    """A file, or a list of files where all but the first say `from` when they are in force; `owner`: whose they are."""
    if not owner[1].isprintable():
        node.wrong("expected a printable version; build its reference under another one")
    entries = node.items(at_least=1) if isinstance(node.value, list) else [node]
    found: list[config.Reference] = []
    for entry in entries:
        reference = _reference(entry, folder, windows, owner)
        if reference is None:
            continue
        before = found[-1].since if found else None
        dated = isinstance(entry.value, dict) and entry.value.get("from") is not None
        if found and not dated:
            entry.wrong("expected `profile` and `from`: since when does this reference follow the one before it?")
        elif before is not None and reference.since is not None and reference.since <= before:
            entry.wrong("expected a `from` after that of the reference before it; list them in the order of time")
        found.append(reference)
    return tuple(found)


def _reference(node: Node, folder: Path, windows: Windows, owner: tuple[str, str]) -> config.Reference | None:
    """`profiles/credit-3.json`, or `{profile: profiles/credit-3b.json, from: 2026-12-01T00:00:00Z, compare: …}`."""
    if not isinstance(node.value, dict):
        profile = _profile(node, folder, owner)
        return config.Reference(profile) if profile else None
    fields = node.fields("profile", "from", "compare")
    since = _time(fields["from"], windows) if fields["from"].value is not None else None
    profile = _profile(fields["profile"], folder, owner)
    compare = _compare(fields["compare"], folder, owner, profile)
    return config.Reference(profile, since, compare) if profile else None


def _compare(node: Node, folder: Path, owner: tuple[str, str], deciding: Profile | None) -> dict[str, Profile]:
    """`{last-week: profiles/credit-3-week.json}`: further references of the model, on the bins of the deciding one."""
    children = node.mapping()
    if len(children) > COMPARED:
        node.wrong(f"expected at most {COMPARED} references beside the deciding one, got {len(children)}")
    found = {}
    for name, child in sorted(children.items()):  # results then have one order, however the file is written
        profile = _read(child, folder)
        if not name.isprintable():
            child.wrong("expected a printable name")
        if profile is None or deciding is None:
            continue
        if owner[0] and profile.model != owner[0]:
            child.wrong(f"expected a reference of model {owner[0]!r}, but {child.value} is of model {profile.model!r}")
        elif why := unlike(deciding, profile):
            child.wrong(
                f"expected the bins of the deciding reference, but {why}; make it from that one with "
                "`driftline reference update`, or build it with --bins-of"
            )
        found[name] = profile
    return found


def _time(node: Node, windows: Windows) -> int | None:
    """An event time (UTC ms) at which a window begins, so that no window has events of two references."""
    try:
        read = node.value if isinstance(node.value, datetime) else datetime.fromisoformat(node.value)
        time = (read - EPOCH) // timedelta(milliseconds=1)
    except (TypeError, ValueError, OverflowError):
        node.wrong("expected a time with its zone, such as 2026-12-01T00:00:00Z; put it in quotes")
        return None
    if not LOW <= time < HIGH:
        node.wrong(f"expected a time that an event may have, from 1973 to 5138, got {read.isoformat()}")
        return None
    starts = windows.around(time)
    if time != starts[0]:
        zone = rules(windows.scale.zone)
        near = " or ".join((EPOCH + timedelta(milliseconds=start)).astimezone(zone).isoformat() for start in starts)
        node.wrong(f"expected the start of a window, such as {near}: no window may have events of two references")
    return time


def _profile(node: Node, folder: Path, owner: tuple[str, str]) -> Profile | None:
    (name, version), profile = owner, _read(node, folder)
    if profile and name and (profile.model, profile.version) != (name, version):
        found = f"model {profile.model!r} version {profile.version!r}"
        node.wrong(f"expected the reference of model {name!r} version {version!r}, but {node.value} is of {found}")
    return profile


def _read(node: Node, folder: Path) -> Profile | None:
    """The profile in the file that the node names."""
    written = node.text()
    if not written:
        return None
    try:
        return decode((folder / written).read_bytes())
    except OSError as error:
        node.wrong(f"{written} cannot be read: {error.strerror}; build it with `driftline reference build`")
        return None
    except DriftlineError as error:
        node.wrong(f"{written}: {error}")
        return None
