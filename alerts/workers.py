"""The alerts about the workers themselves: without them silence would look like health."""

from __future__ import annotations

from functools import partial

from alerts.alert import Alert, Settings
from alerts.promql import held, series

PIPELINE_URL = "driftline-pipeline"  # the dashboard of all of them
STUCK = partial(Alert, name="DriftlineWorkerStuck", severity="critical", dashboard=PIPELINE_URL)
LAGGING = partial(Alert, name="DriftlineWorkerLagging", severity="warning", dashboard=PIPELINE_URL)
CONFIGURATION = partial(Alert, name="DriftlineConfiguration", severity="warning", dashboard=PIPELINE_URL)


def lag_grows(settings: Settings) -> Alert:
    """The worst partition falls further and further behind; while a backlog is worked off the lag falls instead."""
    lag = f"max by (topic, partition) ({series('partition_lag_records', settings)})"
    return LAGGING(
        reason="lag",
        expr=f"""\
{lag} > 1000
# For half an hour: every value of the last quarter is above every value of the one before (ranges include both ends).
and min_over_time({lag}[14m:30s])
  > max_over_time({lag}[15m:30s] offset 15m)""",
        keep_firing_for="10m",
        summary="Workers fall behind their log.",
        description="Partition {{ $labels.partition }} of {{ $labels.topic }} is {{ $value | humanize }} records"
        " behind, and the lag grows.",
    )


def worker_unreachable(settings: Settings) -> Alert:
    """One worker is gone, others have taken over: nothing is lost but capacity, so nobody is woken."""
    return LAGGING(
        reason="unreachable",
        expr=f'max by (instance) (up{{job="{settings.job}"}}) == 0\nand on () max(up{{job="{settings.job}"}}) == 1',
        for_="10m",
        summary="A worker cannot be scraped; the others do its work.",
        description="{{ $labels.instance }} has not answered for 10 minutes.",
    )


def no_worker(settings: Settings) -> Alert:
    """No worker can be scraped: nothing is watched. It inhibits what it would make wrong."""
    up = f'up{{job="{settings.job}"}}'
    return STUCK(
        reason="down",
        expr=f"max by (job) ({up}) == 0\n# Or Prometheus knows no worker at all.\nor absent({up})",
        for_="5m",
        summary="No Driftline worker can be scraped.",
        description="No worker of job {{ $labels.job }} has answered for 5 minutes: no model is watched.",
    )


def no_progress(settings: Settings) -> Alert:
    """Records wait, and this worker counts none of them."""
    progress = series("last_progress_timestamp_seconds", settings, 'stage="summarise"')
    lag = f"min_over_time({series('partition_lag_records', settings)}[10m])"
    return STUCK(
        reason="no_progress",
        expr=f"""\
time() - max by (instance) (
  {progress}
  # Since its start, if it never moved.
  or on (instance) process_start_time_seconds{{job="{settings.job}"}}
) > 600
# Without a partition, or at the end of its partitions, a worker may rest.
and on (instance) max by (instance) ({lag}) > 0""",
        keep_firing_for="5m",  # over a failed scrape
        summary="A worker has stopped counting events although some wait.",
        description="{{ $labels.instance }} has made no progress for {{ $value | humanizeDuration }}.",
    )


def merge_stands_still(settings: Settings) -> Alert:
    """Counts are sent and nobody merges them: no window of any model closes."""
    progress = held("last_progress_timestamp_seconds", settings, 'stage="merge"')
    sent = f"sum(increase({series('envelopes_total', settings)}[10m]))"
    return STUCK(
        reason="merge",
        expr=f"""\
# The latest of all workers: one that owns no partition of the summaries topic rests.
time() - max by (stage) ({progress}) > 600
and on () {sent} > 0""",
        for_="5m",
        summary="Summaries are sent, but no worker merges them.",
        description="No worker has merged a summary for {{ $value | humanizeDuration }}: no window closes.",
    )


def standstill(settings: Settings) -> Alert:
    """The worker's own word for it. It ends with 4 then, so what lasts is what a restart does not heal."""
    stuck = series("stuck_partitions", settings)
    return STUCK(
        reason="standstill",
        expr=f"""\
# A worker that has just been started again is quiet for a minute.
max by (topic, stage) (max_over_time({stuck}[10m])) > 0""",
        for_="15m",
        summary="Partitions stand still although something waits in them.",
        description="In {{ $value | humanize }} partitions of {{ $labels.topic }} something waits for"
        " {{ $labels.stage }} and nothing moves; /readyz of the workers says which and why.",
    )


def reload_refused(settings: Settings) -> Alert:
    """A new configuration has a mistake: the old one stays in force, and nothing else happens."""
    return CONFIGURATION(
        reason="refused",
        expr=f"max by (instance) (1 - {series('config_last_reload_successful', settings)}) == 1",
        for_="5m",
        summary="A worker has refused its new configuration.",
        description="{{ $labels.instance }} goes on under the configuration before; its log says what is wrong.",
    )


def configurations_differ(settings: Settings) -> Alert:
    """Some workers were told of a new configuration, and others were not."""
    return CONFIGURATION(
        reason="differ",
        expr=f"count by (job) (count by (job, epoch) ({series('config_info', settings)})) > 1",
        for_="10m",
        summary="Workers have different configurations.",
        description="{{ $value | humanize }} different configurations are in force among the workers of job"
        " {{ $labels.job }}.",
    )


def hole(settings: Settings) -> Alert:
    """Envelopes are refused again and again because a block before them is missing; one refusal heals by itself."""
    return STUCK(
        reason="hole",
        expr=f"sum by (job) (increase({series('block_holes_total', settings)}[10m])) > 0",
        for_="15m",
        summary="A block of a source partition is missing; windows that need it stay open.",
        description="{{ $value | humanize }} envelopes were refused in 10 minutes because a block before them is"
        " missing.",
    )
