"""Metrics of the pipeline itself: what this process reads, sends, refuses and publishes.

A counter says what this process has done and stays while the process lives; the gauges of a source partition go when
the partition is revoked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import CollectorRegistry

from monitor.config import Config
from monitor.logs.contract import EMPTY, REASONS, TOMBSTONE
from monitor.metrics_names import PROCESS, Spec

Outcome = Literal["sent", "failed", "suppressed", "dry_run"]
Kind = Literal["closed", "snapshot", "idle"]
Stage = Literal["summarise", "merge"]

# From a checkpoint of a small worker to one that has become a problem; 1 s is the promise for a closed window.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Pipeline:
    """The pipeline's metrics in a registry, its methods in the order in which an event meets them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.made: dict[str, Any] = {spec.name: _make(spec, registry) for spec in PROCESS}
        for kind in get_args(Kind):
            self.made["envelopes_total"].labels(kind)

    def configure(self, config: Config) -> None:
        """Label sets that the configuration knows start at 0."""
        for topic in config.kafka.sources:
            for name in ("events_total", "batches_refused_total", "records_lost_total", "partitions_owned"):
                self.made[name].labels(topic)
            for name, reasons in (("skipped_total", (TOMBSTONE, EMPTY)), ("dead_letters_total", REASONS)):
                for reason in reasons:
                    self.made[name].labels(topic, reason)

    def counted(self, topic: str, events: int, skipped: Mapping[str, int]) -> None:
        """A batch was counted."""
        self.made["events_total"].labels(topic).inc(events)
        for reason, number in skipped.items():
            self.made["skipped_total"].labels(topic, reason).inc(number)

    def dead_letter(self, topic: str, reason: str, number: int = 1) -> None:
        """Records of a topic went to the dead letters."""
        self.made["dead_letters_total"].labels(topic, reason).inc(number)

    def unknown_columns(self, model: str, version: str, number: int) -> None:
        """So many columns of events are not in the reference."""
        self.made["unknown_columns"].labels(model, version).set(number)

    def batch_refused(self, topic: str) -> None:
        """A batch did not begin where the last one ended."""
        self.made["batches_refused_total"].labels(topic).inc()

    def records_lost(self, topic: str, offsets: int) -> None:
        """A log no longer reaches back to where it had to be read from."""
        self.made["records_lost_total"].labels(topic).inc(offsets)

    def envelope(self, kind: Kind) -> None:
        """An envelope was sent."""
        self.made["envelopes_total"].labels(kind).inc()

    def merged(self, *, repeats: int = 0, holes: int = 0, superseded: int = 0) -> None:
        """Envelopes that merge dropped or refused, and panes that came on a reference which is over."""
        self.made["envelopes_repeated_total"].inc(repeats)
        self.made["block_holes_total"].inc(holes)
        self.made["superseded_parts_total"].inc(superseded)

    def late(self, model: str, events: int) -> None:
        """Events came after every window that holds them had retired."""
        self.made["late_events_total"].labels(model).inc(events)

    def partition(
        self, topic: str, partition: int, *, lag: int | None = None, latest: int | None = None, idle: bool | None = None
    ) -> None:
        """Where a source partition stands: records behind, event time reached (ms), idleness; None changes nothing."""
        values = {
            "partition_lag_records": lag,
            "watermark_timestamp_seconds": None if latest is None else latest / 1000,
            "partition_idle": idle,
        }
        for name, value in values.items():
            if value is not None:
                self.made[name].labels(topic, partition).set(value)

    def partition_lost(self, topic: str, partition: int) -> None:
        """Another worker reads the partition now."""
        for name in ("partition_lag_records", "watermark_timestamp_seconds", "partition_idle"):
            self.made[name].remove_by_labels({"topic": topic, "partition": str(partition)})

    def owned(self, topic: str, partitions: int) -> None:
        """So many partitions of a topic are ours."""
        self.made["partitions_owned"].labels(topic).set(partitions)

    def rebalance(self) -> None:
        """The consumer group was rebalanced."""
        self.made["rebalances_total"].inc()

    def progress(self, stage: Stage, now: float) -> None:
        """A stage moved on at this wall clock (seconds)."""
        self.made["last_progress_timestamp_seconds"].labels(stage).set(now)

    def stuck(self, topic: str, stage: Stage, partitions: int) -> None:
        """So many partitions of a topic stand still while something waits in them."""
        self.made["stuck_partitions"].labels(topic, stage).set(partitions)

    def configured(self, epoch: str, now: float) -> None:
        """A configuration was taken at this wall clock (seconds)."""
        self.made["config_info"].clear()
        self.made["config_info"].labels(epoch).set(1)
        self.made["config_last_reload_successful"].set(1)
        self.made["config_last_reload_success_timestamp_seconds"].set(now)

    def reload_refused(self) -> None:
        """A configuration was refused; the one before stays in force."""
        self.made["config_reload_failures_total"].inc()
        self.made["config_last_reload_successful"].set(0)

    def checkpoint(self, seconds: float) -> None:
        """A checkpoint was written in full."""
        self.made["checkpoints_total"].inc()
        self.made["checkpoint_duration_seconds"].observe(seconds)

    def close_delay(self, seconds: float) -> None:
        """A result was published so long after the watermark passed its window's end."""
        self.made["window_close_delay_seconds"].observe(seconds)

    def trigger(self, model: str, outcome: Outcome) -> None:
        """What became of a retraining trigger."""
        self.made["triggers_total"].labels(model, outcome).inc()


def _make(spec: Spec, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if spec.type == "histogram":
        return Histogram(spec.full, spec.help, spec.labels, registry=registry, buckets=BUCKETS)
    kind = Counter if spec.type == "counter" else Gauge
    return kind(spec.full, spec.help, spec.labels, registry=registry)
