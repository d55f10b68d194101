"""How fast polls vote now, smoothed, so that a poll with a vote every few seconds is not taken for one that comes and goes."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

_MEMORY_S = 10.0
_SILENT_PER_S = 0.01


class Activity:
    """Votes a second of each poll that votes, over about ten seconds; 100 bytes a poll that did so in the last minute or two.

    >>> activity = Activity()
    >>> activity.add({"quiet": 0, "busy": 500}, seconds=1.0)["busy"] > 40
    True
    """

    def __init__(self) -> None:
        self._per_s: dict[str, float] = {}

    def add(self, gained: Mapping[str, int], seconds: float) -> Mapping[str, float]:
        """Take the votes that polls gained in the last `seconds` (above 0); return votes a second of those that are not silent."""
        keep = exp(-seconds / _MEMORY_S)
        per_s = {poll_id: keep * old for poll_id, old in self._per_s.items()}
        for poll_id, votes in gained.items():
            per_s[poll_id] = per_s.get(poll_id, 0.0) + (1.0 - keep) * votes / seconds
        self._per_s = {poll_id: value for poll_id, value in per_s.items() if value >= _SILENT_PER_S}
        return self._per_s
