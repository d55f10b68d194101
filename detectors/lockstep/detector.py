"""Accounts that meet within seconds in poll after poll, beyond what a crowd would do: the order of steps.

Every minute of event time (every two, if little comes) the votes of the last two or three are joined with what their accounts did before; meetings that are
too tight for a crowd found a group or join one. Where many votes come, every five seconds those of a twelfth of the polls
are, so that no step takes long. Nothing depends on how calls are cut. State: the log of votes (`LockstepParams.max_votes`
rows of about 60 bytes, 170 bytes at most with the accounts' tables), up to 512 meetings that wait until the crowds around
them have come, and up to 64 groups.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Int64s
from detectors.erasure import Erasure
from detectors.lockstep.chance import WIDE_MS, WIDTHS_MS, discoveries
from detectors.lockstep.groups import Groups
from detectors.lockstep.judge import could_tell, could_tell_together, gathering, is_over, weighed
from detectors.lockstep.log import VoteLog
from detectors.lockstep.lookback import look_back
from detectors.lockstep.meetings import MOST_ROWS, Burst, Meeting, apart, find_meetings
from detectors.lockstep.params import LockstepParams
from detectors.lockstep.returns import TURNS
from detectors.lockstep.said import ended, told
from detectors.lockstep.state import group_of, group_state
from detectors.lockstep.waiting import Waiting
from detectors.watcher import MOST_MEMBERS, NO_BALLOTS, Ballots, Sighting

_STEP_MS = 60_000
_LOOK_MS = _STEP_MS // TURNS
_MANY = 20_000
"""Votes that are not left until the minute is over."""
_REACH_MS = WIDTHS_MS[-1] + 5_000
_FEW, _LONGEST_MS = 1_000, 120_000
"""Fewer votes are left to wait for others, but not longer than this."""
_DAY_MS = 86_400_000
_NUMBERS = ("_looked_ms", "_stepped_ms", "_arrived_ms", "_parts", "_news")
_GROWTH_LEVEL = 1e-3
"""The probability below which a meeting of a known group's accounts is one more burst of it."""


