"""A reference profile for the terminal: a row per column with a histogram small enough to stand in a line."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.drift.bins import INVALID, MISSING, Counts, Floats, Ordered
from monitor.drift.estimates import mean, quantile, spread
from monitor.drift.profiles import Column, Profile
from monitor.drift.segments import Segmentation
from monitor.durations import format_duration
from monitor.errors import printable

BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH = 16  # characters of a histogram
COUNTS = 29  # characters of the last three columns, with the spaces between all
WIDE = 110  # characters of a terminal that has room for mean and spread
MOMENTS = 31  # characters of these two
TAIL = 0.005  # share of the values beyond each end of a histogram, so that one outlier does not flatten it


def profile_table(profile: Profile, *, width: int) -> RenderableType:
    """What the profile holds: a line on the whole, then its columns, in at most `width` characters (60 at least)."""
    names = min(max(len(printable(column.name)) for column in profile.columns) + 1, width // 4)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("column", no_wrap=True, min_width=6, max_width=names, overflow="ellipsis")
    table.add_column("histogram", no_wrap=True, min_width=WIDTH)
    wide = width >= WIDE
    room = width - names - WIDTH - COUNTS - (MOMENTS if wide else 0)
    table.add_column("values", no_wrap=True, max_width=max(room, 8), overflow="ellipsis")
    for name in ("mean", "spread") if wide else ():
        table.add_column(name, no_wrap=True)
    for name in ("distinct", "missing", "invalid"):
        table.add_column(name, no_wrap=True, justify="right", min_width=len(name))
    for column in profile.columns:
        shares = [_share(int(column.counts[place]), profile.events) for place in (MISSING, INVALID)]
        role = "" if column.role in ("feature", column.name) else f" ({column.role})"
        moments = _moments(column) if wide else ()
        cells = (histogram(column), _values(column), *moments, _distinct(column), *shares)
        table.add_row(
            Text(printable(column.name), style="cyan").append(role, style="dim"),
            *(Text(printable(cell)) for cell in cells),
        )
    legend = "values: 5 %, 50 % and 95 % quantiles to the nearest bin, or top categories"
    if wide:
        legend += "\nspread: standard deviation ± what bins may hide, save for values beyond the outer bins"
    parts = [Text(), *(_segments(found, profile) for found in profile.segmentations)] if profile.segmentations else []
    return Group(_heading(profile), Text(), table, Text(legend, style="dim"), *parts)


def histogram(column: Column, *, width: int = WIDTH) -> str:
    """Block characters as high as the share of the values; what is not quite nothing shows as the lowest block.

    A few numbers or the most frequent categories have a block each, many numbers are shown over their range.
    """
    counts = column.counts[:MISSING]
    if not counts.sum():
        return ""
    if not isinstance(column.bins, Ordered):
        shares = np.asarray(counts[: min(len(column.bins.categories), width)], dtype=np.float64)
    elif np.count_nonzero(counts) <= width and _alone(column.bins, counts):
        shares = np.asarray(counts[counts > 0], dtype=np.float64)
    else:
        shares = _over_range(column.bins, counts, width)
    heights = np.ceil(shares / max(float(shares.max(initial=0.0)), 1e-300) * (len(BLOCKS) - 1) - 1e-9).astype(int)
    return "".join(BLOCKS[height] for height in np.maximum(heights, 0))


def _over_range(bins: Ordered, counts: Counts, width: int) -> Floats:
    """Mass in `width` equal steps between the outer quantiles; the first and last step take the tails."""
    low, high = (quantile(bins, counts, share).value for share in (TAIL, 1 - TAIL))
    if not low < high:
        return np.ones(1)
    cuts = low + (high - low) * (np.arange(1, width) / width)
    filled = np.flatnonzero(counts)
    places = np.concatenate(([bins.centers[filled[0]]], bins.edges, [bins.centers[filled[-1]]]))
    mass = np.concatenate(([0], np.cumsum(counts)))
    order = np.argsort(places, kind="stable")  # an outer center may lie inside where the outer bin is empty
    below = np.interp(cuts, places[order], np.maximum.accumulate(mass[order]))
    return np.diff(below, prepend=0.0, append=float(mass[-1]))


def _segments(found: Segmentation, profile: Profile) -> Text:
    """The segments of one segmentation with their shares of the reference's events."""
    events = found.counts[:, : profile.offsets[1]].sum(axis=1).tolist()
    shares = (
        f"{printable(','.join(values.values()))} {_share(number, profile.events)}"
        for values, number in zip(found.segments.values(), events, strict=True)
    )
    return Text(f"segments by {printable(found.name)}: ", style="bold").append(", ".join(shares), style="default")


def _heading(profile: Profile) -> Text:
    text = Text.assemble((printable(f"{profile.model} {profile.version}"), "bold"), f" · {profile.events:,} events")
    if profile.start is not None and profile.end is not None:
        text.append(f" · {_day(profile.start)} – {_day(profile.end)} UTC")
    if profile.chunks:
        number, length = len(profile.chunks.starts), format_duration(profile.chunks.size)
        text.append(f" · {number:,} chunk{'s' if number != 1 else ''} of {length}")
    text.append(f" · profile {profile.fingerprint}")
    return text


def _values(column: Column) -> str:
    """5 %, 50 % and 95 % quantile of numbers; the most frequent categories with their shares."""
    counts = column.counts[:MISSING]
    total = int(counts.sum())
    if not total:
        return "none"
    if isinstance(column.bins, Ordered):
        low, middle, high = (f"{quantile(column.bins, counts, share).value:.3g}" for share in (0.05, 0.5, 0.95))
        return low if low == high else f"{low} … {middle} … {high}"
    named = zip(column.bins.categories, counts.tolist(), strict=False)
    return ", ".join(f"{name} {_share(count, total)}" for name, count in list(named)[:5])


def _moments(column: Column) -> tuple[str, str]:
    """Mean, which the centres make exact, and standard deviation with its error; empty for categories."""
    counts = column.counts[:MISSING]
    if not isinstance(column.bins, Ordered) or not counts.sum():
        return "", ""
    deviation = spread(column.bins, counts)
    error = f" ± {deviation.error:.2g}" if deviation.error else ""
    return f"{mean(column.bins, counts).value:.4g}", f"{deviation.value:.4g}{error}"


def _distinct(column: Column) -> str:
    """Number of distinct values; bins over ranges only know that there are more than bins."""
    bins, counts = column.bins, column.counts[:MISSING]
    if not isinstance(bins, Ordered):
        return f"{len(bins.categories) + len(bins.others):,}"
    return f"{'' if _alone(bins, counts) else '> '}{np.count_nonzero(counts):,}"


def _alone(bins: Ordered, counts: Counts) -> bool:
    """Whether every value has a bin of its own."""
    own = np.flatnonzero(np.nextafter(bins.edges[:-1], np.inf) == bins.edges[1:]) + 1
    return int(counts[own].sum()) == int(counts.sum())


def _share(count: int, total: int) -> str:
    if not count:
        return "0"
    share = 100 * count / max(total, 1)
    return f"{share:.0f}%" if share >= 1 else f"{share:.1f}%" if share >= 0.1 else "< 0.1%"


def _day(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d %H:%M}"
