"""Every metric that Driftline exposes, in one table: full name, type, labels and what it says.

Names as they are scraped: counters end in `_total`, and a histogram gives `_bucket`, `_sum` and `_count`. Labels come
from the configuration and the reference profiles, never from an event.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

PREFIX = "driftline_"
METHODS = ("psi", "ks", "chi2", "js", "wasserstein", "hellinger", "total_variation")  # by default; each has a metric

WINDOW = ("model", "version", "segment")
COLUMN = (*WINDOW, "column", "role")
COMPARED_COLUMN = (*WINDOW, "reference", "column", "role")
MOVED_PART = (*COLUMN, "part")
CAUSED_COLUMN = (*COLUMN, "cause")


class Spec(NamedTuple):
    """One metric. `name` has no prefix; `type` is Prometheus's word."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str

    @property
    def full(self) -> str:
        """The name as scraped (of a histogram: its base)."""
        return PREFIX + self.name


_STATISTICS = {
    "psi": "Population stability index",
    "ks": "Kolmogorov-Smirnov distance",
    "chi2": "Chi-square statistic of homogeneity",
    "js": "Jensen-Shannon distance",
    "wasserstein": "Wasserstein distance, in the column's own unit",
    "hellinger": "Hellinger distance",
    "total_variation": "Total variation distance",
}

# Gauges of a model's last closed window.
WINDOWS = (
    Spec("window_end_timestamp_seconds", "gauge", WINDOW, "End of the last closed window, in event time."),
    Spec("window_events", "gauge", WINDOW, "Events in the last closed window."),
    Spec("window_late_events", "gauge", WINDOW, "Events of the last closed window that came after its first result."),
    Spec("model_verdict", "gauge", WINDOW, "Verdict: -1 undecided, 0 ok, 1 warning, 2 drift."),
    Spec("model_columns", "gauge", WINDOW, "Columns compared in the last closed window."),
    Spec("model_drifted_columns", "gauge", WINDOW, "Columns in drift in the last closed window."),
    Spec("model_episode_active", "gauge", WINDOW, "1 while a drift episode is open, else 0."),
    Spec(
        "model_episode_start_timestamp_seconds", "gauge", WINDOW, "Start of the open episode in event time; 0 if none."
    ),
    Spec(
        "model_episode_worst_ratio",
        "gauge",
        WINDOW,
        "Largest statistic over threshold of a column in the open episode so far; 0 if none.",
    ),
    Spec(
        "model_episode_worst_timestamp_seconds",
        "gauge",
        WINDOW,
        "Start of the window of the open episode's largest ratio, in event time; 0 if none.",
    ),
)

# Gauges of one column in a model's last closed window.
COLUMNS = (
    *(
        Spec(f"column_{name}", "gauge", COLUMN, f"{title} between the window and the reference.")
        for name, title in _STATISTICS.items()
    ),
    Spec("column_drift_ratio", "gauge", COLUMN, "What decides over its threshold: above 1 is drift."),
    Spec("column_verdict", "gauge", COLUMN, "Verdict: -1 undecided, 0 ok, 1 warning, 2 drift."),
    Spec("column_missing_ratio", "gauge", COLUMN, "Share of the window's events without the column."),
    Spec(
        "column_invalid_ratio", "gauge", COLUMN, "Share of the window's events with a wrong type or no finite number."
    ),
    Spec(
        "column_unseen_ratio", "gauge", COLUMN, "Share of the window's events with a category the reference never had."
    ),
    Spec("column_reference_missing_ratio", "gauge", COLUMN, "Share of the reference's events without the column."),
    Spec("column_reference_invalid_ratio", "gauge", COLUMN, "Share of the reference's events with an invalid value."),
)

# Gauges of one column beside a reference that does not decide. They have names of their own, so that whoever asks for
# the column's gauges sees the deciding reference alone.
COMPARED = (
    *(
        Spec(f"compared_{name}", "gauge", COMPARED_COLUMN, f"{title} between the window and this reference.")
        for name, title in _STATISTICS.items()
    ),
    Spec("compared_drift_ratio", "gauge", COMPARED_COLUMN, "What would decide over its threshold: above 1 were drift."),
)

# What moved in a model's last closed window, in all events or in segments alone, while columns are in drift.
MOVED = (
    Spec(
        "column_cause_ratio",
        "gauge",
        CAUSED_COLUMN,
        "Drift ratio of a column in drift, beside the worst of the columns that moved with it; 0 if it has none.",
    ),
    Spec("column_moved_ratio", "gauge", MOVED_PART, "Share of a column's values (or events) in a part that moved."),
    Spec("column_moved_reference_ratio", "gauge", MOVED_PART, "The share that this part has in the reference."),
)

