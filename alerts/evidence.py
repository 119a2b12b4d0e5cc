"""What the page tells of an episode: since when, what moved, in which segments, and its worst window.

Pieces of a Prometheus template, each of which asks for the series that it tells of. What moved has other labels in
every window, so that it is asked for as it is now and never held: parts of two windows must not be told as one. Where
nothing is shown now, as while no worker is scraped, the columns beyond their thresholds are told as last seen.
"""

from __future__ import annotations

from alerts.alert import Settings
from alerts.promql import held, series

CAUSES, PARTS, COLUMNS, SEGMENTS = 3, 2, 5, 5  # most that are told: causes, parts of each, columns, segments
OF_SEGMENT = 3  # most columns that are told of a segment
# The values of a query by their place: those of the alert, then those of what is being told.
LABELS = "$labels.model $labels.version $labels.segment"
CAUSE, PART, SEGMENT = "$cause.Labels.cause", "$part.Labels.part", "$segment.Labels.segment"
COLUMN = "$column.Labels.column"
VERSION = "model=%[1]q, version=%[2]q"
MATCH = f"{VERSION}, segment=%[3]q"
IN_SEGMENTS = f'{VERSION}, segment!=""'
WHEN = "humanizeTimestamp"
SHARE = 'printf "%.3g"'
RATIO = 'printf "%.1f"'


def of_episode(settings: Settings) -> str:
    """The sentences that follow the first one of the description, each after a blank."""
    start, when, worst = (
        f"max({held(f'model_episode_{name}', settings, MATCH)}) > 0"
        for name in ("start_timestamp_seconds", "worst_timestamp_seconds", "worst_ratio")
    )
    return (
        _with(start, f" It began at {_number(WHEN)} (event time).")
        + _columns(settings)
        + _segments(settings)
        + _with(worst, f" At its worst it was {_number(RATIO)}×")
        + _with(when, f", in the window from {_number(WHEN)}.")
    )


def _columns(settings: Settings) -> str:
    """The worst causes with what moved in them; where none is shown now, the worst columns."""
    causes = _now("column_cause_ratio", settings)
    in_drift = f"max({_now('model_drifted_columns', settings)})"
    parts = _parts(settings, f"{MATCH}, column=%[4]q", CAUSE)
    told = _each("cause", _named("cause") + parts + _companions(settings), between="; ")
    more = f"; and {_number()} more column{{{{ if ne (. | first | value) 1.0 }}}}s{{{{ end }}}}"
    left = _with(f"{in_drift} - count(count by (column) ({causes})) > 0", more)
    last = f"max by (column) ({held('column_drift_ratio', settings, MATCH)}) > 1"
    beyond = _with(_top(COLUMNS, last), f" Beyond their thresholds: {_each('column', _named('column'))}.")
    return _with(_top(CAUSES, f"max by (cause) ({causes})"), f" What moved: {told}{left}.", otherwise=beyond)


def _parts(settings: Settings, column: str, *values: str) -> str:
    """Of a column the parts that moved most: the reference's share, the window's, and what it is.

    column: its labels in a query with these values from the fourth on.
    """
    names = ("column_moved_reference_ratio", "column_moved_ratio")
    part = f"{column}, part=%[{len(values) + 4}]q"
    shares = (f"100 * max({_now(name, settings, part)})" for name in names)
    # A scrape may come between two queries: without its shares a part is told by its name.
    then, now = (
        _with(share, f"{_number(SHARE)} %{word}", *values, PART)
        for share, word in zip(shares, (" → ", " of "), strict=True)
    )
    change = " - ".join(f"max by (part) ({_now(name, settings, column)})" for name in names)
    told = _each("part", f"{then}{now}{{{{ {PART} }}}}")
    return _with(_top(PARTS, f"abs({change})"), f" ({told})", *values)


def _companions(settings: Settings) -> str:
    """The columns that moved with a cause's worst one."""
    others = f"max by (column) ({_now('column_cause_ratio', settings, f'{MATCH}, cause=%[4]q, column!=%[4]q')})"
    told = f", with {_each('column', _named('column'))}{_left(others, COLUMNS, CAUSE)}"
    return _with(_top(COLUMNS, others), told, CAUSE)


def _segments(settings: Settings) -> str:
    """How many segments moved, and the worst of them with what moved there alone; nothing where there are none."""
    verdicts = f"max by (segment) ({_now('model_verdict', settings, IN_SEGMENTS)})"
    moved = f"{verdicts} == 2"
    ratios = f"max by (segment) ({_now('column_drift_ratio', settings, IN_SEGMENTS)})"
    # Which segments moved is known even where their columns are not shown, for there are too many series.
    worst = f"({ratios} and ({moved})) or 0 * ({moved})"
    columns = f"max by (column) ({_now('column_drift_ratio', settings, f'{VERSION}, segment=%[4]q')}) > 1"
    parts = _parts(settings, f"{VERSION}, segment=%[4]q, column=%[5]q", SEGMENT, COLUMN)
    within = _with(_top(OF_SEGMENT, columns), f" ({_each('column', _named('column') + parts)})", SEGMENT)
    told = _each("segment", f"{{{{ {SEGMENT} }}}}{within}")
    some = f" {_number()} moved: {_with(_top(SEGMENTS, worst), told)}{_left(moved, SEGMENTS)}"
    which = _with(f"count({moved})", some, otherwise=" none moved")
    return _with(f"count({verdicts} >= 0)", f" Of {_number()} segments with a verdict{which}.")


def _now(name: str, settings: Settings, match: str = MATCH) -> str:
    """A gauge as the worker shows it whose window is the newest; after a hand-over another may still show its own."""
    end = series("window_end_timestamp_seconds", settings, MATCH)
    return f"{series(name, settings, match)} and on (instance) ({end} == scalar(max({end})))"


def _top(count: int, expression: str) -> str:
    return f"sort_desc(topk({count}, {expression}))"


def _with(expression: str, text: str, *values: str, otherwise: str = "") -> str:
    """`text` where the query returns anything; `values` are those of the query from the fourth on."""
    query = f"query (printf `{expression}` {' '.join((LABELS, *values))})"
    return f"{{{{ with {query} }}}}{text}{f'{{{{ else }}}}{otherwise}' if otherwise else ''}{{{{ end }}}}"


def _each(name: str, text: str, *, between: str = ", ") -> str:
    """`text` of every series that a query returned, which is the variable `name` there."""
    return f"{{{{ range $i, ${name} := . }}}}{{{{ if $i }}}}{between}{{{{ end }}}}{text}{{{{ end }}}}"


def _named(name: str) -> str:
    """The label `name` of the series, and its ratio, which is 0 where there is none."""
    ratio = f"{{{{ with ${name}.Value }}}} {{{{ {RATIO} . }}}}×{{{{ end }}}}"
    return f"{{{{ ${name}.Labels.{name} }}}}{ratio}"


def _number(shape: str = "") -> str:
    """The only number that a query returned."""
    return f"{{{{ . | first | value{f' | {shape}' if shape else ''} }}}}"


def _left(expression: str, most: int, *values: str) -> str:
    """How many more series there are than those that were told."""
    return _with(f"count({expression}) - {most} > 0", f" and {_number()} more", *values)
