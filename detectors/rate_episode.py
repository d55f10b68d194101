"""One episode per poll: it opens above 1, goes on until the score stayed below 0.7 for a while, and never repeats itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from detectors.rate_findings import RateFinding
from detectors.rate_tails import STAYS_OPEN


@dataclass
class Episode:
    """An open episode: its last finding, and how many closed windows in a row stayed below 0.7."""

    last: RateFinding
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
                self._open[row] = Episode(opening)
                yield opening
                window = max(closed.start, (opening.at_ms - 1) // self._window_ms + (opening.kind == "slow_drip"))
            while row in self._open and window < closed.stop:
                ended = self._ends(row, score_at_end(window))
                if ended or self._open[row].calm_windows == 0:
                    yield self._close_window(row, at_end(window), ended)
                window += 1
            if row in self._open:
                return
            after_ms = window * self._window_ms

    def _ends(self, row: int, score: float) -> bool:
        episode = self._open[row]
        episode.calm_windows = 0 if score >= STAYS_OPEN else episode.calm_windows + 1
        return episode.calm_windows >= self._calm_windows

    def _close_window(self, row: int, seen: RateFinding, ended: bool) -> RateFinding:
        if ended:
            del self._open[row]
            return replace(seen, phase="calm")
        self._open[row].last = seen
        return seen

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
        return [[row, e.calm_windows, [getattr(e.last, name) for name in fields]] for row, e in self._open.items()]

    def restore(self, state: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self._open = {row: Episode(RateFinding(*last), calm) for row, calm, last in state}
