"""How the votes of all polls stand, as shards reported it, and which polls changed. Knows no case and no finding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from detectors.alert import Integrity
from detectors.cases.impact import UNKNOWN_PACE, Pace, SuspectVotes, integrity
from detectors.findings import Report


class PollCounts:
    """Votes by option and pace of each poll. State: 200 bytes an option of a poll, 300 a poll."""

    def __init__(self) -> None:
        self._tally: dict[str, dict[str, int]] = {}
        self._updated_ms: dict[str, int] = {}
        self._paces: dict[str, Pace] = {}
        self._gained: dict[str, int] = {}
        self._changed: dict[str, None] = {}

    def take(self, report: Report) -> None:
        """Take how a shard says its polls stand; those that left memory go."""
        for gone in report.retired:
            for known in (self._tally, self._updated_ms, self._paces, self._gained, self._changed):
                known.pop(gone.poll_id, None)
        s = report.standings
        for poll_id, option, votes, at_ms in zip(s.poll_ids, s.options, s.votes, s.updated_ms, strict=True):
            tally = self._tally.setdefault(poll_id, {})
            self._gained[poll_id] = self._gained.get(poll_id, 0) + votes - tally.get(option, 0)
            tally[option] = votes
            self.change([poll_id], at_ms)
        r = report.rates
        for poll_id, expected_per_s, score in zip(r.poll_ids, r.expected_per_s, r.scores, strict=True):
            if poll_id in self._tally:
                self._paces[poll_id] = Pace(expected_per_s, score)
                self._changed[poll_id] = None

    def change(self, poll_ids: Iterable[str], at_ms: int) -> None:
        """Note that the estimates of these polls changed."""
        for poll_id in poll_ids:
            if poll_id in self._tally:
                self._changed[poll_id] = None
                self._updated_ms[poll_id] = max(at_ms, self._updated_ms.get(poll_id, at_ms))

    def take_changed(self) -> list[str]:
        """Return the polls that changed since this was last asked."""
        changed, self._changed = list(self._changed), {}
        return changed

    def take_gained(self) -> dict[str, int]:
        """Return how many votes polls have gained since this was last asked: for display, nothing depends on it."""
        gained, self._gained = self._gained, {}
        return gained

    def integrity(self, poll_id: str, suspect: SuspectVotes) -> Integrity:
        """Return the running estimate of a poll of which so much is suspect. Raises KeyError for one that is not known."""
        pace = self._paces.get(poll_id, UNKNOWN_PACE)
        return integrity(poll_id, self._tally[poll_id], suspect, self._updated_ms[poll_id], pace)

    def __contains__(self, poll_id: object) -> bool:
        """Tell whether this poll is known."""
        return poll_id in self._tally

    def poll_ids(self) -> list[str]:
        """Return all polls, in order of name."""
        return sorted(self._tally)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "tally": {poll_id: dict(tally) for poll_id, tally in self._tally.items()},
            "updated_ms": dict(self._updated_ms),
            "paces": {poll_id: [pace.expected_per_s, pace.score] for poll_id, pace in self._paces.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._tally = {poll_id: dict(tally) for poll_id, tally in state["tally"].items()}
        self._updated_ms = dict(state["updated_ms"])
        self._paces = {poll_id: Pace(*pace) for poll_id, pace in state.get("paces", {}).items()}
