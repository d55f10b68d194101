"""One episode per poll: it opens above 1, goes on until the score stayed below 0.7 for a while, and never repeats itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from detectors.rate.findings import RateFinding
from detectors.rate.tails import STAYS_OPEN


@dataclass
class Episode:
    """An open episode: its last finding, the score since, and how many closed windows in a row stayed below 0.7."""

    last: RateFinding
    score: float
    calm_windows: int = 0


class Episodes:
    """Open episodes by poll row. About 500 bytes each."""

    def __init__(self, window_ms: int, calm_windows: int) -> None:
        self._window_ms = window_ms
        self._calm_windows = calm_windows
        self._open: dict[int, Episode] = {}

    def __len__(self) -> int:
        return len(self._open)

    def rows(self) -> list[int]:
        """Return the poll rows with an open episode, ascending."""
        return sorted(self._open)

    def play(
        self,
        row: int,
        from_ms: int,
        closed: range,
        next_opening: Callable[[int], RateFinding | None],
        score_at_end: Callable[[int], float],
        at_end: Callable[[int], RateFinding],
    ) -> Iterator[RateFinding]:
        """Go through one poll's time from `from_ms` and its closed windows (numbers); yields what is worth saying.

        `next_opening` gives the first finding that speaks after a time and could open an episode, `at_end` that of a
        closed window, `score_at_end` its score. A window below 0.7 is only worth saying when it ends the episode.
        """
        window, after_ms = closed.start, from_ms
        while True:
            if row not in self._open:
                opening = next_opening(after_ms)
                if opening is None:
                    return
                self.open(row, opening)
                yield opening
                window = max(closed.start, (opening.at_ms - 1) // self._window_ms + (opening.kind == "slow_drip"))
            while row in self._open and window < closed.stop:
                yield from self.close_window(row, score_at_end(window), partial(at_end, window))
                window += 1
            if row in self._open:
                return
            after_ms = window * self._window_ms

    def __contains__(self, row: int) -> bool:
        return row in self._open

    def open(self, row: int, opening: RateFinding) -> None:
        """Begin an episode."""
        self._open[row] = Episode(opening, opening.score)

    def score(self, row: int) -> float:
        """Return the score at the end of the last window of an episode, or at its opening; 0 where there is none."""
        return self._open[row].score if row in self._open else 0.0

    def close_window(self, row: int, score: float, seen: Callable[[], RateFinding]) -> Iterator[RateFinding]:
        """Take the score at the end of a window of an open episode; yields what was seen if that is worth saying."""
        episode = self._open[row]
        episode.score = score
        episode.calm_windows = 0 if score >= STAYS_OPEN else episode.calm_windows + 1
        if episode.calm_windows >= self._calm_windows:
            del self._open[row]
            yield replace(seen(), phase="calm")
        elif not episode.calm_windows:
            episode.last = seen()
            yield episode.last

    def end(self, row: int, at_ms: int) -> list[RateFinding]:
        """End the episode of a poll whose state is given back."""
        episode = self._open.pop(row, None)
        return [] if episode is None else [replace(episode.last, phase="calm", at_ms=at_ms, score=0.0, p_value=1.0)]

    def drop(self, row: int) -> None:
        """Forget a poll's episode without a word."""
        self._open.pop(row, None)

    def snapshot(self) -> list[Any]:
        """Return the open episodes as plain data."""
        fields = RateFinding.__slots__
        return [[row, e.score, e.calm_windows, [getattr(e.last, name) for name in fields]] for row, e in self._open.items()]

    def restore(self, state: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self._open = {row: Episode(RateFinding(*last), score, calm) for row, score, calm, last in state}
