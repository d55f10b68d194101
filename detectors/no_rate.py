"""The rate detector of a shard that does not count votes: it finds nothing."""

from __future__ import annotations

from typing import Any

from detectors.columns import Int64s, VoteCells
from detectors.rate.detector import RateParams, RateStep


class NoRate:
    """Stands where the rate detector stands in a shard that does not count votes."""

    def __init__(self, params: RateParams) -> None:
        self.params = params

    def advance(self, _cells: VoteCells, _until_ms: int) -> RateStep:
        """Find nothing."""
        return RateStep([], None, [])

    def score_of(self, _poll: int) -> float:
        """Suspect nothing."""
        return 0.0

    def forget(self, _polls: Int64s) -> None:
        """Forget nothing: nothing is known."""

    def snapshot(self) -> dict[str, Any]:
        """Return no state."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over nothing."""
