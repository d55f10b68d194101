"""Votes and expected votes over time of the polls that have a case. Pure; bounded however long the recording is.

Which polls will have a case is known only when it opens, so the last RECENT_ROWS windows of all polls are remembered
(about 10 MB); of a poll with a case everything after, in at most MOST_POINTS points. At most MOST_POLLS such polls.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from detectors.counted import ScoredWindows

RECENT_ROWS = 200_000
MOST_POINTS = 240
MOST_POLLS = 200


@dataclass(slots=True)
class Point:
    """Votes and expected votes of one span of time."""

    votes: float = 0.0
    expected: float = 0.0


class Timeline:
    """Point number k speaks of [k, k + 1) * `span_ms`; a number without a point had no votes and none expected."""

    def __init__(self, window_ms: int) -> None:
        self.span_ms = window_ms
        self._points: dict[int, Point] = {}
        self._first = 0

    def add(self, start_ms: int, votes: float, expected: float) -> None:
        """Add a window, in order of time; beyond MOST_POINTS points every two become one."""
        number = start_ms // self.span_ms
        if not self._points:
            self._first = number
        self._at(number, votes, expected)
        while start_ms // self.span_ms - self._first >= MOST_POINTS:
            finer, self._points, self.span_ms = self._points, {}, 2 * self.span_ms
            self._first //= 2
            for number, point in finer.items():
                self._at(number // 2, point.votes, point.expected)

    def filled(self) -> list[tuple[int, Point]]:
        """Return (start in ms, point) from the first to the last, silent ones too."""
        if not self._points:
            return []
        numbers = range(self._first, max(self._points) + 1)
        return [(number * self.span_ms, self._points.get(number, Point())) for number in numbers]

    def _at(self, number: int, votes: float, expected: float) -> None:
        point = self._points.get(number)
        if point is None:
            self._points[number] = Point(votes, expected)
        else:
            point.votes += votes
            point.expected += expected


class Timelines:
    """The timelines of polls with a case; `window_ms` is the length of the detector's windows."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._recent: deque[ScoredWindows] = deque()
        self._recent_rows = 0
        self._followed: dict[str, Timeline] = {}

    def add(self, windows: ScoredWindows) -> None:
        """Take the next closed windows of some polls."""
        self._draw(windows, self._followed)
        self._recent.append(windows)
        self._recent_rows += len(windows.poll_ids)
        while self._recent_rows > RECENT_ROWS:
            self._recent_rows -= len(self._recent.popleft().poll_ids)

    def follow(self, poll_id: str) -> None:
        """Begin to keep the windows of a poll, with what is still known of the past."""
        if poll_id in self._followed or len(self._followed) >= MOST_POLLS:
            return
        self._followed[poll_id] = Timeline(self._window_ms)
        for windows in self._recent:
            if poll_id in windows.poll_ids:
                self._draw(windows, {poll_id: self._followed[poll_id]})

    def of(self, poll_id: str) -> Timeline | None:
        """Return a poll's timeline, or None when it was not followed."""
        return self._followed.get(poll_id)

    def _draw(self, windows: ScoredWindows, into: dict[str, Timeline]) -> None:
        if not into:
            return
        columns = (windows.start_ms.tolist(), windows.votes.tolist(), windows.expected.tolist())
        for poll_id, start_ms, votes, expected in zip(windows.poll_ids, *columns, strict=True):
            if poll_id in into:
                into[poll_id].add(start_ms, votes, expected)