# What this process has done or knows from its configuration.
PROCESS = (
    Spec("windows_total", "counter", WINDOW, "Windows closed; revisions are not counted again."),
    Spec("windows_drifted_total", "counter", WINDOW, "Windows whose first result was drift."),
    Spec(
        "late_events_total", "counter", ("model",), "Events that came after every window that holds them had retired."
    ),
    Spec(
        "window_size_seconds",
        "gauge",
        ("model",),
        "Configured size of the model's windows; by the calendar the mean, by count none.",
    ),
    Spec("model_reference_events", "gauge", ("model", "version"), "Events in the reference profile."),
    Spec("series_dropped_total", "counter", ("model",), "Column series left out because of max_series."),
    Spec("unknown_columns", "gauge", ("model", "version"), "Columns seen in events that the reference has not."),
    Spec(
        "triggers_total", "counter", ("model", "outcome"), "Retraining triggers: sent, failed, suppressed or dry_run."
    ),
    Spec("events_total", "counter", ("topic",), "Events counted."),
    Spec("skipped_total", "counter", ("topic", "reason"), "Records without a value: a tombstone, or empty."),
    Spec(
        "dead_letters_total",
        "counter",
        ("topic", "reason"),
        "Records that could not be used and went to the dead letters.",
    ),
    Spec("envelopes_total", "counter", ("kind",), "Envelopes sent: closed, snapshot or idle."),
    Spec("envelopes_repeated_total", "counter", (), "Envelopes that merge had seen before and dropped."),
    Spec("block_holes_total", "counter", (), "Envelopes refused because a block before them is missing."),
    Spec("batches_refused_total", "counter", ("topic",), "Batches refused because they did not follow the last one."),
    Spec("records_lost_total", "counter", ("topic",), "Offsets of a log that were deleted before they were counted."),
    Spec("partition_lag_records", "gauge", ("topic", "partition"), "Records between the position and the log's end."),
    Spec("watermark_timestamp_seconds", "gauge", ("topic", "partition"), "Event time reached by a source partition."),
    Spec(
        "partition_idle", "gauge", ("topic", "partition"), "1 while the consumer stands idle at the log's end, else 0."
    ),
    Spec("partitions_owned", "gauge", ("topic",), "Partitions that this process reads."),
    Spec("rebalances_total", "counter", (), "Rebalances of the consumer group."),
    Spec("last_progress_timestamp_seconds", "gauge", ("stage",), "Wall clock when the stage last moved on."),
    Spec(
        "stuck_partitions",
        "gauge",
        ("topic", "stage"),
        "Partitions in which something has waited for a minute and nothing moved; /readyz says which and why.",
    ),
    Spec("config_reload_failures_total", "counter", (), "Configurations refused at SIGHUP."),
    Spec("config_last_reload_successful", "gauge", (), "1 if the last configuration was taken, 0 if it was refused."),
    Spec(
        "config_last_reload_success_timestamp_seconds", "gauge", (), "Wall clock when a configuration was last taken."
    ),
    Spec("config_info", "gauge", ("epoch",), "Always 1; workers whose epochs differ have different configurations."),
    Spec(
        "superseded_parts_total",
        "counter",
        (),
        "Panes of closed blocks on a reference after the next one came into force: a worker has an old configuration.",
    ),
    Spec("checkpoints_total", "counter", (), "Checkpoints of merge that were written in full."),
    Spec("checkpoint_duration_seconds", "histogram", (), "Time to write a checkpoint of merge."),
    Spec("window_close_delay_seconds", "histogram", (), "Time from the watermark's passing to the published result."),
    Spec("build_info", "gauge", ("version",), "Always 1; the version of Driftline is in the label."),
)

TABLE: dict[str, Spec] = {spec.name: spec for spec in (*WINDOWS, *COLUMNS, *COMPARED, *MOVED, *PROCESS)}


def _scraped(spec: Spec) -> tuple[str, ...]:
    if spec.type == "histogram":
        return (spec.full, *(f"{spec.full}_{suffix}" for suffix in ("bucket", "sum", "count")))
    return (spec.full,)


METRIC_NAMES = frozenset(name for spec in TABLE.values() for name in _scraped(spec))
