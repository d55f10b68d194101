"""A group that was accused in one poll: what it looks like, what was said of it, and how many votes it sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd.judgement import Judgement, Trait
from detectors.crowd.marks import Marks, marks_of
from detectors.crowd.profile import Profile, restored

HOLDS = 0.7
"""The least score at which a group that was accused stays so."""

_SAY_EVERY_MS = 5_000
_SAY_AT_LEAST_MS = 240_000
_SAY_GROWTH = 0.3


@dataclass
class Group:
    """One accused group of a poll; `share` is its share in the latest votes, `votes` and `doubt` are sums of its votes' weights w and of w (1 - w), by option.

    State: its tables, some kilobytes (at most the codes of 3,000 votes), and two floats for each option.
    """

    poll: int
    number: int
    start_row: int
    start_ms: int
    profile: Profile
    judgement: Judgement
    marks: Marks
    scored_row: int
    next_say_ms: int = 0
    waiting: bool = False
    unsaid: bool = False
    voices: int = 0
    share: float = 0.5
    votes: dict[int, float] = field(default_factory=dict)
    doubt: float = 0.0

    @property
    def cluster(self) -> str:
        """The name of the group within its poll."""
        return f"crowd-{self.number}"

    def count(self, option: Int64s, old: Floats, new: Floats) -> None:
        """Take the change of some votes' weights."""
        for code, more in enumerate(np.bincount(option, new - old).tolist()):
            if more:
                self.votes[code] = self.votes.get(code, 0.0) + more
        self.doubt += float(np.sum(new * (1 - new)) - np.sum(old * (1 - old)))

    def spoke(self, now_ms: int) -> None:
        """Be silent for a while: the longer the group has been there, the longer."""
        self.voices, self.unsaid = self.voices + 1, False
        self.rest(now_ms)

    def rest(self, now_ms: int) -> None:
        """Be weighed again after a while."""
        while_ms = int(_SAY_GROWTH * (now_ms - self.start_ms))
        self.next_say_ms = now_ms + min(max(_SAY_EVERY_MS, while_ms), _SAY_AT_LEAST_MS)

    def plain(self) -> dict[str, Any]:
        """Return plain data."""
        state = {name: getattr(self, name) for name in _PLAIN}
        traits = [asdict(trait) for trait in self.judgement.traits]
        judged = {"traits": traits, "log10_p": self.judgement.log10_p, "score": self.judgement.score}
        votes = [[option, votes] for option, votes in self.votes.items()]
        return {**state, "profile": self.profile.plain(), "judgement": judged, "marks": self.marks.plain(), "votes": votes}


_PLAIN = (
    "poll", "number", "start_row", "start_ms", "scored_row", "next_say_ms", "waiting", "unsaid", "voices", "share", "doubt"
)  # fmt: skip


def group_of(state: dict[str, Any]) -> Group:
    """Return the group that `plain` told."""
    judged = state["judgement"]
    traits = tuple(Trait(**trait) for trait in judged["traits"])
    return Group(
        profile=restored(state["profile"]),
        judgement=Judgement(traits, judged["log10_p"], judged["score"]),
        marks=marks_of(state["marks"]),
        votes={int(option): votes for option, votes in state["votes"]},
        **{name: state[name] for name in _PLAIN},
    )
