"""When a poll that surges again may be spoken of again: not within 18 hours, unless it is much larger, and not for ever.

Budgets hold where traffic is as a model says. Some polls burst by nature; for these the bar follows their own alarms: each
one raises it, each quiet day lowers it, so that in the long run no more than one in three days is said, whatever the traffic
does (adaptive conformal inference: Gibbs & Candès 2021, NeurIPS 34; there the level of a test follows its own errors).
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

from detectors.rate.params import DAY_MS, RateParams

_REST_DAYS, _MUCH_LARGER = 0.75, 2.0
_RAISED_BY, _ALARMS_PER_DAY, _MOST_RAISED = 0.25, 1 / 3, 3.0


@dataclass(slots=True)
class _Said:
    """window: of the last alarm. score: the highest since. raised: logarithm of the bar, as it stood then."""

    window: int
    score: float
    raised: float


class Restraint:
    """What was said of each row. About 150 bytes for each row that ever spoke."""

    def __init__(self, params: RateParams) -> None:
        self._windows_per_day = DAY_MS / params.window_ms
        self._said: dict[int, _Said] = {}

    def allows(self, row: int, window: int, score: float) -> bool:
        """Tell whether a score above 1 may be spoken of."""
        said = self._said.get(row)
        if said is None:
            return True
        if window - said.window <= _REST_DAYS * self._windows_per_day:
            return score > _MUCH_LARGER * said.score
        return score > math.exp(self._raised(said, window))

    def _raised(self, said: _Said, window: int) -> float:
        days = (window - said.window) / self._windows_per_day
        return max(0.0, said.raised - _RAISED_BY * _ALARMS_PER_DAY * days)

    def spoke(self, row: int, window: int, score: float) -> None:
        """Remember an alarm."""
        said = self._said.get(row)
        raised = self._raised(said, window) if said else 0.0
        self._said[row] = _Said(window, score, min(raised + _RAISED_BY, _MOST_RAISED))

    def saw(self, row: int, score: float) -> None:
        """Remember how high an episode went after its alarm."""
        said = self._said[row]
        said.score = max(said.score, score)

    def forget(self, row: int) -> None:
        """Forget a row."""
        self._said.pop(row, None)

    def snapshot(self) -> list[list[float]]:
        """Return the state as plain data."""
        return [[row, *astuple(said)] for row, said in self._said.items()]

    def restore(self, state: list[list[float]]) -> None:
        """Take over what `snapshot` returned."""
        self._said = {int(row): _Said(int(window), score, raised) for row, window, score, raised in state}
