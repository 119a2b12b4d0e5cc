"""The windows of a model: by the clock, by the calendar of a time zone, or by the number of events."""

from __future__ import annotations

import re

from monitor.drift.calendars import DAY, MONTH, Calendar, rules
from monitor.drift.stretches import LONGEST_ZONED
from monitor.drift.windows import Even, Scale, Windows
from monitor.durations import format_duration, parse_duration
from monitor.errors import DriftlineError
from monitor.nodes import Node

WEEK = 7 * DAY
SLICE = 3_600_000  # of windows by count: one may end every hour
WEEKDAYS = ("thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday")  # from 1 January 1970 on
_MONTHS = re.compile(r"(?:([1-9]\d{0,2}) )?months?", re.ASCII)


def read_windows(node: Node) -> Windows:
    """`{size: 1h, step: 30m}`, `{size: 1d, zone: Europe/Berlin}`, `{size: month}` or `{events: 5000, step: 1h}`.

    By the clock a zone tells the seasons alone: the hours of its day begin with those of UTC, or half an hour apart.
    """
    fields = node.fields("size", "step", "lateness", "offset", "zone", "begins", "events")
    before, by_count = len(node.mistakes), fields["events"].value is not None
    if by_count and fields["size"].value is not None:
        fields["size"].wrong("expected `size` or `events`, got both; windows by count have a `step`")
    first = fields["step" if by_count else "size"]
    scale = _scale(first, fields["zone"], parts=not by_count)
    size = _length(first, scale, max(SLICE, scale.unit) if by_count else None, parts=not by_count)
    step = size if by_count else _length(fields["step"], scale, size)
    lateness, offset = fields["lateness"].duration(0), _offset(fields, scale, size)
    events = fields["events"].integer(0, least=1, most=10**9) if by_count else None
    if len(node.mistakes) == before:
        try:
            return Windows(size, step, lateness, offset, scale, events)
        except DriftlineError as error:
            node.wrong(str(error))
    return Windows(DAY, DAY)


def format_length(length: int) -> str:
    """A size or step as it is written in a configuration.

    >>> format_length(3_600_000), format_length(MONTH), format_length(3 * MONTH)
    ('1h', '1 month', '3 months')
    """
    months, rest = divmod(length, MONTH)
    if rest or not months:
        return format_duration(length)
    return f"{months} month{'s' if months > 1 else ''}"


def _scale(length: Node, zone: Node, *, parts: bool) -> Scale:
    """The calendar that a zone or a length in months asks for; parts: whether there may be several windows a day."""
    monthly = _months(length) is not None
    if zone.value is None and not monthly:
        return Even()
    name = "UTC" if zone.value is None else zone.text() or "UTC"
    try:
        rules(name)
    except DriftlineError as error:
        zone.wrong(str(error))
        name = "UTC"
    return Even(name) if parts and _part_of_day(length) else Calendar(name, MONTH if monthly else DAY)


def _months(node: Node) -> int | None:
    """How many months it says; None where it says something else. `1m` is a minute."""
    found = _MONTHS.fullmatch(node.value) if isinstance(node.value, str) else None
    return int(found[1] or 1) if found else None


def _part_of_day(node: Node) -> bool:
    try:
        length = parse_duration(node.value)
    except DriftlineError:
        return False
    return 0 < length <= LONGEST_ZONED and DAY % length == 0


def _length(node: Node, scale: Scale, default: int | None, *, parts: bool = False) -> int:
    """A size or step: a duration, on a calendar of days a whole number of them, on one of months a number of these."""
    if node.value is None and default is not None:
        return default
    if scale.unit == MONTH:
        months = _months(node)
        if months is None:
            node.wrong(f"expected months, as in `size`, such as `month` or `3 months`, got {node.value!r:.80}")
        return (months or 1) * MONTH
    if _months(node) is not None:
        node.wrong("expected a duration, as in `size`, got months; give both in months")
        return DAY
    before = len(node.mistakes)
    length = node.duration(default, least=1_000)
    if length % scale.unit and len(node.mistakes) == before:
        part = f", or an equal part of one up to {format_duration(LONGEST_ZONED)}, such as 1h" if parts else ""
        node.wrong(
            f"expected whole days with a zone, such as 1d or 1w{part}, got {format_length(length)}; or remove `zone`"
        )
    return length


def _offset(fields: dict[str, Node], scale: Scale, size: int) -> int:
    """Where the windows begin: so long after midnight UTC, or the weeks of a zone on a day."""
    begins, offset = fields["begins"], fields["offset"]
    weekly = scale.unit == DAY and size % WEEK == 0
    if scale.unit != 1 and offset.value is not None:
        offset.wrong("expected no `offset`: with a zone, or in months, windows begin at midnight there; remove it")
    if begins.value is not None and not weekly:
        begins.wrong("expected no `begins`: it is for whole weeks with a zone, such as {size: 1w, zone: UTC}")
    elif begins.value is not None and begins.value not in WEEKDAYS:
        begins.wrong(f"expected a day of the week such as monday or sunday, got {begins.value!r:.80}")
    elif weekly:
        return WEEKDAYS.index(begins.value or "monday") * DAY
    return offset.duration(0) if scale.unit == 1 else 0
