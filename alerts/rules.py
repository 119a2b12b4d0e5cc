"""The alerts of Driftline: the one source of the Prometheus rules and of their copy for Grafana.

A page is for a person who must act now; everything else is a warning. Each rule says in its expression why it is as it
is. Windows are counted by the worker (an episode opens with a drift verdict and closes after some windows without
drift), so the drift rules need no `for`: a window's gauge is a step function, and one window would satisfy any `for`.
"""

from __future__ import annotations

from alerts import evidence
from alerts.alert import Alert, Settings
from alerts.promql import WINDOW, held, newest, series
from alerts.workers import (
    PIPELINE_URL,
    configurations_differ,
    hole,
    lag_grows,
    merge_stands_still,
    no_progress,
    no_worker,
    reload_refused,
    standstill,
    worker_unreachable,
)

MODEL_URL = (
    "driftline-model?var-model={{ $labels.model | urlquery }}&var-version={{ $labels.version | urlquery }}"
    "&var-segment={{ $labels.segment | urlquery }}"
)
COLUMN_URL = f"{MODEL_URL}&var-column={{{{ $labels.column | urlquery }}}}".replace(
    "driftline-model", "driftline-column"
)
VERSION_URL = MODEL_URL.partition("&var-segment")[0]
ALL_EVENTS = 'segment=""'  # not a part of them
MODEL = "{{ $labels.model }} version {{ $labels.version }}{{ with $labels.segment }}, segment {{ . }}{{ end }}"


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """All alerts; within one model a cause stands before what it inhibits."""
    return (
        model_drift(settings),
        prediction_drift(settings),
        *(data_quality(settings, share) for share in ("missing", "invalid", "unseen")),
        rejected(settings),
        no_data(settings),
        never_any_data(settings),
        lag_grows(settings),
        worker_unreachable(settings),
        no_worker(settings),
        no_progress(settings),
        merge_stands_still(settings),
        hole(settings),
        standstill(settings),
        reload_refused(settings),
        configurations_differ(settings),
    )


def model_drift(settings: Settings) -> Alert:
    """The page: an episode is open."""
    return Alert(
        name="DriftlineModelDrift",
        severity="critical",
        expr=newest(held("model_episode_active", settings), settings) + " == 1",
        keep_firing_for=settings.settle,
        summary="A model's data no longer match its reference.",
        description=f"A drift episode is open for {MODEL}.",
        evidence=evidence.of_episode(settings),
        dashboard=MODEL_URL,
    )


def prediction_drift(settings: Settings) -> Alert:
    """What the model says has moved. The drift alert inhibits it: an episode is one page."""
    verdict = held("column_verdict", settings, 'role="prediction"')
    return Alert(
        name="DriftlinePredictionDrift",
        severity="critical",
        expr=newest(verdict, settings, by=f"{WINDOW}, column") + " == 2",
        summary="A model's predictions no longer match its reference.",
        description="In its last window the predictions ({{ $labels.column }}) of "
        f"{MODEL} were beyond the threshold.",
        dashboard=COLUMN_URL,
    )


def data_quality(settings: Settings, share: str) -> Alert:
    """More missing, invalid or unseen values than the reference has, in a window large enough to tell."""
    ratio = held(f"column_{share}_ratio", settings)
    if share != "unseen":  # by definition the reference has no unseen value
        reference = held(f"column_reference_{share}_ratio", settings)
        ratio = f"# Above what the reference itself has.\n(\n  {ratio}\n  - {reference}\n)"
    enough = f"and on (instance, {WINDOW}) {held('window_events', settings)} >= {settings.min_events}"
    what = {
        "missing": "are missing beyond what the reference has",
        "invalid": "are of a wrong type or not finite beyond what the reference has",
        "unseen": "are of a category that the reference never had",
    }[share]
    return Alert(
        name="DriftlineDataQuality",
        reason=share,
        severity="warning",
        expr=newest(f"{ratio}\n{enough}", settings, by=f"{WINDOW}, column") + f" > {settings.excess}",
        keep_firing_for="1h",  # hourly windows around the limit shall not send a message each
        summary=f"Too many values of a column are {share}.",
        description="Of the values of {{ $labels.column }} of "
        f"{MODEL}, {{{{ $value | humanizePercentage }}}} {what}.",
        dashboard=COLUMN_URL,
    )


def rejected(settings: Settings) -> Alert:
    """Events that cannot be used at all: they are in no window, so no column shows them."""
    dead = f"sum by (topic) (rate({series('dead_letters_total', settings)}[15m]))"
    good = f"sum by (topic) (rate({series('events_total', settings)}[15m]))"
    return Alert(
        name="DriftlineDataQuality",
        reason="rejected",
        severity="warning",
        expr=f"{dead}\n  / ({dead} + {good})\n> {settings.excess}",
        for_="15m",
        keep_firing_for="1h",
        summary="Too many records of a topic cannot be used.",
        description="{{ $value | humanizePercentage }} of the records of topic {{ $labels.topic }} went to the dead"
        " letters.",
        dashboard=PIPELINE_URL,
    )


def no_data(settings: Settings) -> Alert:
    """Windows stopped closing: the gauges above stand still and say nothing any more."""
    end = held("window_end_timestamp_seconds", settings, ALL_EVENTS)
    size = held("window_size_seconds", settings)
    closed = f"increase({series('windows_total', settings, ALL_EVENTS)}[1h])"
    return Alert(
        name="DriftlineNoData",
        reason="stopped",
        severity="warning",
        expr=f"""\
time() - max by (model, version) ({end})
  # Ten minutes more, for very short windows: they wait for disorder and for idle partitions.
  > on (model) group_left () {settings.missed_windows} * max by (model) ({size}) + 600
# A log that is replayed, or caught up with, is old but not absent.
unless on (model, version) sum by (model, version) ({closed}) > 0""",
        for_="15m",
        summary="A model's windows have stopped closing.",
        description=f"The last closed window of {MODEL} ended {{{{ $value | humanizeDuration }}}} ago.",
        dashboard=VERSION_URL,
    )


def never_any_data(settings: Settings) -> Alert:
    """Configured, but no window ever closed."""
    size, known = (held(name, settings) for name in ("window_size_seconds", "model_reference_events"))
    return Alert(
        name="DriftlineNoData",
        reason="never",
        severity="warning",
        expr=f"""\
max by (model, version) (
  # How long this worker has waited for a first window of the models it knows.
  (time() - last_over_time(process_start_time_seconds{{job="{settings.job}"}}[{settings.hold}]))
  * on (job, instance) group_right () ({known} > bool -1)
)
  > on (model) group_left () {settings.missed_windows} * max by (model) ({size}) + 600
unless on (model, version) {held("window_end_timestamp_seconds", settings, ALL_EVENTS)}""",
        for_="15m",
        summary="A configured model has never had a window.",
        description=f"No window of {MODEL} has closed since its worker started "
        "{{ $value | humanizeDuration }} ago.",
        dashboard=VERSION_URL,
    )
