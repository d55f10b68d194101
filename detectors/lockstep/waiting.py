"""Meetings that wait until the crowds around them have come, at most `_MOST`; it judges none."""

from __future__ import annotations

from typing import Any

from detectors.columns import Int64s
from detectors.erasure import Erasure
from detectors.lockstep.judge import is_over
from detectors.lockstep.meetings import Burst, Meeting
from detectors.lockstep.state import meeting_of, meeting_state

_MOST = 512


class Waiting:
    """Meetings in the order they came, found by their two bursts."""

    def __init__(self) -> None:
        self._all: dict[tuple[Burst, Burst], Meeting] = {}
        # which of them are of the same two polls: most steps ask that of many meetings
        self._of_polls: dict[tuple[int, int], list[Meeting]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, meeting: Meeting) -> bool:
        return (meeting.here, meeting.there) in self._all

    def add(self, meeting: Meeting) -> None:
        """Keep a meeting in place of earlier looks at the same one; of too many the oldest goes."""
        for one in self._of_polls.get(meeting.polls, [])[:]:
            if one.is_part_of(meeting):
                self._remove(one)
        self._all[meeting.here, meeting.there] = meeting
        self._of_polls.setdefault(meeting.polls, []).append(meeting)
        if len(self._all) > _MOST:
            self._remove(next(iter(self._all.values())))

    def take_due(self, at_ms: int) -> list[Meeting]:
        """Remove and return the meetings whose crowd has come, and that of those that are judged together with them."""
        over = [one for one in self._all.values() if is_over(one.here, at_ms)]
        if not over:
            return []
        polls = {one.here.poll for one in over}
        early = [
            one.here for one in self._all.values() if one.here.poll in polls and not is_over(one.here, at_ms)
        ]
        due = [one for one in over if not any(one.here.overlaps(here) for here in early)]
        for one in due:
            self._remove(one)
        return due

    def drop_early(self, at_ms: int) -> None:
        """Forget the meetings whose crowd had not come by then: the rest of it will never be seen."""
        for one in [one for one in self._all.values() if not is_over(one.here, at_ms)]:
            self._remove(one)

    def forget(self, polls: Int64s) -> None:
        """Forget the meetings in these polls."""
        gone = set(polls.tolist())
        for one in [one for one in self._all.values() if not gone.isdisjoint(one.polls)]:
            self._remove(one)

    def erase(self, erasure: Erasure) -> None:
        """Forget an account: it did not meet; where nobody else did there was no meeting."""
        left = [one.without(erasure) for one in self._all.values()]
        self._all, self._of_polls = {}, {}
        for one in left:
            if len(one.accounts):
                self.add(one)

    def _remove(self, meeting: Meeting) -> None:
        del self._all[meeting.here, meeting.there]
        left = [one for one in self._of_polls[meeting.polls] if one is not meeting]
        self._of_polls[meeting.polls] = left
        if not left:
            del self._of_polls[meeting.polls]

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the state as plain data."""
        return [meeting_state(one) for one in self._all.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `snapshot` returned."""
        self._all, self._of_polls = {}, {}
        for one in map(meeting_of, state):
            self.add(one)
