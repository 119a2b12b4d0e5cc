"""Panels on the workers themselves: what keeps each event counted once, and what they use."""

from __future__ import annotations

from dashboards.kinds import BLUE, GREY, ORANGE, RED
from dashboards.modern import Panel, panel
from dashboards.panels import BARS, STACKED, coloured
from dashboards.promql import JOB, gauge, increase, quantile, rate, series


def exactness() -> list[Panel]:
    """What keeps each event counted once; all of it rests at zero but checkpoints and envelopes."""
    faults = {
        "batches refused": (increase("batches_refused_total"), ORANGE),
        "envelopes refused": (increase("block_holes_total"), RED),
        "envelopes repeated": (increase("envelopes_repeated_total"), GREY),
        "rebalances": (increase("rebalances_total"), BLUE),
        "records deleted before they were read": (increase("records_lost_total"), RED),
        "panes on a reference that is over": (increase("superseded_parts_total"), RED),
    }
    return [
        panel(
            "timeseries",
            "Refusals, repeats, rebalances",
            "Refused batches and envelopes left a gap before them; repeated envelopes were dropped, as they should be "
            "after a restart or a rebalance.",
            *((expr, name) for name, (expr, _) in faults.items()),
            unit="short",
            defaults=BARS,
            overrides=coloured({name: colour for name, (_, colour) in faults.items()}),
        ),
        panel(
            "timeseries",
            "Envelopes",
            "Envelopes sent from summarise to merge: of closed blocks, of open ones, and of idle partitions.",
            (rate("envelopes_total", by="kind"), "{{kind}}"),
            unit="cps",
            defaults=STACKED,
        ),
        panel(
            "timeseries",
            "Checkpoints",
            "Checkpoints of merge that were written in full. None for long means a long repetition after a restart.",
            (increase("checkpoints_total"), "written"),
            unit="short",
            size=(4, 8),
            defaults=BARS,
        ),
        panel(
            "timeseries",
            "Checkpoint duration",
            "Time to write a checkpoint in full.",
            (quantile(0.99, "checkpoint_duration_seconds"), "p99"),
            unit="s",
            size=(4, 8),
        ),
    ]


def workers() -> list[Panel]:
    """The only place where a worker is shown by its address."""
    return [
        panel(
            "timeseries",
            "CPU",
            "CPU seconds per second of each worker; one is a whole core.",
            (f"sum by (instance) (rate(process_cpu_seconds_total{{{JOB}}}[$__rate_interval]))", "{{instance}}"),
            unit="short",
            size=(6, 8),
        ),
        panel(
            "timeseries",
            "Memory",
            "Resident memory of each worker. It should be flat.",
            (f"max by (instance) (process_resident_memory_bytes{{{JOB}}})", "{{instance}}"),
            unit="bytes",
            size=(6, 8),
        ),
        panel(
            "timeseries",
            "Partitions owned",
            "Source partitions that each worker reads. The sum must stay the same.",
            (f"sum by (instance) ({series('partitions_owned')})", "{{instance}}"),
            unit="short",
            size=(6, 8),
            defaults=STACKED,
        ),
        panel(
            "timeseries",
            "Versions of Driftline",
            "Workers by the version they run; two for long means an update that stopped half way.",
            (f"count by (version) ({series('build_info')})", "{{version}}"),
            unit="short",
            size=(6, 8),
            defaults=STACKED,
        ),
        *_configurations(),
    ]


def _configurations() -> list[Panel]:
    """What stands still, and whether all workers go by the same file."""
    return [
        panel(
            "timeseries",
            "Standing still",
            "Partitions in which something has waited for a minute and nothing moved; /readyz of a worker says why.",
            (gauge("stuck_partitions", by="topic, stage"), "{{stage}} {{topic}}"),
            unit="short",
            size=(8, 8),
            defaults=STACKED,
        ),
        panel(
            "timeseries",
            "Configurations",
            "Workers by the configuration they run; two for long means that somebody was not told.",
            (f"count by (epoch) ({series('config_info')})", "{{epoch}}"),
            unit="short",
            size=(8, 8),
            defaults=STACKED,
        ),
        panel(
            "timeseries",
            "Reloads",
            "Configurations refused at SIGHUP, workers whose last one was refused, and hours since one was taken.",
            (increase("config_reload_failures_total"), "refused"),
            (f"count({series('config_last_reload_successful')} == 0) or vector(0)", "workers on an older one"),
            (
                f"(time() - max({series('config_last_reload_success_timestamp_seconds')})) / 3600",
                "hours since the last",
            ),
            unit="short",
            size=(8, 8),
        ),
    ]
