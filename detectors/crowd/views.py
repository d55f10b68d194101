"""The surges of a shard's polls: whether it is time to say who came, and what was said last. It accuses nobody.

State: what `crowd_surges` says of itself, and three numbers for each poll whose last surge was spoken of.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from detectors.columns import Int64s
from detectors.crowd.log import VoteLog
from detectors.crowd.namesakes import commonest
from detectors.crowd.platform import Platform
from detectors.crowd.say_surge import leaning, surge_sighting
from detectors.crowd.surges import Surge, Surges
from detectors.crowd.view import NOBODY, View, view
from detectors.crowd.window import votes_at
from detectors.watcher import Sighting

_MOST_WINDOW = 1_000
_MOST_PAST = 1_000
_GROWTH = 4
_LEAST_HANDLES = 64
_MOST_HANDLES = 128
_LEAST_VOTES = 24
_USUAL = 1.8


class Views:
    """Looks at surges, and speaks once of each and again when its lean or its size changed."""

    def __init__(self, log: VoteLog, platform: Platform) -> None:
        self._log = log
        self._platform = platform
        self.surges = Surges()
        self._said: dict[int, tuple[int, str, int]] = {}

    def rows_of(self, at_ms: int, poll: int, surge: Surge) -> Int64s:
        """Return the rows of a surge so far."""
        return self._log.rows_of(poll, surge.start_row, self._log.row_at(at_ms))

    def look(self, at_ms: int, poll: int, surge: Surge, rows: Int64s, suspicion: float) -> list[Sighting]:
        """Say who came with a surge, votes of accused groups left out; `suspicion` is the score of a group not accused."""
        rest = rows[self._log.get("weight", rows) < 0.5]
        if not len(rows):
            return []
        seen = NOBODY if _is_usual(surge, len(rows), len(rest), at_ms) else self._view(poll, surge, rest, self._log.row_at(at_ms))
        lean = leaning(seen, suspicion)
        number, said_lean, said_votes = self._said.get(poll, (0, "", 0))
        if number == surge.number and said_lean == lean and seen.votes < _GROWTH * said_votes:
            return []
        self._said[poll] = (surge.number, lean, max(seen.votes, 1))
        arrived_ms = int(self._log.get("arrived_ms", rows).max())
        return [surge_sighting(poll, at_ms, surge, seen, lean, number != surge.number, arrived_ms)]

    def named_alike(self, rows: Int64s) -> bool:
        """Tell whether many handles of a surge are of one kind; a part of them is read, and none of a surge just begun."""
        if not self._platform.handles.tell or len(rows) < _LEAST_HANDLES:
            return False
        part = rows[:: -(-len(rows) // _MOST_HANDLES)]
        return commonest(self._log.handles(part), False, self._platform) is not None

    def _view(self, poll: int, surge: Surge, rows: Int64s, end: int) -> View:
        before = self._log.rows_of(poll, end - self._log.memory, surge.start_row)
        past = votes_at(self._log, before[self._log.get("odd", before) == 0][-_MOST_PAST:])
        every = -(-len(rows) // _MOST_WINDOW)
        seen = view(votes_at(self._log, rows[::every]), past, self._platform)
        return replace(seen, votes=len(rows))

    def forget(self, polls: Int64s) -> None:
        """Forget these polls."""
        self.surges.forget(polls)
        for poll in polls.tolist():
            self._said.pop(poll, None)

    def snapshot(self) -> list[Any]:
        """Return the state as plain data."""
        return [self.surges.snapshot(), [[poll, *said] for poll, said in self._said.items()]]

    def restore(self, state: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self.surges.restore(state[0])
        self._said = {poll: (number, lean, votes) for poll, number, lean, votes in state[1]}


def _is_usual(surge: Surge, votes: int, rest: int, at_ms: int) -> bool:
    """Tell whether there is no surge left without the votes of accused groups."""
    usual = surge.rate * (at_ms - surge.start_ms)
    return rest < votes and rest < max(_USUAL * usual, _LEAST_VOTES)
