"""Accounts that meet within seconds in poll after poll, beyond what a crowd would do: the order of steps.

Every 30 s of event time the votes of the last 100 s are joined with what their accounts did before; meetings that
are too tight for a crowd found a group or join one. Nothing depends on how calls are cut. State: the log of votes
(`LockstepParams.max_votes` rows of about 60 bytes, 110 bytes with the accounts' table), up to 512 meetings that wait
to be weighed again and up to 64 groups.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Int64s
from detectors.lockstep_chance import WIDE_MS, discoveries
from detectors.lockstep_group import Group
from detectors.lockstep_judge import Weighed, weighed
from detectors.lockstep_log import VoteLog
from detectors.lockstep_meetings import Meeting, meetings
from detectors.lockstep_params import LockstepParams
from detectors.lockstep_said import ended, told
from detectors.lockstep_state import group_of, group_state, meeting_of, meeting_state
from detectors.watcher import Ballots, Sighting

_STEP_MS = 30_000
_RECENT_MS = 100_000
_DAY_MS = 86_400_000
_MOST_WAITING = 512
_MOST_GROUPS = 64
_GROWTH_LEVEL = 1e-4
_SHARED = 0.5


class Lockstep:
    """Watches who meets whom across the polls of a shard."""

    def __init__(self, params: LockstepParams) -> None:
        self._params = params
        self._log = VoteLog()
        self._waiting: list[Meeting] = []
        self._groups: list[Group] = []
        self._stepped_ms = 0
        self._arrived_ms = 0

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """Take rows before `until_ms`; return what was seen."""
        votes = ballots.take(ballots.first & (ballots.option >= 0))
        if not self._stepped_ms:
            if not len(votes):
                return []
            self._stepped_ms = int(votes.effective_ms[0]) // _STEP_MS * _STEP_MS
        seen: list[Sighting] = []
        start = 0
        for at_ms in range(self._stepped_ms + _STEP_MS, until_ms + 1, _STEP_MS):
            stop = int(np.searchsorted(votes.effective_ms, at_ms))
            self._take(votes.take(slice(start, stop)))
            seen += self._step(at_ms)
            start = stop
        self._take(votes.take(slice(start, None)))
        return seen

    def _take(self, votes: Ballots) -> None:
        if len(votes):
            self._log.append(votes)
            self._arrived_ms = max(self._arrived_ms, int(votes.arrived_ms.max()))

    def _step(self, at_ms: int) -> list[Sighting]:
        self._stepped_ms = at_ms
        found, looked_at = meetings(self._log, at_ms - _RECENT_MS, self._params.min_accounts)
        due = [one for one in self._waiting if one.here.end_ms + WIDE_MS <= at_ms]
        self._waiting = [one for one in self._waiting if one.here.end_ms + WIDE_MS > at_ms]
        new = [one for one in found if not any(group.knows(one) for group in self._groups)]
        touched = (
            self._judge(weighed(self._log, new + due, at_ms), looked_at + len(due), at_ms)
            if new or due
            else []
        )
        seen = self._merged(touched, at_ms) + self._tell(touched, at_ms) + self._let_go(at_ms)
        self._log.shrink(self._params.max_votes)
        return seen

    def _judge(self, batch: list[Weighed], tests: int, at_ms: int) -> list[Group]:
        """Let meetings that are no chance found groups or join them; return the groups that changed."""
        polls = len({one.meeting.here.poll for one in batch})
        level = self._params.false_groups_per_poll_day * polls * _STEP_MS / _DAY_MS
        p = np.array([one.p_value for one in batch] + [1.0] * max(0, tests - len(batch)))
        is_group = discoveries(p, level)
        touched: list[Group] = []
        for number in np.argsort(p[: len(batch)], kind="stable").tolist():
            one = batch[number]
            group = self._group_of(one, bool(is_group[number]))
            if group is not None:
                self._grow(group, one, float(np.log(one.p_value) / np.log(level)), at_ms)
                touched += [group] if group not in touched else []
            elif one.meeting.here.end_ms + WIDE_MS > at_ms:
                self._wait(one.meeting)
        return touched

    def _group_of(self, one: Weighed, is_group: bool) -> Group | None:
        """Return the group to which a meeting belongs, a new one if it may found one."""
        if is_group or one.p_value <= _GROWTH_LEVEL:
            for group in self._groups:
                if np.mean(group.polls_of(one.meeting.accounts) > 0) >= _SHARED:
                    return group
        if not is_group or len(self._groups) >= _MOST_GROUPS:
            return None
        self._groups.append(Group(one))
        return self._groups[-1]

    def _grow(self, group: Group, one: Weighed, score: float, at_ms: int) -> None:
        group.add(self._log, one.meeting.here)
        group.add(self._log, one.meeting.there)
        group.last_ms = at_ms
        if score > group.score:
            group.score, group.clearest = score, one

    def _wait(self, meeting: Meeting) -> None:
        """Keep a meeting until its crowd has come; an earlier look at the same one is replaced."""
        self._waiting = [
            one
            for one in self._waiting
            if (one.here.poll, one.there, one.width_ms)
            != (meeting.here.poll, meeting.there, meeting.width_ms)
        ]
        self._waiting = [*self._waiting, meeting][-_MOST_WAITING:]

    def _merged(self, touched: list[Group], at_ms: int) -> list[Sighting]:
        """Make one of groups that are the same accounts: the older one stays."""
        seen: list[Sighting] = []
        for group in list(touched):
            for older in self._groups[: self._groups.index(group)]:
                named = group.standing.named
                if len(named) and np.mean(older.polls_of(named) > 1) >= _SHARED:
                    older.join(group)
                    self._groups.remove(group)
                    touched.remove(group)
                    touched += [older] if older not in touched else []
                    seen += [ended(group, at_ms, self._arrived_ms)] if group.opened else []
                    break
        return seen

    def _tell(self, touched: list[Group], at_ms: int) -> list[Sighting]:
        seen = []
        for group in touched:
            group.refresh(self._log, at_ms - 2 * WIDE_MS)
            seen.append(
                told(self._log, group, at_ms, "update" if group.opened else "opened", self._arrived_ms)
            )
            group.opened = True
        return seen

    def _let_go(self, at_ms: int) -> list[Sighting]:
        quiet = [group for group in self._groups if group.last_ms + self._params.quiet_ms <= at_ms]
        self._groups = [group for group in self._groups if group not in quiet]
        return [ended(group, at_ms, self._arrived_ms) for group in quiet]

    def forget(self, polls: Int64s) -> None:
        """Forget these polls' numbers: they left memory, and others will get their numbers."""
        self._log.forget(polls)
        gone = set(polls.tolist())
        self._waiting = [one for one in self._waiting if not gone & {one.here.poll, one.there.poll}]
        for group in self._groups:
            group.forget(polls)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "log": self._log.snapshot(),
            "waiting": [meeting_state(one) for one in self._waiting],
            "groups": [group_state(group) for group in self._groups],
            "stepped_ms": self._stepped_ms,
            "arrived_ms": self._arrived_ms,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._log.restore(state["log"])
        self._waiting = [meeting_of(one) for one in state["waiting"]]
        self._groups = [group_of(one) for one in state["groups"]]
        self._stepped_ms, self._arrived_ms = state["stepped_ms"], state["arrived_ms"]