class Lockstep:
    """Watches who meets whom across the polls of a shard."""

    def __init__(self, params: LockstepParams) -> None:
        self._params = params
        self._log = VoteLog()
        self._waiting = Waiting()
        self._groups = Groups([])
        self._looked_ms = 0
        self._stepped_ms = 0
        self._arrived_ms = 0
        self._parts = 1
        self._news = 0

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """Take rows before `until_ms`; return what was seen."""
        votes = np.flatnonzero(ballots.first & (ballots.option >= 0))
        if not self._looked_ms:
            if not len(votes):
                return []
            self._looked_ms = int(ballots.effective_ms[votes[0]]) // _STEP_MS * _STEP_MS
            self._stepped_ms = self._looked_ms
        seen: list[Sighting] = []
        start = 0
        times_ms = ballots.effective_ms[votes]
        while True:
            self._pass_silence(int(times_ms[start]) if start < len(votes) else until_ms)
            at_ms = self._next_ms(times_ms[start:], until_ms)
            if at_ms > until_ms:
                break
            stop = int(times_ms.searchsorted(at_ms))
            self._looked_ms = at_ms
            if self._is_time(at_ms, self._news + stop - start):
                self._take(ballots, votes[start:stop])
                seen += self._step(at_ms)
                self._news, self._stepped_ms, start = 0, at_ms, stop
        self._take(ballots, votes[start:])
        return seen

    def skip(self, from_ms: int, until_ms: int) -> list[Sighting]:
        """See `detectors.watcher.Watcher.skip`: a meeting whose crowd was not shown whole is not judged any more.

        Of a crowd that is cut off, those seen would seem to have come all at once.
        """
        self._log.skip(from_ms, until_ms, WIDE_MS)
        self._waiting.drop_early(from_ms)
        self._groups.cut_off(from_ms)
        return self.observe(NO_BALLOTS, until_ms)

    def _next_ms(self, times_ms: Int64s, until_ms: int) -> int:
        """Return when to look next: at the end of the minute, if by then too few votes came for an earlier step."""
        minute_ms = (self._looked_ms // _STEP_MS + 1) * _STEP_MS
        if (
            self._parts == 1
            and minute_ms <= until_ms
            and self._news + times_ms.searchsorted(minute_ms) < _MANY
        ):
            return minute_ms
        return self._looked_ms + _LOOK_MS

    def _pass_silence(self, until_ms: int) -> None:
        """Go on to the minute of the next vote where nothing is known that could be told: there may be years until then."""
        minute_ms = until_ms // _STEP_MS * _STEP_MS
        if (
            minute_ms > self._looked_ms
            and not self._news
            and self._parts == 1
            and self._idle(self._looked_ms)
        ):
            self._looked_ms = self._stepped_ms = minute_ms

    def _idle(self, at_ms: int) -> bool:
        recent = self._log.since(self._since_ms(at_ms)) < len(self._log)
        return not self._waiting and not self._groups.all and not recent

    def _is_time(self, at_ms: int, news: int) -> bool:
        """Tell whether to step: every minute, later if little came, much earlier if very much did."""
        if at_ms % _STEP_MS:
            return self._parts > 1 or news >= _MANY
        return news >= _FEW or at_ms - self._stepped_ms >= _LONGEST_MS

    def _take(self, ballots: Ballots, rows: Int64s) -> None:
        if len(rows):
            self._log.append(ballots, rows)
            self._news += len(rows)
            self._arrived_ms = max(self._arrived_ms, int(ballots.arrived_ms[rows].max()))

    def _step(self, at_ms: int) -> list[Sighting]:
        if self._idle(at_ms):
            return []
        found, looked_at = self._find(at_ms)
        due = self._waiting.take_due(at_ms)
        unknown = self._unknown(found + due)
        unclear = self._judge(unknown, looked_at + len(due), at_ms)
        self._gather(unclear, at_ms)
        self._look_back(at_ms)
        seen = self._merge(at_ms) + self._tell(at_ms)
        quiet = self._groups.take_quiet(at_ms - self._params.quiet_ms)
        seen += [ended(group, at_ms, self._arrived_ms) for group in quiet]
        self._log.shrink(self._params.max_votes, at_ms - self._params.keep_ms)
        return seen

    def _find(self, at_ms: int) -> tuple[list[Meeting], int]:
        """Look for meetings: in all polls at once; where many votes come, in a part of the polls at each look.

        Whenever that changes all are looked at, so that no poll waits longer than a minute.
        """
        part, parts = at_ms % _STEP_MS // _LOOK_MS, self._parts
        if parts == 1 or not part:
            self._parts = TURNS if self._log.returns(self._since_ms(at_ms)) > MOST_ROWS else 1
            parts = min(parts, self._parts)
        turn = part if parts > 1 else None
        return find_meetings(self._log, self._since_ms(at_ms), self._params.min_accounts, turn)

    def _since_ms(self, at_ms: int) -> int:
        """Return from when on votes are looked at: what may have begun before the last look is seen whole."""
        return min(self._stepped_ms, at_ms - _STEP_MS) - _REACH_MS

    def _unknown(self, found: list[Meeting]) -> list[Meeting]:
        """Return the meetings that neither wait nor say what is known, each once."""
        once: dict[tuple[Burst, Burst], Meeting] = {}
        for one in found:
            once.setdefault((one.here, one.there), one)
        return [one for one in once.values() if one not in self._waiting and not self._groups.knows(one)]

    def _judge(self, unknown: list[Meeting], tests: int, at_ms: int) -> list[Meeting]:
        """Let meetings that are no chance found groups or join them; return the others."""
        telling = [one for one in unknown if could_tell(one, _GROWTH_LEVEL, at_ms)]
        batch = weighed(self._log, telling, at_ms, _GROWTH_LEVEL)
        # half of what may be risked is for meetings, the other half for what is taken together
        level = self._level(max(1, len({one.here.poll for one in unknown}))) / 2
        p = np.array([one.p_value for one in batch] + [1.0] * max(0, tests - len(batch)))
        is_group = discoveries(p, level).tolist()
        unclear = [one for one in unknown if not could_tell(one, _GROWTH_LEVEL, at_ms)]
        for number in np.argsort(p[: len(batch)], kind="stable").tolist():
            one = batch[number]
            group = self._groups.of(one.meeting.accounts) if one.p_value <= _GROWTH_LEVEL else None
            if group is None and is_group[number]:
                group = self._groups.found(one)
            if group is None:
                unclear.append(one.meeting)
            else:
                group.grow(self._log, [one.meeting.here, one.meeting.there], at_ms)
                group.weigh(one, float(np.log(one.p_value) / np.log(level)))
        return sorted(unclear, key=lambda one: -len(one.accounts))

    def _gather(self, unclear: list[Meeting], at_ms: int) -> None:
        """Take together what the accounts of one burst did before: it may join a group, or found one."""
        while unclear:
            largest = unclear[0]
            same = [one for one in unclear if one.here.overlaps(largest.here)]
            unclear = [one for one in unclear if not one.here.overlaps(largest.here)]
            group = self._groups.of(largest.accounts)
            if group is not None:
                theres = group.bursts_beside(largest.here.poll)
                weighed = gathering(self._log, largest, theres, len(theres), at_ms)
                if weighed.p_value <= _GROWTH_LEVEL:
                    group.grow(self._log, [largest.here], at_ms)
                    continue
            if not is_over(largest.here, at_ms):
                for one in same:
                    self._waiting.add(one)
            elif len(same) > 1 and could_tell_together(same, self._level(1) / 2):
                self._found(same, at_ms)

    def _found(self, same: list[Meeting], at_ms: int) -> None:
        theres = apart([one.there for one in same])
        one = gathering(self._log, same[0], theres, max(one.among for one in same), at_ms)
        level = self._level(1) / 2
        group = self._groups.found(one) if one.p_value <= level else None
        if group is not None:
            group.grow(self._log, [same[0].here, *theres], at_ms)
            group.weigh(one, float(np.log(one.p_value) / np.log(level)))

    def _level(self, polls: int) -> float:
        """Return the probability of a false group that may be risked in this step with so many polls."""
        span_ms = max(_STEP_MS, self._looked_ms - self._stepped_ms)
        return self._params.false_groups_per_poll_day * polls * span_ms / _DAY_MS

    def _look_back(self, at_ms: int) -> None:
        for group in self._groups.all:
            if group.has_grown:
                bursts = look_back(self._log, group, self._params.min_accounts, _GROWTH_LEVEL, at_ms)
                group.grow(self._log, bursts, at_ms)

    def _merge(self, at_ms: int) -> list[Sighting]:
        seen = []
        for group in [group for group in self._groups.all if group.has_grown]:
            if self._groups.merge(group) is not None and group.opened:
                seen.append(ended(group, at_ms, self._arrived_ms))
        return seen

    def _tell(self, at_ms: int) -> list[Sighting]:
        """Tell of groups that grew, and once more when what came after their last burst is known."""
        seen = []
        for group in self._groups.all:
            settles = 0 < group.settles_ms <= at_ms
            if group.has_grown or settles:
                group.refresh(self._log, at_ms)
                sighting = told(self._log, group, at_ms, self._arrived_ms)
                group.settles_ms = at_ms + WIDE_MS if group.has_grown else 0
                group.has_grown, group.opened = False, True
                if sighting is not None:
                    seen.append(sighting)
                    group.has_grown = len(sighting.members) == MOST_MEMBERS
        return seen

    def forget(self, polls: Int64s) -> None:
        """Forget these polls' numbers: they left memory, and others will get their numbers."""
        self._log.forget(polls)
        self._waiting.forget(polls)
        self._groups.forget(polls)

    def erase(self, erasure: Erasure) -> None:
        """Forget an account: its votes become those of strangers who came once."""
        self._log.erase(erasure)
        self._waiting.erase(erasure)
        self._groups.erase(erasure)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "log": self._log.snapshot(),
            "waiting": self._waiting.snapshot(),
            "groups": [group_state(group) for group in self._groups.all],
            "numbers": {name: getattr(self, name) for name in _NUMBERS},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._log.restore(state["log"])
        self._waiting.restore(state["waiting"])
        self._groups = Groups([group_of(one) for one in state["groups"]])
        for name in _NUMBERS:
            setattr(self, name, state["numbers"][name])
