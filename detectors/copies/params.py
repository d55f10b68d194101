"""What an operator may set about the detector of copied replies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CopiesParams:
    """Settings of the detector of copied replies.

    fewest_texts: texts. A swarm has at least so many different ones that the same accounts copy.
    fewest_accounts: accounts. A swarm has at least so many that copied a text in two polls or more.
    least_return: share. Of those who copied in one poll and vote in the next, so many at least copy again in a swarm.
    keep_replies: replies. So many of the last long ones are remembered.
    """

    fewest_texts: int = 4
    fewest_accounts: int = 10
    least_return: float = 0.6
    keep_replies: int = 131_072

    def __post_init__(self) -> None:
        if self.fewest_texts < 2:
            raise ValueError(f"fewest_texts must be 2 or more, not {self.fewest_texts}")
        if self.fewest_accounts < 3:
            raise ValueError(f"fewest_accounts must be 3 or more, not {self.fewest_accounts}")
        if not 0.1 <= self.least_return <= 1:
            raise ValueError(f"least_return must be 0.1 to 1, not {self.least_return}")
        if not 1_000 <= self.keep_replies <= 10_000_000:
            raise ValueError(f"keep_replies must be 1000 to 10000000, not {self.keep_replies}")
