"""How surges go on after their peak: fading like what people share, or switched off. It knows frames, not rows.

People who pass something on come with a heavy tail: votes after a peak fade for many times as long as the peak lasted
(Crane and Sornette 2008, PNAS 105: after a shock, activity falls as a power of time; broadcasts first hold a plateau).
What is switched off leaves no tail. That is evidence, not proof, for either side: a script can fade, a broadcast can
end at once. State: a surge is 60 numbers at most, one surge a poll.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import sqrt
from typing import Any

from detectors.columns import Int64s
from detectors.shape.params import FRAME_MS

_FEWEST_VOTES = 20
_KNOWN_FRAMES = 6
_SPREAD = 1.5
"""Variance of a crowd's counts, over that of chance."""
_BEGINS = 6.0
_MOST_FRAMES = 60
_OVER_FRAMES = 6
_TAIL_FRAMES = 6
_TAIL_SHARE = 0.1
_TAIL_VOTES = 25
_FADES = 1.3
_OFF_SHARE = 0.05
_PLATEAU_FRAMES = 4
_EVEN = 2.5


class Course(StrEnum):
    """How a surge went."""

    UNCLEAR = "unclear"
    FADING = "fading"
    SWITCHED = "switched"


@dataclass
class Surge:
    """A poll that got many more votes than usual from `start_frame` on: `votes` of each frame since, all options."""

    poll: int
    start_frame: int
    usual: float
    votes: list[int] = field(default_factory=list)
    course: str = Course.UNCLEAR


@dataclass(frozen=True, slots=True)
class Profile:
    """A surge as it stands: frames [high_from, high_to) hold more than half of the peak, what is after is the tail.

    `surge` and `tail` are votes beyond the usual ones; `peak` is the frame with most votes.
    """

    course: Course
    peak: int
    high_from: int
    high_to: int
    surge: float
    tail: float
    over: bool


@dataclass(frozen=True, slots=True)
class News:
    """A surge of which something new is to be said; `ended` when it was said before and is over now."""

    surge: Surge
    profile: Profile
    ended: bool


def profile(of: Surge) -> Profile:
    """Judge a surge by its votes so far."""
    above = [votes - of.usual for votes in of.votes]
    peak = above.index(max(above))
    low = [frame for frame, votes in enumerate(above) if votes < above[peak] / 2]
    high_from = max((frame for frame in low if frame < peak), default=-1) + 1
    high_to = min((frame for frame in low if frame > peak), default=len(above))
    # the frame after holds the end of the plateau: it belongs to neither
    tail = above[high_to + 1 :]
    course = _course(of.votes[high_from:high_to], tail, sum(above), of.usual)
    noise = 2 * sqrt(_SPREAD * of.usual * _OVER_FRAMES + 1)
    over = len(tail) >= _OVER_FRAMES and sum(tail[-_OVER_FRAMES:]) <= noise
    whole = over or len(above) >= _MOST_FRAMES
    return Profile(course, peak, high_from, high_to, sum(above), sum(tail), whole)


def _course(plateau: Sequence[int], tail: Sequence[float], surge: float, usual: float) -> Course:
    if len(tail) < _TAIL_FRAMES:
        return Course.UNCLEAR
    votes, noise = sum(tail), sqrt(_SPREAD * usual * len(tail) + 1)
    middle = (len(tail) + 1) // 2
    is_large = votes >= max(_TAIL_VOTES, _TAIL_SHARE * surge, _BEGINS * noise)
    if is_large and sum(tail[:middle]) > _FADES * sum(tail[middle:]):
        return Course.FADING
    even = len(plateau) >= _PLATEAU_FRAMES and _is_even(plateau[1:-1])
    return Course.SWITCHED if even and votes <= max(_OFF_SHARE * surge, 2 * noise) else Course.UNCLEAR


def _is_even(votes: Sequence[int]) -> bool:
    """Tell whether the variance is at most `_EVEN` times the mean."""
    frames, total = len(votes), sum(votes)
    return frames * sum(count * count for count in votes) - total**2 <= _EVEN * frames * total


class Surges:
    """The surges that go on, by poll."""

    def __init__(self) -> None:
        self._open: dict[int, Surge] = {}

    def __len__(self) -> int:
        return len(self._open)

    def candidates(self, votes: dict[int, int]) -> list[int]:
        """Return the polls, of these with their votes in a frame, whose surge may begin."""
        return [poll for poll, count in votes.items() if count >= _FEWEST_VOTES and poll not in self._open]

    def pass_frame(self, frame: int, votes: dict[int, int], usual: Mapping[int, tuple[float, float]]) -> list[News]:
        """Take a frame's votes by poll; `usual` is what the `candidates` had a frame, and in how many frames."""
        for poll, (per_frame, frames) in usual.items():
            surprise = votes[poll] - per_frame - _BEGINS * sqrt(_SPREAD * per_frame + 1)
            if frames >= _KNOWN_FRAMES and surprise > 0:
                self._open[poll] = Surge(poll, frame, per_frame)
        return [news for poll in sorted(self._open) if (news := self._go_on(poll, votes.get(poll, 0))) is not None]

    def _go_on(self, poll: int, votes: int) -> News | None:
        surge = self._open[poll]
        surge.votes.append(votes)
        now = profile(surge)
        if now.over:
            del self._open[poll]
        was_said = surge.course != Course.UNCLEAR
        # a tail may still come: that a surge was switched off is said when it is over
        is_new = now.course == Course.FADING or (now.course == Course.SWITCHED and now.over)
        if was_said and now.over:
            return News(surge, now, True)
        if was_said or not is_new:
            return None
        surge.course = now.course
        return News(surge, now, False)

    def end_all(self) -> None:
        """Say no more of any surge that goes on."""
        self._open = {}

    def forget(self, polls: Int64s) -> None:
        """Forget the surges of these polls."""
        for poll in polls.tolist():
            self._open.pop(poll, None)

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the state as plain data."""
        return [asdict(surge) for surge in self._open.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `snapshot` returned."""
        self._open = {surge["poll"]: Surge(**{**surge, "votes": list(surge["votes"])}) for surge in state}


def frames_ms(surge: Surge, frames: int) -> int:
    """Return the time at which so many frames of a surge have passed."""
    return (surge.start_frame + frames) * FRAME_MS
