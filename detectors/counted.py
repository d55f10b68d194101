"""What one advance of a shard counted, for metrics, the summary and `scores.csv`; nothing of it decides anything."""

from __future__ import annotations

from dataclasses import dataclass, field

from detectors.columns import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class ScoredWindows:
    """The rate detector's view of closed windows, one entry each; of one poll in order of time."""

    poll_ids: list[str]
    start_ms: Int64s
    votes: Int64s
    expected: Floats
    score: Floats
    alarm: Bools


@dataclass
class Counted:
    """What one advance of a shard counted, for metrics and the summary.

    `early` rows were let go because too many waited; event time goes on without the source `left_behind`. `unwatched`
    are votes and replies that count, but of which nobody looked at the sender, since the workers could not keep up.
    `ids_early` are event ids forgotten within the horizon, since there were too many.
    """

    votes: int = 0
    replies: int = 0
    duplicates: int = 0
    late: int = 0
    revotes: int = 0
    unwatched: int = 0
    polls_entered: int = 0
    polls_retired: int = 0
    polls_evicted: int = 0
    ids_early: int = 0
    early: int = 0
    left_behind: str | None = None
    scores: list[ScoredWindows] = field(default_factory=list)
