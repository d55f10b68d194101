"""The vote rate of polls: which of them surge, beyond what their past and a budget of false alarms allow. Read this first.

Two ways lead there. Votes that come in ticks far shorter than a window are watched for spikes within seconds and for
drips over hours (rate_ticks). Where only whole windows of minutes or hours are asked for, each is held against the
rhythm of the poll's days (rate_volume). Either is a pure function of its cells: how they are cut into steps changes nothing.
"""

from __future__ import annotations

from typing import Any

from detectors.columns import Floats, Int64s, VoteCells
from detectors.rate.findings import RateFinding, RateKind, RatePhase, RateStep, WindowScores
from detectors.rate.params import RateParams
from detectors.rate.ticks import TickRate
from detectors.rate.volume import VolumeRate

__all__ = ["RateDetector", "RateFinding", "RateKind", "RateParams", "RatePhase", "RateStep", "WindowScores"]


class RateDetector:
    """Watches the polls of one shard."""

    def __init__(self, params: RateParams, *, keep_scores: bool = False) -> None:
        self.params = params
        way = VolumeRate if params.whole_windows else TickRate
        self._way: TickRate | VolumeRate = way(params, keep_scores=keep_scores)

    def __len__(self) -> int:
        """Return how many series are in memory."""
        return len(self._way)

    def advance(self, cells: VoteCells, until_ms: int) -> RateStep:
        """Work through the votes in [previous until_ms, until_ms), which is a multiple of tick_ms.

        Cells of a poll may begin at any time. Raises ValueError when time goes back or a cell lies outside the step.
        """
        return self._way.advance(cells, until_ms)

    def suspected(self) -> Int64s:
        """Return the polls that are in an episode, in no order."""
        return self._way.suspected()

    def scores_of(self, polls: Int64s) -> Floats:
        """Return the score of the last window of each poll that is in an episode; 0 where nothing is suspected."""
        return self._way.scores_of(polls)

    def expected_per_s(self, polls: Int64s) -> Floats:
        """Return the votes a second that are expected of each poll in the window that is open; NaN where nobody can tell."""
        return self._way.expected_per_s(polls)

    def forget(self, polls: Int64s) -> None:
        """Forget all about these polls: their numbers may stand for other polls from now on."""
        self._way.forget(polls)

    def snapshot(self) -> list[Any]:
        """Return the state as plain data; a detector of the same parameters that restores it continues identically."""
        return self._way.snapshot()

    def restore(self, snapshot: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self._way.restore(snapshot)
