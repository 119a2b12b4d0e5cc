"""The configuration: what is monitored, by which rules, and where the outside is. Frozen, with defaults that serve.

`monitor.settings.load` reads it from YAML; durations are milliseconds here and text like `10m` there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from monitor.drift.derivations import calendars
from monitor.drift.episodes import RECOVERY
from monitor.drift.profiles import Profile
from monitor.drift.segments import Segmentation
from monitor.drift.thresholds import Rule
from monitor.drift.windows import Windows
from monitor.logs.contract import MAX_BYTES, MAX_PANES

DAY = 86_400_000


@dataclass(frozen=True)
class ColumnRules:
    """How one column is judged: its methods, the one that decides, and their thresholds where they are given."""

    methods: tuple[str, ...] | None = None
    primary: str | None = None
    thresholds: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """A reference profile, and the event time (UTC ms, the start of a window) from which on it is in force.

    `compare` are further ones on the same bins, by the names that their scores are shown under; they decide nothing.
    """

    profile: Profile
    since: int | None = None
    compare: Mapping[str, Profile] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """One monitored model or feature view: a reference profile per version, its windows and its columns' rules.

    Where a version has more than one reference, `changes` has those that decide, in the order of time; `versions` the
    first. `recovery` windows without drift end an episode. `segments` names what is monitored of the profiles'
    segmentations; None: all of it.
    """

    name: str
    versions: Mapping[str, Profile]
    windows: Windows
    columns: Mapping[str, ColumnRules] = field(default_factory=dict)
    min_events: int = 200
    changes: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    recovery: int = RECOVERY
    segments: tuple[str, ...] | None = None

    def segmentations(self, profile: Profile) -> tuple[Segmentation, ...]:
        """The ways in which events are told apart that are monitored, of those that the profile has."""
        return tuple(found for found in profile.segmentations if self.segments is None or found.name in self.segments)

    def references(self, version: str) -> tuple[Reference, ...]:
        """The version's references in the order of time."""
        return self.changes.get(version) or (Reference(self.versions[version]),)


@dataclass(frozen=True)
class Budget:
    """How many false pages per model are allowed in a period (ms)."""

    pages: float = 1.0
    per: int = 30 * DAY

    def pvalue(self, windows: Windows) -> float:
        """The share of clean windows that may page: pages over the windows of the period; at most one half."""
        return min(0.5, self.pages * windows.step / self.per)


@dataclass(frozen=True)
class LogFields:
    """Which columns of a CSV or Parquet log hold an event's fields; every other column is a feature.

    `prediction` None: the log has no predictions.
    """

    time: str = "time"
    model: str | None = None
    version: str | None = None
    prediction: str | None = None


@dataclass(frozen=True)
class Topics:
    """Names of our own topics."""

    summaries: str = "driftline.summaries"
    state: str = "driftline.state"
    windows: str = "driftline.windows"
    triggers: str = "driftline.triggers"
    dead_letters: str = "driftline.dead-letters"


@dataclass(frozen=True)
class Tls:
    """PEM files: `ca` vouches for the other side (None: the system's), `certificate` and its `key` for us."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Sasl:
    """A name and a password for Kafka, and how they are proven; the password does not show."""

    mechanism: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Security:
    """How we speak to Kafka: without encryption and without a name, unless told otherwise."""

    tls: Tls | None = None
    sasl: Sasl | None = None


@dataclass(frozen=True)
class Kafka:
    """Where Kafka is and how we use it. `partitions` and `replication` are those of the topics that we create.

    `panes` is the most that a block may open of each model version, `event` the most bytes of an event.
    """

    brokers: tuple[str, ...] = ("localhost:9092",)
    predictions: tuple[str, ...] = ("predictions",)
    features: tuple[str, ...] = ()
    group: str = "driftline"
    security: Security = field(default_factory=Security)
    topics: Topics = field(default_factory=Topics)
    partitions: int = 4
    replication: int = 1
    block: int = 50_000
    panes: int = MAX_PANES
    event: int = MAX_BYTES
    flush: int = 500
    checkpoint: int = 10_000
    session_timeout: int = 10_000
    patience: int = 300_000

    @property
    def sources(self) -> tuple[str, ...]:
        """The log topics that are read."""
        return self.predictions + self.features


@dataclass(frozen=True)
class Clock:
    """Event time's tolerances: disorder within a partition, the future allowed, and when a quiet partition is idle."""

    disorder: int = 10_000
    max_future: int = 300_000
    idle: int = 30_000


@dataclass(frozen=True)
class Server:
    """Where /metrics, /healthz and /readyz listen; `token` opens them, and does not show.

    Beyond loopback both `token` and `tls` are there, or what stands in for each: somebody's word that it is not needed.
    """

    host: str = "127.0.0.1"
    port: int = 9464
    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    allow_anonymous: bool = False
    allow_plaintext: bool = False


@dataclass(frozen=True)
class Webhook:
    """A retraining call; `secret` signs it, and neither shows. `cooldown` is event time between a model's calls.

    `allow_internal`: its host may have an address that is not public.
    """

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    cooldown: int = DAY
    dry_run: bool = False
    timeout: int = 10_000
    allow_internal: bool = False


@dataclass(frozen=True)
class Config:
    """Everything that a run needs to know."""

    models: tuple[Model, ...]
    budget: Budget = field(default_factory=Budget)
    logs: LogFields = field(default_factory=LogFields)
    kafka: Kafka = field(default_factory=Kafka)
    clock: Clock = field(default_factory=Clock)
    server: Server = field(default_factory=Server)
    triggers: tuple[Webhook, ...] = ()
    max_models: int = 1_000
    max_columns: int = 2_000
    max_series: int = 10_000
    path: Path | None = field(default=None, compare=False)

    @property
    def segment_fields(self) -> set[str]:
        """Names that any profile reads of the events' own segments."""
        profiles = (
            one.profile for model in self.models for version in model.versions for one in model.references(version)
        )
        return {name for profile in profiles for name in profile.segment_fields}

    @cached_property
    def epoch(self) -> str:
        """Names what the counts depend on: models, profiles, panes and time rules. Twelve hexadecimal digits."""
        parts = [
            f"{m.name!r} {version!r} {reference.profile.fingerprint} {m.windows.grid}"
            f"{'' if reference.since is None else f' since {reference.since}'}"
            + "".join(f" by {found.name!r}" for found in m.segmentations(reference.profile))
            + "".join(f" in {name}" for name in calendars(reference.profile))
            for m in self.models
            for version in m.versions
            for reference in m.references(version)
        ]
        kafka = self.kafka
        limits = [f"block {kafka.block}", f"panes {kafka.panes}", f"event {kafka.event}"]
        text = "\n".join([*sorted(parts), f"max_future {self.clock.max_future}", *limits])
        return hashlib.sha256(text.encode()).hexdigest()[:12]
