"""The rate detector of a shard that does not count votes: it finds nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s, VoteCells
from detectors.rate.detector import RateParams, RateStep


class NoRate:
    """Stands where the rate detector stands in a shard that does not count votes."""

    def __init__(self, params: RateParams) -> None:
        self.params = params

    def advance(self, _cells: VoteCells, _until_ms: int) -> RateStep:
        """Find nothing."""
        return RateStep([], None, [])

    def suspected(self) -> Int64s:
        """Suspect nothing."""
        return np.zeros(0, np.int64)

    def scores_of(self, polls: Int64s) -> Floats:
        """Suspect nothing."""
        return np.zeros(len(polls))

    def expected_per_s(self, polls: Int64s) -> Floats:
        """Expect nothing."""
        return np.full(len(polls), np.nan)

    def forget(self, _polls: Int64s) -> None:
        """Forget nothing: nothing is known."""

    def snapshot(self) -> dict[str, Any]:
        """Return no state."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over nothing."""
