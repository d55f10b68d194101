"""The accused groups of a shard's polls: found, weighed anew, spoken of, cleared. When to look is not decided here.

State: at most three groups a poll, some kilobytes each; what each vote weighs stands in the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from detectors.crowd.examine import Found, best_group, refitted
from detectors.crowd.group import HOLDS, Group, group_of
from detectors.crowd.log import VoteLog
from detectors.crowd.marks import marks
from detectors.crowd.params import CrowdParams
from detectors.crowd.platform import Platform
from detectors.crowd.say import sighting
from detectors.crowd.window import Votes, votes_at
from detectors.watcher import MOST_MEMBERS, Sighting

_MOST_GROUPS = 3
_LEAST_WEIGHT = 0.02
_THERE_ALREADY = 0.1


class Accused:
    """Groups by poll."""

    def __init__(self, params: CrowdParams, log: VoteLog, platform: Platform) -> None:
        self._params = params
        self._log = log
        self._platform = platform
        self._groups: dict[int, list[Group]] = {}

    def of(self, poll: int) -> list[Group]:
        """Return a poll's groups."""
        return self._groups.get(poll, [])

    def began_before(self, poll: int, row: int) -> bool:
        """Tell whether a group may have votes before the first row that was looked at."""
        edges = [(group.profile.edge_row[0], group.profile.share[0]) for group in self.of(poll)]
        return any(edge == row and share > _THERE_ALREADY for edge, share in edges)

    def polls(self) -> Iterator[int]:
        """Yield the polls that have groups."""
        yield from self._groups

    def search(
        self, at_ms: int, poll: int, votes: Votes, past: Votes, looks: int, end: int
    ) -> tuple[list[Sighting], float]:
        """Look at a poll's votes up to row `end`: known groups first, then new ones among the votes left over.

        Returns what is to be said, and the score of the best group that was not accused.
        """
        free = np.ones(len(votes), np.bool_)
        said = [self._again(group, votes, past, looks, at_ms, end, free) for group in list(self.of(poll))]
        score = 0.0
        while len(self.of(poll)) < _MOST_GROUPS and np.count_nonzero(free) >= self._params.min_members:
            part = votes.take(free)
            best = best_group(part, past, self._platform, self._params.false_accusations, looks)
            score = best.judgement.score if best else 0.0
            if best is None or score <= 1:
                break
            found = best.spread(part)
            if np.count_nonzero(found.weight >= 0.5) < self._params.min_members:
                break
            said.append([self._accept(self._new(poll, part, found), part, found, at_ms, end)])
            free[np.flatnonzero(free)[found.weight >= 0.5]], score = False, 0.0
        return [one for part in said for one in part], score

    def _again(
        self, group: Group, votes: Votes, past: Votes, looks: int, at_ms: int, end: int, free: Bools
    ) -> list[Sighting]:
        belongs = self._log.get("group", votes.rows)
        mine = free & ((belongs == 0) | (belongs == group.number))
        weight = np.where(belongs == group.number, self._log.get("weight", votes.rows), 0.01)[mine]
        if np.count_nonzero(weight >= 0.5) < self._params.min_members:
            return []
        part = votes.take(mine)
        found = refitted(part, past, weight, self._platform, self._params.false_accusations, looks)
        free[np.flatnonzero(mine)[found.weight >= 0.5]] = False
        return [self._accept(group, part, found, at_ms, end)]

    def _new(self, poll: int, votes: Votes, found: Found) -> Group:
        groups = self._groups.setdefault(poll, [])
        first = int(np.flatnonzero(found.weight >= 0.5)[0])
        number = max((group.number for group in groups), default=0) + 1
        start_row, start_ms = int(votes.rows[first]), int(votes.time_ms[first])
        shared = marks(votes, found.weight, found.judgement, self._platform)
        groups.append(
            Group(poll, number, start_row, start_ms, found.profile, found.judgement, shared, start_row)
        )
        return groups[-1]

    def _accept(self, group: Group, votes: Votes, found: Found, at_ms: int, end: int) -> Sighting:
        """Give a group new tables, weigh its votes anew and speak."""
        group.profile, group.judgement, group.share = (
            found.profile,
            found.judgement,
            float(found.profile.share[-1]),
        )
        group.marks = marks(votes, found.weight, found.judgement, self._platform)
        self._set_weights(group, votes, found.weight)
        group.start_row = min(group.start_row, int(votes.rows[0]))
        group.scored_row = end
        return self._speak(group, at_ms)

    def _set_weights(self, group: Group, votes: Votes, weight: Floats) -> None:
        mine = self._log.get("group", votes.rows) == group.number
        old = np.where(mine, self._log.get("weight", votes.rows), 0.0).astype(np.float64)
        new = np.where(weight >= _LEAST_WEIGHT, weight, 0.0).astype(np.float32).astype(np.float64)
        group.count(votes.option, old, new)
        touched = mine | (new > 0)
        self._log.put("weight", votes.rows[touched], new[touched])
        self._log.put("group", votes.rows[touched], group.number)

    def weigh(self, group: Group, at_ms: int) -> list[Sighting]:
        """Weigh the votes that came since against a group, and speak if some may belong."""
        self.catch_up(group, at_ms)
        if group.unsaid:
            return [self._speak(group, at_ms)]
        group.rest(at_ms)
        return []

    def catch_up(self, group: Group, at_ms: int) -> None:
        """Weigh the votes before a time that came since against a group."""
        end = self._log.row_at(at_ms)
        rows = self._log.rows_of(group.poll, group.scored_row, end)
        rows = rows[self._log.get("group", rows) == 0]
        group.scored_row = end
        if len(rows):
            votes = votes_at(self._log, rows)
            weight, group.share = group.profile.later(votes, group.share)
            if weight.max() >= _LEAST_WEIGHT:
                self._set_weights(group, votes, weight)
                group.unsaid = True

    def _speak(self, group: Group, at_ms: int) -> Sighting:
        rows = self._log.rows_of(group.poll, group.start_row, group.scored_row)
        rows = rows[self._log.get("group", rows) == group.number]
        weight, named = self._log.get("weight", rows), self._log.get("named", rows) == 1
        accused = group.judgement.score > HOLDS
        new = rows[(weight >= 0.5) & ~named & accused]
        cleared = rows[named & ((weight < 0.5) | (not accused))]
        more = max(len(new), len(cleared)) > MOST_MEMBERS
        new, cleared = new[:MOST_MEMBERS], cleared[:MOST_MEMBERS]
        self._log.put("named", new, 1)
        self._log.put("named", cleared, 0)
        group.spoke(at_ms)
        group.unsaid = more
        return sighting(group, self._log, rows, new, cleared, at_ms)

    def forget(self, polls: Int64s) -> None:
        """Forget these polls' groups."""
        for poll in polls.tolist():
            self._groups.pop(poll, None)

    def snapshot(self) -> list[Any]:
        """Return the state as plain data."""
        return [[poll, [group.plain() for group in groups]] for poll, groups in self._groups.items()]

    def restore(self, state: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self._groups = {poll: [group_of(group) for group in groups] for poll, groups in state}
