"""What an operator may set about the shape of surges, and the time grid that everything of it is counted on."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

DAY_MS = 86_400_000
TICK_MS = 2_000
"""How often the detector looks; evidence of shorter spans is added up."""

FRAME_MS = 32_000
"""Longest span that is halved; levels are learned once a frame."""

SLOTS = 9
"""Series of a poll: slot 0 is all its votes, the others its first eight options."""

PROFILES = 4
"""Kinds of clock that are looked for side by side (`detectors.shape.halves`)."""

_REACHED = 0.26


@dataclass(frozen=True)
class ShapeParams:
    """Settings of the rate-shape detector.

    false_alarms_per_poll_day: clocks found by chance, for each poll and day of traffic that never rests.
    calm_ms: milliseconds. An episode ends when nothing came like a clock for so long.
    """

    false_alarms_per_poll_day: float = 0.001
    calm_ms: int = 120_000

    def __post_init__(self) -> None:
        if not 1e-9 <= self.false_alarms_per_poll_day <= 1:
            raise ValueError(f"false_alarms_per_poll_day must be 1e-9 to 1, not {self.false_alarms_per_poll_day}")
        if not FRAME_MS <= self.calm_ms <= DAY_MS:
            raise ValueError(f"calm_ms must be {FRAME_MS} to {DAY_MS}, not {self.calm_ms}")

    @property
    def height(self) -> float:
        """Evidence (nats) at which a series speaks.

        A product of e-values that begins anew at 1 takes e^h looks or more on average to reach e^h by chance (Lorden
        1971, theorem 2; Shin, Ramdas and Rinaldo 2023, section 3); measured at 0.3 to 20 votes a second, it takes four
        times as many. Half of the budget is the poll's, half its options': they share its votes, and so its looks.
        """
        looks = PROFILES * DAY_MS / TICK_MS
        return log(2 * looks * _REACHED / self.false_alarms_per_poll_day)

    @property
    def calm_frames(self) -> int:
        """Frames without a clock that end an episode."""
        return -(-self.calm_ms // FRAME_MS)
