"""`driftline check`: everything that is wrong with a configuration at once, and what will be regretted later.

Mistakes keep a worker from starting; warnings say where its verdicts will be weak or its doors open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from monitor import topics
from monitor.addresses import is_loopback
from monitor.config import DAY, Config, Model, Webhook
from monitor.documents import read_text
from monitor.drift.bins import MISSING
from monitor.drift.profiles import Profile
from monitor.drift.stretches import judged_by
from monitor.errors import DriftlineError, OutsideError
from monitor.settings import examine
from monitor.settings_windows import format_length
from monitor.sufficiency import lacking

FEW = 1_000  # reference events below which sampling noise hides most shifts
WEEK = 7 * DAY


@dataclass(slots=True)
class Report:
    """What was found: `mistakes` in the configuration, `outside` where something else is wrong, and `warnings`."""

    mistakes: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 for a worker that can start, 2 for mistakes, 3 for what is wrong outside."""
        return 2 if self.mistakes else 3 if self.outside else 0


def check(path: Path, *, offline: bool = False, deadline: float = 10.0) -> Report:
    """Check a configuration file, its references and, unless `offline`, Kafka within `deadline` seconds."""
    report = Report()
    try:
        config, report.mistakes = examine(read_text(path), path)
    except DriftlineError as error:
        report.mistakes.append(str(error))
        return report
    report.warnings = list(warnings(config))
    if not offline and not any(mistake.startswith("kafka") for mistake in report.mistakes):
        try:
            report.outside = topics.check(config, deadline=deadline)
        except OutsideError as error:
            report.outside.append(str(error))
    return report


def warnings(config: Config) -> Iterator[str]:
    """What works, but not as well or as safely as its owner may think."""
    for i, model in enumerate(config.models):
        sparse = _sparse(model)  # where nothing is decided, it matters little what is lost
        yield from (f"models[{i}].window: {text}" for text in ([sparse] if sparse else _slices(config, model)))
        for version in model.versions:
            several = len(references := model.references(version)) > 1
            for j, reference in enumerate(references):
                place = f"models[{i}].versions.{version}{f'[{j}]' if several else ''}"
                yield from (f"{place}: {text}" for text in _reference(model, reference.profile))
                for name, profile in reference.compare.items():
                    yield from (f"{place}.compare.{name}: {text}" for text in _reference(model, profile))
    server = config.server
    if not is_loopback(server.host) and (server.token is None or server.tls is None):
        open_to = "anybody can read the metrics" if server.token is None else "anybody on the way can read along"
        yield f"server.host: {server.host} is beyond loopback, and {open_to}; guard the network"
    for i, webhook in enumerate(config.triggers):
        yield from (f"triggers[{i}]: {text}" for text in _webhook(webhook))


def _reference(model: Model, profile: Profile) -> Iterator[str]:
    if (wanted := model.windows.events) is not None and wanted > profile.events / 2:
        yield f"a window of {wanted:,} events is larger than half of the reference ({profile.events:,}); take fewer"
    if wanted is not None and wanted < model.min_events:
        yield f"a window of {wanted:,} events may have fewer than min_events ({model.min_events:,}) and stay undecided"
    if profile.events < FEW:
        yield f"the reference has only {profile.events:,} events; with fewer than {FEW:,}, only large shifts are found"
    for column in profile.columns:
        if not column.counts[:MISSING].any():
            yield f"column {column.name!r} has no usable value in the reference and stays undecided; leave it out"
    if profile.start is None or profile.end is None:
        yield "the reference has no times, so how much it moves by itself is unknown; build it with --time"
        return
    span, size = profile.end - profile.start, model.windows.size
    if size > span / 2 and model.windows.events is None:
        yield (
            f"a window of {format_length(size)} is larger than half of the reference ({_days(span)}); "
            "take smaller windows or a longer reference"
        )
    elif profile.chunks is not None:
        lacks = lacking(profile, judged_by(model.windows, profile.chunks))
        yield from (f"the reference: {text}" for text in lacks)
    if profile.chunks is None:
        yield "the reference has no chunks, so how much it moves by itself is unknown; build it again with --time"
    if span < WEEK:
        yield f"the reference covers {_days(span)} and has never seen a whole week; weekends may look like drift"


def _sparse(model: Model) -> str | None:
    """Whether windows have events enough, at the rates of the references."""
    events = max(map(_rate, model.versions.values()), default=0.0) * model.windows.size
    if model.windows.events is not None or not 0 < events < model.min_events:
        return None
    size, least = format_length(model.windows.size), model.min_events
    return (
        f"at the rate of the references {size} bring {math.floor(events):,} events, fewer than min_events ({least:,}), "
        "so windows would stay undecided; take larger ones, or a smaller min_events"
    )


def _slices(config: Config, model: Model) -> Iterator[str]:
    """Whether a block of the log would span more slices of event time than it may have, at the references' rates."""
    rates = [max(map(_rate, other.versions.values()), default=0.0) for other in config.models]
    own = max(map(_rate, model.versions.values()), default=0.0)
    parts = max((len(model.segmentations(profile)) for profile in model.versions.values()), default=0)
    windows, most = model.windows, config.kafka.panes // (1 + parts)
    if not own or config.kafka.block / sum(rates) <= most * windows.pane:
        return
    slices = math.ceil(config.kafka.block / (sum(rates) * windows.pane))
    yield (
        f"at the rate of the references a block of {config.kafka.block:,} records spans {slices:,} times "
        f"{format_length(windows.pane)}, and events beyond {most:,} of them go to the dead letters (too_many_panes); "
        f"raise kafka.panes to {slices * (1 + parts):,} at least, or lower kafka.block; "
        "several partitions need as many times more"
    )


def _rate(profile: Profile) -> float:
    """Events per millisecond."""
    span = (profile.end or 0) - (profile.start or 0)
    return profile.events / span if span > 0 else 0.0


def _webhook(webhook: Webhook) -> Iterator[str]:
    if not webhook.url:
        return
    parts = urlsplit(webhook.url)
    if webhook.secret is None:
        yield "calls are not signed; name a secret with secret_file or secret_env"
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield "calls go over http, where anybody on the way can read the evidence; use https"


def _days(span: int) -> str:
    return f"{span / DAY:.1f} days"
