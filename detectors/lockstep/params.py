"""What an operator may set about the lockstep detector, and the bounds on its memory that follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LockstepParams:
    """Settings of the lockstep detector.

    false_groups_per_poll_day: groups of independent people that may be accused for each poll and day.
    min_accounts: accounts that must have met before a meeting is looked at.
    max_votes: first votes of accounts that are remembered, about 60 bytes each and in every snapshot; beyond it the
        oldest quarter goes. 1,000,000 hold one vote of each of a million active accounts: then whoever meets is seen
        only if fewer than 750,000 votes came since the last meeting (4 minutes at 3,000 votes a second).
    keep_ms: milliseconds (event time) after which a vote is forgotten, however few came since.
    quiet_ms: milliseconds (event time) without a new meeting after which a group is no longer watched.
    Raises ValueError where a value makes no sense.
    """

    false_groups_per_poll_day: float = 0.001
    min_accounts: int = 5
    max_votes: int = 1_000_000
    keep_ms: int = 30 * 24 * 3_600_000
    quiet_ms: int = 6 * 3_600_000

    def __post_init__(self) -> None:
        if not 0 < self.false_groups_per_poll_day <= 1:
            raise ValueError(
                f"false_groups_per_poll_day must be above 0, up to 1, not {self.false_groups_per_poll_day}"
            )
        if self.min_accounts < 3:
            raise ValueError(f"min_accounts must be at least 3, not {self.min_accounts}")
        if self.max_votes < 1_000:
            raise ValueError(f"max_votes must be at least 1000, not {self.max_votes}")
        if self.quiet_ms < 600_000:
            raise ValueError(f"quiet_ms must be at least 600000, not {self.quiet_ms}")
        if self.keep_ms < 2 * self.quiet_ms:
            raise ValueError(f"keep_ms must be at least twice quiet_ms ({self.quiet_ms}), not {self.keep_ms}")
