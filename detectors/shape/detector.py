"""The shape of a surge in time: votes that come more evenly than people can. The file to read first of `shape_*`.

Rows wait for their tick (shape_rows); in each tick, spans that ended are halved and judged (shape_halves), what that
says is added up by series (shape_walk), and above the budget's height an episode begins (shape_clock). Ends of frames
tell how episodes go on, and what the poll brings by itself (shape_level). State: about 2 KB a poll, and 32 bytes for
each vote of the last 64 s: 22 MB for 10,000 polls with 1,000 votes a second.
"""

from __future__ import annotations

from dataclasses import asdict
from math import exp
from typing import Any

import numpy as np

from detectors.columns import Floats, Int32s, Int64s, int64s
from detectors.erasure import Erasure
from detectors.findings import Phase
from detectors.shape.among import Spread, began_ms, measure
from detectors.shape.clock import Clock, estimate, evenness, sighting, surged_frames
from detectors.shape.course import course_sighting
from detectors.shape.frames import frame_votes, votes_between
from detectors.shape.halves import NATS, Steps, steps
from detectors.shape.level import RECENT_FRAMES, Levels, Usual
from detectors.shape.params import FRAME_MS, SLOTS, TICK_MS, ShapeParams
from detectors.shape.past import Pasts
from detectors.shape.rows import RecentRows
from detectors.shape.surge import Surges
from detectors.shape.walk import Heights, Walks
from detectors.watcher import Ballots, Sighting

__all__ = ["Shape", "ShapeParams"]

_FRAME_TICKS = FRAME_MS // TICK_MS
_LONGEST_TICKS = 4_096
_STILL_GAINS = 0.5
_OPTION_SHARE = 0.6
_EARLIEST_FRAMES = RECENT_FRAMES - 4
_SHOWN_MS = 2 * FRAME_MS
_KNOWN_MS = 24_000


