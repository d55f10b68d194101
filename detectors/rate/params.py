"""What an operator may set about the vote-rate detector, and the time grid that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

DAY_MS = 86_400_000

_SPAN_PARTS = (60, 15, 4, 1)
_SLOW_MEMORY_MS = 8 * 3_600_000
_DRIP_AGE_MS = 3_600_000
_LONG_WINDOW_MS = 300_000

LESSON_WINDOWS = 10
"""Windows that are learned together."""

BLOCK_LESSONS = 3
BLOCK_WINDOWS = BLOCK_LESSONS * LESSON_WINDOWS
"""Windows in a block, whose sums tell how far slow traffic wanders."""


@dataclass(frozen=True)
class RateParams:
    """Settings of the vote-rate detector.

    window_ms: milliseconds. The baseline learns once a window; scores are reported for each window.
    tick_ms: milliseconds. How often spikes are looked for; divides window_ms.
    false_alarms_per_poll_day: alarms allowed for each poll and day of traffic without a surge.
    min_excess_votes: votes. A spike is never fewer votes than this above what was expected.
    calm_ms: milliseconds. An episode ends when its score stayed below 0.7 for so long.
    quiet_ms: milliseconds. A poll without a vote for so long gives its state back.
    hold_windows: windows. Suspicious windows in a row before they are believed to be the poll's new level.
    """

    window_ms: int = 60_000
    tick_ms: int = 250
    false_alarms_per_poll_day: float = 0.01
    min_excess_votes: int = 10
    calm_ms: int = 600_000
    quiet_ms: int = 6 * 3_600_000
    hold_windows: int = 30

    def __post_init__(self) -> None:
        if not 1_000 <= self.window_ms <= DAY_MS:
            raise ValueError(f"window_ms must be 1000 to {DAY_MS}, not {self.window_ms}")
        if self.tick_ms < 50 or self.window_ms % self.tick_ms:
            raise ValueError(f"tick_ms must be 50 or more and divide window_ms, not {self.tick_ms}")
        if not 1e-9 <= self.false_alarms_per_poll_day <= 10:
            raise ValueError(f"false_alarms_per_poll_day must be 1e-9 to 10, not {self.false_alarms_per_poll_day}")
        if self.min_excess_votes < 1:
            raise ValueError(f"min_excess_votes must be 1 or more, not {self.min_excess_votes}")
        if self.calm_ms < 1:
            raise ValueError(f"calm_ms must be 1 or more, not {self.calm_ms}")
        if self.quiet_ms < LESSON_WINDOWS * self.window_ms:
            raise ValueError(f"quiet_ms must be {LESSON_WINDOWS} windows or more, not {self.quiet_ms}")
        if self.hold_windows < 2:
            raise ValueError(f"hold_windows must be 2 or more, not {self.hold_windows}")

    @property
    def spans_ms(self) -> tuple[int, ...]:
        """Lengths of the trailing spans that are looked at for spikes, ascending: whole parts of a window, in whole ticks.

        >>> RateParams().spans_ms
        (1000, 4000, 15000, 60000)
        >>> RateParams(window_ms=300_000, tick_ms=300_000).spans_ms
        (300000,)
        """
        return _spans_ms(self.window_ms, self.tick_ms)

    @property
    def whole_windows(self) -> bool:
        """Tell whether only whole windows, of five minutes or more, are asked for: a volume, not a moment."""
        return self.tick_ms == self.window_ms >= _LONG_WINDOW_MS

    @property
    def windows_per_day(self) -> float:
        """Windows in a day."""
        return DAY_MS / self.window_ms

    @property
    def calm_windows(self) -> int:
        """Windows below 0.7 that end an episode."""
        return -(-self.calm_ms // self.window_ms)

    @property
    def slow_memory_windows(self) -> int:
        """Windows over which the level that drips are compared with is averaged."""
        return max(32, _SLOW_MEMORY_MS // self.window_ms)

    @property
    def lesson_ms(self) -> int:
        """Length of a lesson."""
        return LESSON_WINDOWS * self.window_ms

    @property
    def drip_age_windows(self) -> int:
        """Age of a poll before it is watched for drips."""
        return max(2 * LESSON_WINDOWS, _DRIP_AGE_MS // self.window_ms)


@cache
def _spans_ms(window_ms: int, tick_ms: int) -> tuple[int, ...]:
    return tuple(window_ms // part for part in _SPAN_PARTS if window_ms % (part * tick_ms) == 0)
