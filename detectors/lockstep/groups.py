"""The groups that are watched, at most 64: which one a meeting belongs to, which two are one, which ones are over."""

from __future__ import annotations

import numpy as np

from detectors.columns import Hashes, Int64s
from detectors.erasure import Erasure
from detectors.lockstep.group import Group
from detectors.lockstep.judge import Weighed
from detectors.lockstep.meetings import Meeting

_MOST_GROUPS = 64
_SHARED = 0.5
"""The share of its accounts that a meeting, or a younger group, has in common with the group it belongs to."""


class Groups:
    """Groups in the order they were founded."""

    def __init__(self, groups: list[Group]) -> None:
        self.all = groups

    def knows(self, meeting: Meeting) -> bool:
        """Tell whether a meeting says nothing new of any group."""
        return any(group.knows(meeting) for group in self.all)

    def of(self, accounts: Hashes) -> Group | None:
        """Return the oldest group that half of these accounts were seen with."""
        for group in self.all:
            if np.count_nonzero(group.roll.polls_of(accounts)) >= _SHARED * len(accounts):
                return group
        return None

    def found(self, first: Weighed) -> Group | None:
        """Return a new group; None if there are too many."""
        if len(self.all) >= _MOST_GROUPS:
            return None
        self.all.append(Group(first))
        return self.all[-1]

    def merge(self, group: Group) -> Group | None:
        """Join a group to an older one that has half of its named accounts, and return that one."""
        named = group.standing.named
        for older in self.all[: self.all.index(group)]:
            if len(named) and np.count_nonzero(older.roll.polls_of(named) > 1) >= _SHARED * len(named):
                older.join(group)
                self.all.remove(group)
                return older
        return None

    def cut_off(self, at_ms: int) -> None:
        """Leave the bursts as they are whose crowd had not come by then."""
        for group in self.all:
            group.cut_off(at_ms)

    def take_quiet(self, since_ms: int) -> list[Group]:
        """Remove and return the groups that have not met since then."""
        quiet = [group for group in self.all if group.last_ms <= since_ms]
        self.all = [group for group in self.all if group.last_ms > since_ms]
        return quiet

    def erase(self, erasure: Erasure) -> None:
        """Forget an account."""
        for number, group in enumerate(self.all):
            group.erase(erasure, number)

    def forget(self, polls: Int64s) -> None:
        """Strike polls that left memory."""
        for group in self.all:
            group.forget(polls)
