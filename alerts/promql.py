"""Expressions that several rules need. A window's gauges are step functions of whoever owns the model: see `newest`."""

from __future__ import annotations

from alerts.alert import Settings

WINDOW = "model, version, segment"


def series(name: str, settings: Settings, match: str = "") -> str:
    """The series of one of our metrics, of our job only."""
    return f'driftline_{name}{{job="{settings.job}"{", " + match if match else ""}}}'


def held(name: str, settings: Settings, match: str = "") -> str:
    """The last value of a gauge within the holding time: a failed scrape or a restart does not reset the alert."""
    return f"last_over_time({series(name, settings, match)}[{settings.hold}])"


def newest(inner: str, settings: Settings, by: str = WINDOW) -> str:
    """`inner` (held gauges of windows) from the worker that showed the newest window, without that worker's labels.

    Who lost the model at a rebalance, or died, still counts for the holding time, and knows only how it was then.
    """
    end = held("window_end_timestamp_seconds", settings)
    return f"""\
# Held over failed scrapes and restarts, without the worker's labels: a rebalance must not make it another alert.
max by ({by}) (
{indent(inner)}
  # Only from the worker that showed the newest window: who lost the model still knows how it was then.
  and on (instance, {WINDOW}) (
    {end}
    == on ({WINDOW}) group_left ()
    max by ({WINDOW}) ({end})
  )
)"""


def indent(text: str) -> str:
    """Two spaces before every line."""
    return "\n".join(f"  {line}" for line in text.splitlines())
