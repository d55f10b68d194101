"""How many votes each series had in the frames before: what a poll brings by itself. It knows nothing of clocks.

The last 16 frames are kept one by one; older ones are averaged over two hours or so. A frame that belongs to an
episode is never learned. State: 81 bytes a series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Bools, Floats, Int32s, Int64s
from detectors.shape.params import SLOTS

RECENT_FRAMES = 16
_UNKNOWN = -1
_KEPT = 0.995
_NOTHING = 1e-9
"""Of an older frame's weight, what is left a frame later: a memory of 200 frames."""

_COLUMNS = {"recent": np.int32, "votes": np.float64, "frames": np.float64, "known": np.bool_}


@dataclass(frozen=True, slots=True)
class Usual:
    """Votes of series in so many frames, both weighted, before an episode."""

    votes: Floats
    frames: Floats

    @property
    def per_frame(self) -> Floats:
        """Votes a frame; none where nothing is known."""
        per_frame: Floats = self.votes / np.maximum(self.frames, 1.0)
        return per_frame


class Levels:
    """The levels of all series."""

    def __init__(self) -> None:
        self.recent: Int32s = np.zeros((RECENT_FRAMES, 0), np.int32)
        self.votes: Floats = np.zeros(0)
        self.frames: Floats = np.zeros(0)
        self.known: Bools = np.zeros(0, np.bool_)

    def grow(self, series: int) -> None:
        """Make room for so many series."""
        more = series - len(self.votes)
        if more > 0:
            unknown = np.full((RECENT_FRAMES, more), _UNKNOWN, np.int32)
            self.recent = np.concatenate([self.recent, unknown], axis=1)
            self.votes = np.append(self.votes, np.zeros(more))
            self.frames = np.append(self.frames, np.zeros(more))
            self.known = np.append(self.known, np.zeros(more, np.bool_))

    def learn(self, frame: int, series: Int64s, votes: Int64s, polls: Int64s) -> None:
        """Take the votes of a frame that ended; `polls` are those that had a vote in it.

        The frame in which a poll began says less than a whole one and is not counted.
        """
        row = self.recent[frame % RECENT_FRAMES]
        full = row >= 0
        np.multiply(self.votes, _KEPT, out=self.votes, where=full)
        np.add(self.votes, row, out=self.votes, where=full)
        self.votes[self.votes < _NOTHING] = 0.0
        np.multiply(self.frames, _KEPT, out=self.frames, where=full)
        np.add(self.frames, 1, out=self.frames, where=full)
        known = self.known.reshape(-1, SLOTS)
        began = polls[~known[polls, 0]]
        row[:] = self.known - 1
        row[series] = votes
        if len(began):
            row.reshape(-1, SLOTS)[began] = _UNKNOWN
            known[began] = True

    def settled(self) -> bool:
        """Tell whether another frame without votes would change nothing: after a long silence it would not."""
        unchanged = self.frames * _KEPT + 1 == self.frames
        return not (self.recent > 0).any() and not self.votes.any() and bool(unchanged[self.known].all())

    def last(self, series: Int64s, frame: int, frames: int) -> Int32s:
        """Return the votes by (series, frame) in the `frames` frames before `frame`, oldest first; -1 is unknown."""
        places = np.arange(frame - frames, frame) % RECENT_FRAMES
        taken: Int32s = self.recent[places, series[:, None]]
        return taken

    def before(self, series: Int64s, start: int, frame: int) -> Usual:
        """Return what was usual before frame `start`, seen from the beginning of `frame`."""
        earlier = self.last(series, frame, RECENT_FRAMES)[:, : max(0, RECENT_FRAMES - (frame - start))]
        full = earlier >= 0
        votes = self.votes[series] + np.where(full, earlier, 0).sum(axis=1)
        return Usual(votes, self.frames[series] + full.sum(axis=1))

    def pass_over(self, series: Int64s | slice) -> None:
        """Never learn the frames that are still kept of these series."""
        self.recent[:, series] = _UNKNOWN

    def forget(self, series: Int64s) -> None:
        """Forget all about these series."""
        self.recent[:, series] = _UNKNOWN
        self.votes[series] = 0
        self.frames[series] = 0
        self.known[series] = False

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {name: getattr(self, name).tobytes() for name in _COLUMNS}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        for name, dtype in _COLUMNS.items():
            setattr(self, name, np.frombuffer(state[name], dtype).copy())
        self.recent = self.recent.reshape(RECENT_FRAMES, -1)
