"""What an operator may set about the composition detector. It must not know how anything is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CrowdParams:
    """Settings of the composition detector.

    step_ms: milliseconds. Polls that look unusual are examined at whole multiples of this (event time).
    log_votes: votes. So many of the last votes a shard remembers with their senders, 110 bytes or so each.
    chunk_votes: votes. Every so many votes of a poll in a row are looked over at once.
    false_accusations: chance that an examination accuses a crowd that is unusual in one way only.
    min_members: accounts. A group smaller than this is never accused.
    """

    step_ms: int = 1_000
    log_votes: int = 150_000
    chunk_votes: int = 32
    false_accusations: float = 1e-8
    min_members: int = 16

    def __post_init__(self) -> None:
        if not 250 <= self.step_ms <= 10_000 or 60_000 % self.step_ms:
            raise ValueError(f"step_ms must be 250 to 10000 and divide a minute, not {self.step_ms}")
        if not 1_000 <= self.log_votes <= 10_000_000:
            raise ValueError(f"log_votes must be 1000 to 10000000, not {self.log_votes}")
        if not 16 <= self.chunk_votes <= 256:
            raise ValueError(f"chunk_votes must be 16 to 256, not {self.chunk_votes}")
        if not 1e-30 <= self.false_accusations <= 1e-3:
            raise ValueError(f"false_accusations must be 1e-30 to 0.001, not {self.false_accusations}")
        if self.min_members < 10:
            raise ValueError(f"min_members must be 10 or more, not {self.min_members}")
