"""Expressions that several panels need.

No expression shows which worker exports a series: a model moves between workers at every rebalance, and its history
must not begin anew. A gauge is the same whoever shows it, so `max`; counters of several workers add up, so `sum`.
"""

from __future__ import annotations

JOB = 'job="driftline"'  # the name of the scrape job; needed only where a metric is not ours by its name
ALL_EVENTS = 'segment=""'  # of a model, not of a part of its events
FLEET = f'model=~"$model", {ALL_EVENTS}'
MODEL = 'model="$model", version="$version", segment=~"$segment"'
COLUMN = f'{MODEL}, column="$column"'


def series(name: str, match: str = "") -> str:
    """The series of one of our metrics."""
    return f"driftline_{name}{{{match}}}" if match else f"driftline_{name}"


def gauge(name: str, match: str = "", by: str = "") -> str:
    """What a gauge says now, whichever worker shows it."""
    return f"max{_by(by)}({series(name, match)})"


def highest(name: str, match: str = "", by: str = "") -> str:
    """The highest value of a gauge since the point before, so that no window falls between two points."""
    return f"max{_by(by)}(max_over_time({series(name, match)}[$__rate_interval]))"


def rate(name: str, match: str = "", by: str = "") -> str:
    """A counter of all workers, per second."""
    return f"sum{_by(by)}(rate({series(name, match)}[$__rate_interval]))"


def increase(name: str, match: str = "", by: str = "", over: str = "$__rate_interval") -> str:
    """How much a counter of all workers grew."""
    return f"sum{_by(by)}(increase({series(name, match)}[{over}]))"


def quantile(q: float, name: str) -> str:
    """A quantile of a histogram of all workers."""
    return f"histogram_quantile({q}, sum by (le) (rate({series(name)}_bucket[$__rate_interval])))"


def most(shown: str, ranked: str, *, count: int, by: str) -> str:
    """`shown` for the `count` highest of `ranked` at the end of the range; plain topk would choose at every point."""
    return f"{shown}\nand on ({by})\ntopk({count}, {ranked})"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else " "
