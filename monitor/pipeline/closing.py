"""What is said of a window: its result, in revisions, and the opening and closing of the episode that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from monitor.drift import episodes, summaries
from monitor.drift.bins import Counts
from monitor.drift.episodes import RECOVERY, Episode
from monitor.drift.verdicts import Verdict
from monitor.logs.contract import PaneKey, Target
from monitor.pipeline import judging, trails
from monitor.pipeline.compare import Comparison
from monitor.pipeline.envelopes import pack, unpack
from monitor.pipeline.explain import Explainer
from monitor.pipeline.judging import WHOLE, Judged
from monitor.pipeline.others import compared
from monitor.pipeline.results import EpisodeEvent, Result, bare, rfc3339, series_id
from monitor.pipeline.state import Filling, Published, Series, SeriesKey, State
from monitor.pipeline.trails import Trace


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

    def publish(self, windows: Iterable[tuple[SeriesKey, int]]) -> Iterator[Result | EpisodeEvent]:
        """What is new of these windows, named by the key of all events and their start, in their order.

        That is the results of all events and of segments, and what they mean for the episode; also those of the windows
        that have a changed one in their trail, for they may say something else by it.
        """
        changed = {window for window in windows if self._changed(*window)}
        followers = {(key, after) for key, start in changed for after in self._after(key, start)}
        for key, start in sorted(changed | followers):
            target = self._targets[key[:3]]
            panes = target.windows.panes_in(start)
            held = {name: self._sum(key._replace(segment=name), panes) for name in _names(target)}
            yield from self._publish(key, start, target.windows.end(start), held)

    def _changed(self, key: SeriesKey, start: int) -> bool:
        """Whether a window has other events than it was last said to have."""
        target = self._targets[key[:3]]
        counts = self._sum(key, target.windows.panes_in(start))
        return summaries.events(target.profile, counts) != self._said(key, start)

    def _after(self, key: SeriesKey, start: int) -> Iterator[int]:
        return trails.after(self._state.series[key].trail, self._targets[key[:3]].windows.end(start))

    def fill(self, key: SeriesKey, pane: int) -> Iterator[Result | EpisodeEvent]:
        """Put a final slice into the window by count that is being filled; its results where it has events enough."""
        target, series = self._targets[key[:3]], self._state.series[key]
        if series.filling is None and target.since is not None:
            yield from self._left_over(key, target.since)
        start, end = (series.filling or Filling(pane)).start, target.windows.end(pane)
        held = {name: self._filled(key._replace(segment=name), pane) for name in _names(target)}
        if summaries.events(target.profile, held[WHOLE]) < (target.windows.events or 1):
            for name, counts in held.items():
                if name == WHOLE or counts.any():
                    self._series(key, name).filling = Filling(start, pack(counts), end)
            return
        yield from self._publish(key, start, end, held)
        self._begin(key, start, end)

    def _left_over(self, key: SeriesKey, since: int) -> Iterator[Result | EpisodeEvent]:
        """What has filled no window on the references before this one, which will have no more events."""
        for name, earlier in self._targets.items():
            before = SeriesKey(*name, key.segment)
            series = self._state.series.get(before)
            if name[:2] != key[:2] or earlier.until is None or earlier.until > since or series is None:
                continue
            if series.filling is not None and series.filling.packed:
                start, end = series.filling.start, max(series.filling.end, earlier.until)  # later: told too late of it
                held = {name: self._filled(before._replace(segment=name), None) for name in _names(earlier)}
                yield from self._publish(before, start, end, held)
                self._begin(before, start, end)

    def _begin(self, key: SeriesKey, start: int, end: int) -> None:
        """Begin another window by count at `end`, after the one from `start`."""
        for name in _names(self._targets[key[:3]]):
            series = self._state.series.get(key._replace(segment=name))
            if series is not None:
                series.published.pop(start, None)
                series.filling = Filling(end)
                trails.forget(series.trail, end)

    def _publish(
        self, key: SeriesKey, start: int, end: int, held: Mapping[str, Counts]
    ) -> Iterator[Result | EpisodeEvent]:
        """held: the window's counts by segment."""
        target, series, was = self._targets[key[:3]], self._state.series[key], self._state.series[key].episode
        events = {name: summaries.events(target.profile, counts) for name, counts in held.items()}
        said = {name: self._said(key._replace(segment=name), start) for name in held}
        shown = {name: counts for name, counts in held.items() if events[name] or said[name]}
        before = {name: trails.before(self._series(key, name).trail, start) for name in shown}
        judged = judging.judge(self._comparisons[key[:3]], shown, start, before)
        if trails.followed(target.windows):
            for name, one in judged.items():
                self._series(key, name).trail[start] = Trace(end, pack(one.sums))
        verdict = judging.verdict(judged)
        series.episode = self._followed(key, (start, end), verdict, judging.drifted(judged))
        # Without new events of its own the window is told again for its trail's sake, with every segment.
        again = events[WHOLE] == said[WHOLE]
        made = [
            self._result(key, name, (start, end), judged, held[name])
            for name in judged
            if again or events[name] != said[name]
        ]
        yield from made
        yield from _transition(key, was, series.episode, bare(made[0]))

    def _result(
        self, key: SeriesKey, name: str, window: tuple[int, int], judged: Mapping[str, Judged], counts: Counts
    ) -> Result:
        """The next revision of what is said of a segment's window; it is noted as published."""
        target, own, (start, end) = self._targets[key[:3]], self._series(key, name), window
        verdict = judged[name].verdict if name else judging.verdict(judged)
        events = summaries.events(target.profile, counts)
        known = own.published.get(start)
        late = bool(name) and self._state.series[key].published[start].revision > 0  # a segment that late events begin
        now = known.again(events, verdict) if known else Published(0, events, 0 if late else events, verdict)
        own.published[start] = now
        episode = self._state.series[key].episode
        open_ = episode if episode and not episode.closed else None
        segments = {segment: values for found in target.segmentations for segment, values in found.segments.items()}
        result = Result(
            id=f"{_name(key._replace(segment=name))}/{rfc3339(start)}/{rfc3339(end)}/{now.revision}",
            model=key.model,
            version=key.version,
            segment=dict(segments[name]) if name else None,
            start=start,
            end=end,
            revision=now.revision,
            final=self._state.passed(target.windows.retires(start)),
            events=events,
            late=events - now.first_events,
            verdict=verdict,
            columns=judged[name].columns,
            reference=target.profile.fingerprint,
            episode=_episode_id(key, open_) if open_ else None,
            worst=open_.worst if open_ else None,
            groups=self._explainers[key[:3]].groups(judged[name].columns, open_),
            segments=None if name else judging.summed_up(judged, segments),
            compared={} if name else compared(self._others.get(key[:3], {}), counts, start),
        )
        if own.last is None or start >= own.last.start:
            own.last = bare(result)
        return result

    def _followed(
        self, key: SeriesKey, window: tuple[int, int], verdict: Verdict, drifted: Mapping[str, float | None]
    ) -> Episode | None:
        """The episode after this verdict on a window; `published` has yet what was said of the window before."""
        series, (start, end) = self._state.series[key], window
        before = series.published.get(start)
        return episodes.follow(
            series.episode,
            verdict,
            start=start,
            end=end,
            drifted=drifted,
            said=before.verdict if before else "undecided",
            later=(known.verdict for other, known in series.published.items() if other > start),
            recovery=self._recovery.get(key.model, RECOVERY),
        )

    def _said(self, key: SeriesKey, start: int) -> int:
        """The events that a window was last said to have."""
        series = self._state.series.get(key)
        known = series.published.get(start) if series else None
        return known.events if known else 0

    def _series(self, key: SeriesKey, segment: str) -> Series:
        return self._state.series.setdefault(key._replace(segment=segment), Series())

    def _sum(self, key: SeriesKey, panes: Iterable[int]) -> Counts:
        """The sum of a series' panes."""
        counts = summaries.empty(self._targets[key[:3]].profile)
        for pane in panes:
            part = self._state.panes.get(PaneKey(*key, pane))
            if part is not None:
                counts = summaries.merge(counts, part)
        return counts

    def _filled(self, key: SeriesKey, pane: int | None) -> Counts:
        """What a window by count holds so far, with another slice."""
        series = self._state.series.get(key)
        counts = self._sum(key, () if pane is None else (pane,))
        filling = series.filling if series else None
        return summaries.merge(counts, unpack(filling.packed)) if filling and filling.packed else counts


def _names(target: Target) -> tuple[str, ...]:
    """The series of a target's windows: all events first."""
    return (WHOLE, *target.segments)


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
