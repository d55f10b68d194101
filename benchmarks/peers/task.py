"""What a peer is given, and what it says of its course. The same for all of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Self

from benchmarks.peers.work import Work
from benchmarks.processes import say


@dataclass(frozen=True, slots=True)
class Task:
    """Where the votes are, as whom to read them, where alerts go, how many to count and how much to do with each."""

    servers: str
    votes_topic: str
    alerts_topic: str
    group: str
    votes: int
    work: Work

    @classmethod
    def given(cls) -> Self:
        """Return what the command line says."""
        servers, votes_topic, alerts_topic, group, votes, work = sys.argv[1:]
        return cls(servers, votes_topic, alerts_topic, group, int(votes), Work[work])

    def arguments(self) -> list[str]:
        """Return the command line that says it."""
        return [self.servers, self.votes_topic, self.alerts_topic, self.group, str(self.votes), self.work.name]


class Course:
    """Says when the first vote was there, which starts the clock in the peer's favour, and when the last was done."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._seen = 0

    def begin(self) -> None:
        """Tell that votes come; to be called before the first of them is worked on."""
        if not self._seen:
            say("begun")

    def done(self, votes: int = 1) -> bool:
        """Add so many to the votes that are done; return whether these were all."""
        before, self._seen = self._seen, self._seen + votes
        if before < self._wanted <= self._seen:
            say("done", votes=self._seen)
        return self._seen >= self._wanted