class Shape:
    """Watches the rhythm of one shard's polls. How its calls are cut changes nothing."""

    def __init__(self, params: ShapeParams) -> None:
        self.params = params
        self._height = params.height
        self._rows = RecentRows()
        self._walks = Walks()
        self._levels = Levels()
        self._surges = Surges()
        self._pasts = Pasts()
        self._clocks: dict[int, Clock] = {}
        self._tick = -1

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """Take all rows before `until_ms` that were not given before; return what was seen, in order of `at_ms`."""
        if len(ballots):
            self._rows.add(ballots, self._tick * TICK_MS)
        if self._tick < 0:
            first_ms = self._rows.first_ms()
            if first_ms is None:
                return []
            self._tick = first_ms // TICK_MS
        seen: list[Sighting] = []
        while self._tick < until_ms // TICK_MS:
            self._pass_silence(until_ms)
            self._pass(until_ms // TICK_MS, seen)
        return seen

    def skip(self, _from_ms: int, until_ms: int) -> list[Sighting]:
        """See `detectors.watcher.Watcher.skip`: what goes on is let go, and watched again from the next whole frame on.

        Else a surge would seem to be switched off and on, and a poll's votes to come unevenly. What is usual stays known.
        """
        if self._tick >= 0:
            self._tick = max(self._tick, -(-until_ms // FRAME_MS) * _FRAME_TICKS)
        self._rows.drop_all()
        self._walks.begin_anew(slice(None))
        self._levels.pass_over(slice(None))
        self._surges.end_all()
        self._pasts.break_off()
        self._clocks = {}
        return []

    def _pass_silence(self, until_ms: int) -> None:
        """Go on to the frame of the next vote where a frame without votes changes nothing: there may be years of them."""
        if self._clocks or len(self._surges):
            return
        first_ms = self._rows.first_ms()
        next_ms = until_ms if first_ms is None else min(first_ms, until_ms)
        tick = next_ms // FRAME_MS * _FRAME_TICKS
        if tick > self._tick + _FRAME_TICKS and self._levels.settled():
            self._tick = tick

    def _pass(self, to_tick: int, seen: list[Sighting]) -> None:
        """Go on to `to_tick`; only to the end of the frame while an episode is open, or in which one begins."""
        from_tick = self._tick
        frame_end = _frame_end(from_tick)
        to_tick = min(to_tick, frame_end if self._clocks else from_tick + _LONGEST_TICKS)
        base_ms = (frame_end - _FRAME_TICKS) * TICK_MS
        keys = self._rows.keys(base_ms, to_tick * TICK_MS)
        self._grow()
        found = steps(keys, base_ms, from_tick, to_tick)
        ahead = self._walks.ahead(found)
        score = ahead.height.max(axis=1, initial=0) / NATS / self._height
        opening = (score > 1) & ~np.isin(found.series // SLOTS, list(self._clocks))
        if opening.any():
            to_tick = min(to_tick, _frame_end(int(found.tick[opening].min())))
        now = found.tick < to_tick
        found, ahead, score, opening = found.take(now), ahead.take(now), score[now], opening[now]
        self._walks.go(found, ahead)
        self._learn(keys, base_ms, base_ms // FRAME_MS, (to_tick - 1) // _FRAME_TICKS, seen)
        for entry in np.flatnonzero(opening)[np.argsort(found.tick[opening], kind="stable")].tolist():
            self._open(found, ahead, score, entry, keys, base_ms, seen)
        if to_tick % _FRAME_TICKS == 0:
            self._end_frame(to_tick, keys, base_ms, seen)
            self._learn(keys, base_ms, to_tick // _FRAME_TICKS - 1, to_tick // _FRAME_TICKS, seen)
        self._rows.drop(to_tick * TICK_MS - _SHOWN_MS)
        self._tick = to_tick

    def _grow(self) -> None:
        series = self._rows.most_polls() * SLOTS
        if series > len(self._levels.votes):
            # by half more, so that new polls do not copy everything each time
            series += series // 2 // SLOTS * SLOTS
            self._walks.grow(series)
            self._levels.grow(series)
            self._pasts.grow(series // SLOTS)

    def _learn(self, keys: Int64s, base_ms: int, from_frame: int, to_frame: int, seen: list[Sighting]) -> None:
        """Let levels learn frames [from_frame, to_frame), whose votes are among the keys."""
        if to_frame <= from_frame:
            return
        votes = frame_votes(keys, base_ms, from_frame, to_frame)
        whole = votes.of_polls()
        poll, past = whole.series // SLOTS, self._pasts.look_at(whole, keys, base_ms)
        each = zip(votes.each(from_frame, to_frame), whole.each(from_frame, to_frame), strict=True)
        for frame, (cells, polls) in enumerate(each, from_frame):
            of = poll[polls]
            self._watch_surges(frame, of, whole.votes[polls], seen)
            self._pasts.learn(of, past.pairs[polls], past.variation[polls])
            self._levels.learn(frame, votes.series[cells], votes.votes[cells], of)
        if self._clocks:
            self._levels.pass_over(_series_of(np.array(list(self._clocks))))

    def _watch_surges(self, frame: int, polls: Int64s, votes: Int64s, seen: list[Sighting]) -> None:
        """Take the votes of a frame that ended, before levels learn them."""
        by_poll = dict(zip(polls.tolist(), votes.tolist(), strict=True))
        begin = self._surges.candidates(by_poll)
        if not begin and not len(self._surges):
            return
        usual = self._usual(begin, frame) if begin else {}
        for news in self._surges.pass_frame(frame, by_poll, usual):
            at_ms = (frame + 1) * FRAME_MS
            seen.append(course_sighting(news, at_ms, self._rows.arrived_ms(news.surge.poll, at_ms)))

    def _usual(self, polls: list[int], frame: int) -> dict[int, tuple[float, float]]:
        """Return how many votes each of these polls had a frame before this one, and in how many frames."""
        usual = self._levels.before(int64s(polls) * SLOTS, frame, frame)
        return dict(zip(polls, zip(usual.per_frame.tolist(), usual.frames.tolist(), strict=True), strict=True))

    def _open(
        self, found: Steps, ahead: Heights, score: Floats, entry: int, keys: Int64s, base_ms: int, seen: list[Sighting]
    ) -> None:
        poll, tick = int(found.series[entry]) // SLOTS, int(found.tick[entry])
        if poll in self._clocks or not self._pasts.is_uneven(poll):
            return
        same = np.flatnonzero((found.tick == tick) & (found.series // SLOTS == poll))
        entry = int(same[_clearest(found.series[same] % SLOTS, ahead.height[same].max(axis=1))])
        profile = int(np.argmax(ahead.height[entry]))
        frame, series = tick // _FRAME_TICKS, _series_of(np.array([poll]))
        since = int(ahead.since[entry, profile])
        start = max(since // _FRAME_TICKS - 1, frame - _EARLIEST_FRAMES)
        usual = self._levels.before(series, start, frame)
        before = self._levels.last(series, frame, RECENT_FRAMES)
        votes = np.maximum(before[:, RECENT_FRAMES - (frame - start) :], 0).sum(axis=1)
        of = Clock(
            poll=poll,
            slot=int(found.series[entry]) % SLOTS,
            start_tick=since,
            start_frame=start,
            end_ms=(tick + 1) * TICK_MS,
            votes=votes.tolist(),
            usual_votes=usual.votes.tolist(),
            usual_frames=usual.frames.tolist(),
            height=float(ahead.height[entry].max()) / NATS,
            score=float(score[same].max()),
            frames=frame - start,
        )
        self._clocks[poll] = of
        self._look_back(of, before[of.slot], float(usual.per_frame[of.slot]))
        spread = self._spread(of, of.measured_ms, of.end_ms)
        of.spread.add(self._spread(of, of.measured_ms, frame * FRAME_MS))
        so_far = votes + votes_between(keys, series, frame * FRAME_MS - base_ms, of.end_ms - base_ms)
        seen.append(self._say(of, so_far, spread, of.end_ms / FRAME_MS - start, "opened", of.end_ms))

    def _end_frame(self, tick: int, keys: Int64s, base_ms: int, seen: list[Sighting]) -> None:
        """Tell how the open episodes stand at the end of a frame."""
        end_ms = tick * TICK_MS
        for poll, of in sorted(self._clocks.items()):
            series = _series_of(np.array([poll]))
            votes = votes_between(keys, series, end_ms - FRAME_MS - base_ms, end_ms - base_ms)
            heights = self._walks.height[series].max(axis=1) / NATS
            height, of.score = float(heights[of.slot]), max(of.score, float(heights.max()) / self._height)
            ticking = height > of.height + _STILL_GAINS and of.holds(int(votes[of.slot]))
            of.pass_frame(votes, self._spread(of, end_ms - FRAME_MS, end_ms), ticking, end_ms)
            of.height = height
            if ticking:
                seen.append(self._say(of, np.array(of.votes), of.spread, of.frames, "update", end_ms))
            elif len(of.quiet) >= self.params.calm_frames:
                seen.append(self._say(of, np.array(of.votes), of.spread, of.frames, "calm", end_ms))
                del self._clocks[poll]
                self._walks.begin_anew(series)

    def _look_back(self, of: Clock, before: Int32s, usually: float) -> None:
        """Find since when the votes of an episode that opens can be measured, and what of it cannot be."""
        since_ms, kept_ms = of.start_tick * TICK_MS, of.end_ms - _SHOWN_MS
        times_ms = self._rows.times(of.poll * SLOTS + of.slot, kept_ms, of.end_ms)
        known_ms = since_ms if since_ms >= kept_ms else of.end_ms - _KNOWN_MS
        of.measured_ms = began_ms(times_ms, kept_ms, known_ms, of.end_ms)
        of.missed_ms = max(0, kept_ms - since_ms) if of.measured_ms == kept_ms else 0
        first_ms = of.measured_ms - of.missed_ms
        earlier = len(before) - (of.end_ms - 1) // FRAME_MS + first_ms // FRAME_MS
        now = len(times_ms[times_ms >= of.measured_ms]) * FRAME_MS / (of.end_ms - of.measured_ms)
        surged = surged_frames(before[: max(0, earlier)], usually, now)
        of.surged = surged > 0
        if of.surged and of.measured_ms == kept_ms:
            of.unseen_ms = first_ms - (first_ms // FRAME_MS - surged) * FRAME_MS

    def _spread(self, of: Clock, from_ms: int, until_ms: int) -> Spread:
        from_ms = min(max(from_ms, of.measured_ms), until_ms)
        return measure(self._rows.times(of.poll * SLOTS + of.slot, from_ms, until_ms), from_ms, until_ms)

    def _say(self, of: Clock, votes: Int64s, spread: Spread, frames: float, phase: Phase, at_ms: int) -> Sighting:
        usual = Usual(np.array(of.usual_votes), np.array(of.usual_frames))
        now = estimate(votes.astype(np.float64), usual, frames, of, spread)
        if phase == "calm":
            return sighting(of, now, phase, at_ms, 0.0, 1.0, 0)
        beyond = max(0.0, of.score - 1) * self._height
        p_value = self.params.false_alarms_per_poll_day * exp(-beyond)
        from_ms = max(of.start_tick * TICK_MS, at_ms - _SHOWN_MS)
        times_ms = self._rows.times(of.poll * SLOTS + of.slot, from_ms, at_ms)
        of.evenness = min(of.evenness, evenness(times_ms, from_ms, at_ms))
        arrived_ms = self._rows.arrived_ms(of.poll, at_ms)
        return sighting(of, now, phase, at_ms, of.score, p_value, arrived_ms)

    def forget(self, polls: Int64s) -> None:
        """Forget these polls' numbers: they left memory, and others will get their numbers."""
        series = _series_of(polls)
        series = series[series < len(self._levels.votes)]
        self._walks.begin_anew(series)
        self._levels.forget(series)
        self._surges.forget(polls)
        self._pasts.forget(polls[polls < len(self._levels.votes) // SLOTS])
        self._rows.forget(polls)
        for poll in polls.tolist():
            self._clocks.pop(poll, None)

    def erase(self, _erasure: Erasure) -> None:
        """Forget nothing: who voted is not known here."""

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data, columns as bytes."""
        return {
            "tick": self._tick,
            "rows": self._rows.snapshot(),
            "walks": self._walks.snapshot(),
            "levels": self._levels.snapshot(),
            "surges": self._surges.snapshot(),
            "pasts": self._pasts.snapshot(),
            "clocks": [asdict(clock) for clock in self._clocks.values()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._tick = state["tick"]
        self._rows.restore(state["rows"])
        self._walks.restore(state["walks"])
        self._levels.restore(state["levels"])
        self._surges.restore(state["surges"])
        self._pasts.restore(state["pasts"])
        self._clocks = {clock["poll"]: Clock.restored(clock) for clock in state["clocks"]}


def _clearest(slot: Int64s, height: Int64s) -> int:
    """Return which entry shows a clock best: an option rather than the poll, unless it shows much less of it."""
    in_option = np.where(slot > 0, height / _OPTION_SHARE, height)
    return int(np.argmax(in_option))


def _frame_end(tick: int) -> int:
    return (tick // _FRAME_TICKS + 1) * _FRAME_TICKS


def _series_of(polls: Int64s) -> Int64s:
    series: Int64s = (polls[:, None] * SLOTS + np.arange(SLOTS)).ravel()
    return series
