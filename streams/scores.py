"""`scores.csv`: one row for each poll and closed window from its first vote on, empty windows too."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from detectors.counted import ScoredWindows

_HEADER = ("poll_id", "window_start_ms", "window_ms", "votes", "expected", "score", "alarm")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


class ScoresFile:
    """Writes the rows of a poll in order of time. Remembers one number a poll.

    The detector says nothing of windows in which a quiet poll was not in memory: those are filled in with no votes,
    none expected, and score 0.
    """

    def __init__(self, file: BinaryIO, window_ms: int) -> None:
        self._window_ms = window_ms
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._csv = csv.writer(self._text)
        self._csv.writerow(_HEADER)
        self._next_ms: dict[str, int] = {}

    def add(self, windows: ScoredWindows) -> None:
        """Write the next closed windows."""
        columns = zip(
            windows.poll_ids,
            windows.start_ms.tolist(),
            windows.votes.tolist(),
            windows.expected.tolist(),
            windows.score.tolist(),
            windows.alarm.tolist(),
            strict=True,
        )
        for poll_id, start_ms, votes, expected, score, alarm in columns:
            self._fill(poll_id, start_ms)
            self._row(poll_id, start_ms, votes, f"{expected:.6g}", f"{score:.6g}", int(alarm))
            self._next_ms[poll_id] = start_ms + self._window_ms

    def end(self, end_ms: int) -> None:
        """Fill in every poll up to the end of the recording."""
        for poll_id in self._next_ms:
            self._fill(poll_id, end_ms)
        self._text.flush()

    def _fill(self, poll_id: str, until_ms: int) -> None:
        for start_ms in range(self._next_ms.get(poll_id, until_ms), until_ms, self._window_ms):
            self._row(poll_id, start_ms, 0, "0", "0", 0)

    def _row(self, poll_id: str, start_ms: int, votes: int, expected: str, score: str, alarm: int) -> None:
        self._csv.writerow((as_text(poll_id), start_ms, self._window_ms, votes, expected, score, alarm))


def as_text(name: str) -> str:
    """Return a name as it may stand in a CSV file: with a ' before it where a spreadsheet would take it for a formula.

    >>> as_text("=cmd()"), as_text("'=1"), as_text("peace-plan")
    ("'=cmd()", "''=1", 'peace-plan')
    """
    return f"'{name}" if name.startswith(_FORMULA) else name
