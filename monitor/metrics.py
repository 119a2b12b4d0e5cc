"""What a worker tells Prometheus: one `Metrics` owns its registry, so several can live in one process.

A counter says what this process has done and stays while the process lives; a gauge of a window belongs to whoever
owns the model, and goes when ownership goes, so that no two workers show the same model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from msgspec import structs
from prometheus_client import disable_created_metrics, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from monitor import __version__
from monitor.config import Config, Model
from monitor.drift.profiles import Profile
from monitor.drift.segments import named
from monitor.errors import DriftlineError
from monitor.metrics_names import PROCESS
from monitor.metrics_pipeline import Outcome, Pipeline
from monitor.metrics_windows import Key, Windows, show
from monitor.pipeline.results import Result

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Every metric of one worker; `max_series` bounds the column series of one model."""

    def __init__(self, max_series: int = 10_000) -> None:
        # Prometheus would store the _created series as gauges that nobody asked for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it unannotated
        self.registry = CollectorRegistry()
        self._max_series = max_series
        self._known: dict[tuple[str, str], list[str]] = {}  # (model, version) -> fingerprints of its references
        self._segments: dict[tuple[str, str], set[str]] = {}  # (model, version) -> names of its segments
        self._windows = Windows()
        self.pipeline = Pipeline(self.registry)
        self._made = self.pipeline.made
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._made["build_info"].labels(__version__).set(1)

    def configure(self, config: Config) -> None:
        """Register what is configured: its label sets start at 0, and only its results are taken.

        What an earlier configuration had registered goes where this one does not name it.
        """
        self.pipeline.configure(config)
        for gone in {model for model, _ in self._known} - {model.name for model in config.models}:
            self.retire(gone)
        for model in config.models:
            self._register(model)

    def _register(self, model: Model) -> None:
        for name in ("late_events_total", "series_dropped_total"):
            self._made[name].labels(model.name)
        for outcome in get_args(Outcome):
            self._made["triggers_total"].labels(model.name, outcome)
        if model.windows.events is None:
            self._made["window_size_seconds"].labels(model.name).set(model.windows.size / 1000)
        for version in model.versions:
            profiles = [reference.profile for reference in model.references(version)]
            self._known[model.name, version] = [profile.fingerprint for profile in profiles]
            found = {s for profile in profiles for parts in profile.segmentations for s in parts.segments}
            chosen = {s for profile in profiles for parts in model.segmentations(profile) for s in parts.segments}
            self._segments[model.name, version] = found  # those that are monitored no more may still have a last result
            self._windows.keep(model.name, version, {"", *chosen})
            self._made["model_reference_events"].labels(model.name, version).set(profiles[-1].events)
            self._made["unknown_columns"].labels(model.name, version)
            for name in ("windows_total", "windows_drifted_total"):
                self._made[name].labels(model.name, version, "")

    def window(self, result: Result, profile: Profile) -> None:
        """Count a closed window and show it, unless a later one is shown. Raises DriftlineError if not registered."""
        key = self._check(result, profile)
        if result.revision == 0 and not result.segment:
            self._made["windows_total"].labels(*key).inc()
            if result.verdict == "drift":
                self._made["windows_drifted_total"].labels(*key).inc()
        self._show(key, result, profile)

    def restore(self, result: Result, profile: Profile) -> None:
        """Show a window that was counted before: the model's last one, after a restart or a change of owner."""
        self._show(self._check(result, profile), result, profile)

    def _check(self, result: Result, profile: Profile) -> Key:
        known = self._known.get((result.model, result.version))
        place = f"result of model {result.model!r} version {result.version!r}"
        if known is None:
            raise DriftlineError(f"{place}: not registered for metrics; known are {sorted(self._known)}")
        if result.reference not in known or result.reference != profile.fingerprint:
            expected = " or ".join(known)
            raise DriftlineError(
                f"{place}: expected reference {expected}, got {result.reference} ({profile.fingerprint})"
            )
        segment = named(result.segment or {})
        if segment and segment not in self._segments[result.model, result.version]:
            raise DriftlineError(f"{place}: segment {segment!r} is not registered for metrics")
        unknown = result.columns.keys() - {column.name for column in profile.columns}
        if unknown:
            raise DriftlineError(f"{place}: the reference has no column {sorted(unknown)[0]!r}")
        return result.model, result.version, segment

    def _show(self, key: Key, result: Result, profile: Profile) -> None:
        shown_ends = [self._windows.shown[place].end for place in (key, (*key[:2], "")) if place in self._windows.shown]
        if result.end < max(shown_ends, default=result.end):
            return
        self._windows.age(*key[:2], end=result.end)
        room = self._max_series - self._windows.series(result.model, without=key)
        shown = show(self._of_reference(result), profile, key=key, room=room)
        self._windows.shown[key] = shown
        if shown.dropped:
            self._made["series_dropped_total"].labels(result.model).inc(shown.dropped)

    def _of_reference(self, result: Result) -> Result:
        """The result without what it says of segments that the reference has not, or of columns that it has not."""
        if result.segments is None:
            return result
        known = self._segments[result.model, result.version]
        told = result.segments.columns
        kept = tuple(one for one in told if named(one.segment) in known and one.column in result.columns)
        return structs.replace(result, segments=structs.replace(result.segments, columns=kept))

    def forget(self, models: Iterable[str]) -> None:
        """Another worker owns these models now: stop showing their windows."""
        gone = set(models)
        for key in [key for key in self._windows.shown if key[0] in gone]:
            del self._windows.shown[key]

    def retire(self, model: str) -> None:
        """The model is no longer monitored: remove every series that names it, and take no more results."""
        self.forget([model])
        self._known = {key: reference for key, reference in self._known.items() if key[0] != model}
        for spec in PROCESS:
            if "model" in spec.labels:
                self._made[spec.name].remove_by_labels({"model": model})

    def render(self) -> list[bytes]:
        """The page, in Prometheus's text format, in pieces: put together it would take megabytes at every scrape."""
        return [generate_latest(self.registry), *self._windows.render()]
