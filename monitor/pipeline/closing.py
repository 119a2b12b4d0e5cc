"""What is said of a window: its result, in revisions, and the opening and closing of the episode that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from monitor.drift import episodes, summaries
from monitor.drift.bins import Counts
from monitor.drift.episodes import RECOVERY, Episode
from monitor.drift.verdicts import Verdict
from monitor.logs.contract import PaneKey, Target
from monitor.pipeline.compare import Comparison
from monitor.pipeline.envelopes import pack, unpack
from monitor.pipeline.explain import Explainer
from monitor.pipeline.others import compared
from monitor.pipeline.results import ColumnResult, EpisodeEvent, Result, bare, ranked, rfc3339, series_id
from monitor.pipeline.state import Filling, Published, SeriesKey, State


class Closing:
    """Publishes windows of the state's panes. `targets` and `comparisons` are keyed by (model, version, reference).

    recovery: by model, the windows without drift that end an episode, where they are not the usual ones. others: the
    references that are compared with beside the deciding ones, by their names.
    """

    def __init__(
        self,
        targets: Mapping[tuple[str, str, str], Target],
        comparisons: Mapping[tuple[str, str, str], Comparison],
        state: State,
        recovery: Mapping[str, int],
        others: Mapping[tuple[str, str, str], Mapping[str, Comparison]],
    ) -> None:
        self._targets, self._comparisons, self._state = targets, comparisons, state
        self._recovery, self._others = recovery, others
        self._explainers = {key: Explainer(target.profile) for key, target in targets.items()}

    def publish(self, key: SeriesKey, start: int) -> Iterator[Result | EpisodeEvent]:
        """The window's result and what it means for the episode; nothing where it would say the same again."""
        target = self._targets[key[:3]]
        yield from self._publish(key, start, target.windows.end(start), self._window(key, target, start))

    def fill(self, key: SeriesKey, pane: int) -> Iterator[Result | EpisodeEvent]:
        """Put a final slice into the window by count that is being filled; its result where it has events enough."""
        target, series = self._targets[key[:3]], self._state.series[key]
        counts, end = self._state.panes[PaneKey(*key, pane)], target.windows.end(pane)
        if series.filling is None and target.since is not None:
            yield from self._left_over(key, target.since)
        start, packed = series.filling or Filling(pane)
        if packed:
            counts = summaries.merge(counts, unpack(packed))
        if summaries.events(target.profile, counts) < (target.windows.events or 1):
            series.filling = Filling(start, pack(counts))
            return
        yield from self._publish(key, start, end, counts)
        del series.published[start]
        series.filling = Filling(end)

    def _left_over(self, key: SeriesKey, since: int) -> Iterator[Result | EpisodeEvent]:
        """What has filled no window on the references before this one, which will have no more events."""
        for name, earlier in self._targets.items():
            before = SeriesKey(*name, key.segment)
            series = self._state.series.get(before)
            if name[:2] != key[:2] or earlier.until is None or earlier.until > since or series is None:
                continue
            if series.filling is not None and series.filling.packed:
                start, packed = series.filling
                yield from self._publish(before, start, earlier.until, unpack(packed))
                del series.published[start]
                series.filling = Filling(earlier.until)

    def _publish(self, key: SeriesKey, start: int, end: int, counts: Counts) -> Iterator[Result | EpisodeEvent]:
        target, series = self._targets[key[:3]], self._state.series[key]
        events = summaries.events(target.profile, counts)
        before = series.published.get(start)
        if events == (before.events if before is not None else 0):
            return
        explainer = self._explainers[key[:3]]
        verdict, judged = self._comparisons[key[:3]](counts, start)
        columns = explainer.moved(counts, judged)
        now = before.again(events, verdict) if before else Published(0, events, events, verdict)
        was, series.episode = series.episode, self._followed(key, (start, end), verdict, columns)
        series.published[start] = now
        open_ = series.episode if series.episode and not series.episode.closed else None
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
            episode=_episode_id(key, open_) if open_ else None,
            worst=open_.worst if open_ else None,
            groups=explainer.groups(columns, open_),
            compared=compared(self._others.get(key[:3], {}), counts, start),
        )
        if series.last is None or start >= series.last.start:
            series.last = bare(result)
        yield result
        yield from _transition(key, was, series.episode, bare(result))

    def _followed(
        self, key: SeriesKey, window: tuple[int, int], verdict: Verdict, columns: Mapping[str, ColumnResult]
    ) -> Episode | None:
        """The episode after this verdict on a window; `published` has yet what was said of the window before."""
        series, (start, end) = self._state.series[key], window
        before = series.published.get(start)
        return episodes.follow(
            series.episode,
            verdict,
            start=start,
            end=end,
            drifted={name: columns[name].ratio for name in ranked(columns)},
            said=before.verdict if before else "undecided",
            later=(known.verdict for other, known in series.published.items() if other > start),
            recovery=self._recovery.get(key.model, RECOVERY),
        )

    def _window(self, key: SeriesKey, target: Target, start: int) -> Counts:
        """The sum of the window's panes."""
        counts = summaries.empty(target.profile)
        for pane in target.windows.panes_in(start):
            part = self._state.panes.get(PaneKey(*key, pane))
            if part is not None:
                counts = summaries.merge(counts, part)
        return counts


def _transition(key: SeriesKey, was: Episode | None, now: Episode | None, result: Result) -> Iterator[EpisodeEvent]:
    """The event where an episode opened or closed with this result."""
    if now is None:
        return
    opened = not now.closed and (was is None or was.closed)
    closed = now.closed and was is not None and not was.closed
    if opened or closed:
        kind: Literal["opened", "closed"] = "opened" if opened else "closed"
        name, stretch = _episode_id(key, now), (now.start, now.end)
        yield EpisodeEvent(
            kind, name, key.model, key.version, None, *stretch, now.columns, result, now.worst, now.windows
        )


def _episode_id(key: SeriesKey, episode: Episode) -> str:
    return f"{_name(key)}/{rfc3339(episode.start)}"


def _name(key: SeriesKey) -> str:
    # The fingerprint alone: when a reference returns later, its windows begin later.
    return series_id(key.model, key.version, key.segment, key.profile.partition("@")[0])
