"""How much a shard remembers."""

from __future__ import annotations

from dataclasses import dataclass

SWEEP_MS = 3_600_000
"""How often polls that are quiet for long are looked for (event time)."""


@dataclass(frozen=True)
class ShardParams:
    """Limits of one shard's memory.

    duplicate_horizon_ms: an `event_id` that comes again within this (event time) is the same event. 60,000 or more.
    max_recent_ids: `event_id`s a shard remembers for that; beyond it the horizon is shorter. Copies of a vote that are not found
        change no count of votes, since the account's last one counts: they count as revotes, and for the rate.
    retain_ms: a poll without a vote or reply for so long (event time) leaves memory, its votes with it.
    max_polls: polls a shard holds; beyond it those that were quiet longest leave early, a sixteenth more than necessary.
    max_waiting_rows: votes and replies a shard holds back until every source has passed their time; beyond it event time
        passes over the oldest quarter, and what a source that is further behind still sends is late.
    """

    duplicate_horizon_ms: int = 600_000
    max_recent_ids: int = 20_000_000
    retain_ms: int = 7 * 24 * 3_600_000
    max_polls: int = 50_000
    max_waiting_rows: int = 500_000

    def limits(self) -> dict[str, int]:
        """Return how many entries each bounded store may hold."""
        return {"waiting_rows": self.max_waiting_rows, "recent_ids": self.max_recent_ids, "polls": self.max_polls}

    def __post_init__(self) -> None:
        if self.duplicate_horizon_ms < 60_000:
            raise ValueError(f"duplicate_horizon_ms must be 60000 or more, not {self.duplicate_horizon_ms}")
        if self.max_recent_ids < 1_000:
            raise ValueError(f"max_recent_ids must be 1000 or more, not {self.max_recent_ids}")
        if self.retain_ms < SWEEP_MS:
            raise ValueError(f"retain_ms must be {SWEEP_MS} or more, not {self.retain_ms}")
        if self.max_polls < 1:
            raise ValueError(f"max_polls must be 1 or more, not {self.max_polls}")
        if self.max_waiting_rows < 1_000:
            raise ValueError(f"max_waiting_rows must be 1000 or more, not {self.max_waiting_rows}")
