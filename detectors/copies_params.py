"""What an operator may set about the detector of copied replies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CopiesParams:
    """Settings of the detector of copied replies.

    step_ms: milliseconds. How often new replies are compared with those before.
    resemblance: share. Two texts are copies when they have so much of their shingles in common (Jaccard index).
    fewest_texts: texts. A swarm has at least so many different ones that the same accounts copy.
    fewest_accounts: accounts. A swarm has at least so many that copied a text in two polls or more.
    least_return: share. Of those who copied in one poll and vote in the next, so many at least copy again in a swarm.
    keep_replies: replies. So many of the last long ones are remembered.
    """

    step_ms: int = 30_000
    resemblance: float = 0.35
    fewest_texts: int = 4
    fewest_accounts: int = 10
    least_return: float = 0.5
    keep_replies: int = 131_072

    def __post_init__(self) -> None:
        if not 1_000 <= self.step_ms <= 600_000:
            raise ValueError(f"step_ms must be 1000 to 600000, not {self.step_ms}")
        if not 0.2 <= self.resemblance <= 1:
            raise ValueError(f"resemblance must be 0.2 to 1, not {self.resemblance}")
        if self.fewest_texts < 2:
            raise ValueError(f"fewest_texts must be 2 or more, not {self.fewest_texts}")
        if self.fewest_accounts < 3:
            raise ValueError(f"fewest_accounts must be 3 or more, not {self.fewest_accounts}")
        if not 0.1 <= self.least_return <= 1:
            raise ValueError(f"least_return must be 0.1 to 1, not {self.least_return}")
        if self.keep_replies < 1_000:
            raise ValueError(f"keep_replies must be 1000 or more, not {self.keep_replies}")
