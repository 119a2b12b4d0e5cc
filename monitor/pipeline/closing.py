"""What is said of a window: its result, in revisions, and the opening and closing of the episode that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from monitor.drift import summaries, verdicts
from monitor.drift.bins import Counts
from monitor.logs.contract import PaneKey, Target
from monitor.pipeline.compare import Comparison
from monitor.pipeline.results import EpisodeEvent, Result, bare, rfc3339, series_id
from monitor.pipeline.state import Published, Series, SeriesKey, State


class Closing:
    """Publishes windows of the state's panes. `targets` and `comparisons` are keyed by (model, version, reference)."""

    def __init__(
        self,
        targets: Mapping[tuple[str, str, str], Target],
        comparisons: Mapping[tuple[str, str, str], Comparison],
        state: State,
    ) -> None:
        self._targets, self._comparisons, self._state = targets, comparisons, state

    def publish(self, key: SeriesKey, start: int) -> Iterator[Result | EpisodeEvent]:
        """The window's result and what it means for the episode; nothing where it would say the same again."""
        target, series = self._targets[key[:3]], self._state.series[key]
        counts = self._window(key, target, start)
        events = summaries.events(target.profile, counts)
        before = series.published.get(start)
        if events == (before.events if before is not None else 0):
            return
        now = Published(before.revision + 1, events, before.first_events) if before else Published(0, events, events)
        verdict, columns = self._comparisons[key[:3]](counts, start)
        end = start + target.windows.size
        drifted = [name for name, column in columns.items() if column.verdict == "drift"]
        was = series.episode
        series.episode = verdicts.follow(was, verdict, start=start, end=end, revision=now.revision, drifted=drifted)
        series.published[start] = now
        result = Result(
            id=f"{_name(key)}/{rfc3339(start)}/{rfc3339(end)}/{now.revision}",
            model=key.model,
            version=key.version,
            segment=None,
            start=start,
            end=end,
            revision=now.revision,
            final=self._state.passed(target.windows.retires(start)),
            events=events,
            late=events - now.first_events,
            verdict=verdict,
            columns=columns,
            reference=target.profile.fingerprint,
            episode=_open_episode(key, series),
        )
        if series.last is None or start >= series.last.start:
            series.last = bare(result)
        yield result
        yield from _transition(key, was, series.episode, bare(result))

    def _window(self, key: SeriesKey, target: Target, start: int) -> Counts:
        """The sum of the window's panes."""
        counts = summaries.empty(target.profile)
        for pane in target.windows.panes_in(start):
            part = self._state.panes.get(PaneKey(*key, pane))
            if part is not None:
                counts = summaries.merge(counts, part)
        return counts


def _transition(
    key: SeriesKey, was: verdicts.Episode | None, now: verdicts.Episode | None, result: Result
) -> Iterator[EpisodeEvent]:
    """The event where an episode opened or closed with this result."""
    if now is None:
        return
    opened = not now.closed and (was is None or was.closed)
    closed = now.closed and was is not None and not was.closed
    if opened or closed:
        kind: Literal["opened", "closed"] = "opened" if opened else "closed"
        yield EpisodeEvent(
            kind, _episode_id(key, now), key.model, key.version, None, now.start, now.end, now.columns, result
        )


def _open_episode(key: SeriesKey, series: Series) -> str | None:
    return _episode_id(key, series.episode) if series.episode and not series.episode.closed else None


def _episode_id(key: SeriesKey, episode: verdicts.Episode) -> str:
    return f"{_name(key)}/{rfc3339(episode.start)}"


def _name(key: SeriesKey) -> str:
    # The fingerprint alone: when a reference returns later, its windows begin later.
    return series_id(key.model, key.version, key.segment, key.profile.partition("@")[0])
