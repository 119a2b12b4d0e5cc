"""What an alert is, and what a deployment may set. Plain data: `rules.py` fills it, `render.py` writes it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Settings:
    """What differs between deployments. Durations are Prometheus's."""

    job: str = "driftline"  # the scrape job of the workers
    grafana: str = "http://localhost:3000"
    runbooks: str = "http://localhost:9090/consoles"  # docker-compose.yml lets Prometheus serve docs/runbooks there
    hold: str = "1h"  # how long a window's gauges count after their worker was last scraped
    settle: str = "5m"  # how long the drift alert outlives its episode, so that what it inhibits ends before it does
    min_events: int = 200  # a window with fewer says nothing about shares
    excess: float = 0.05  # share of missing, invalid or unseen values above the reference's that is worth a message
    missed_windows: int = 3  # so many windows without data are too many


@dataclass(frozen=True)
class Alert:
    """One rule. Rules that share a name have a `reason`, which becomes a label and keeps them apart.

    `evidence` is appended to the description in Prometheus only: it asks for more series, which Grafana's templates
    cannot.
    """

    name: str
    severity: Severity
    expr: str
    summary: str
    description: str
    dashboard: str
    reason: str | None = None
    for_: str | None = None
    keep_firing_for: str | None = None
    evidence: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """Static labels: nothing that changes while the alert fires, or it would become another alert."""
        return {"severity": self.severity} | ({"reason": self.reason} if self.reason else {})

    @property
    def title(self) -> str:
        """Name and reason: unique."""
        return f"{self.name} ({self.reason})" if self.reason else self.name
