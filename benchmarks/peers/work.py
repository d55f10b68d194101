"""What a peer does with a vote, in plain Python and one at a time, as its author would write it. Knows no Kafka.

`COUNTS` is less than Pollwatch does: windows of ten seconds for each poll by option, scored and learned by River when they
are over, and votes by account. `RIVER` is the same with windows as River's documentation shows them: `TimeRolling`, scored and
learned at each vote. `ALL` is `COUNTS` and each thing that Pollwatch does with a vote, in the simplest form that has a use:
limits of fields, copies by id, late votes, an account's last vote counts, who votes (four properties against the poll's
past), who votes where others just voted. No peer forms cases, verdicts or lists of accounts, and none keeps its state anywhere
but in its memory unless its framework does.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
from river import anomaly, stats, utils

WINDOW_MS = 10_000
ABNORMAL = 0.9999
_LATE_MS = 1_000
_LONGEST_ID = 128
_REMEMBERED_IDS = 1_000_000
_PROPERTIES = ("client", "network", "country", "referrer")
_COMMON_POLLS = 3
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  River holds times against one without a zone


class Work(enum.StrEnum):
    """How much is done with a vote."""

    COUNTS = "counts"
    RIVER = "River's windows"
    ALL = "all"


class Vote(msgspec.Struct, gc=False):
    """A vote with what Pollwatch reads of it."""

    event_id: str
    poll_id: str
    option: str
    account_id: str
    ts: int
    account_created_at: int | None = None
    followers: int | None = None
    client: str | None = None
    network: str | None = None
    country: str | None = None
    referrer: str | None = None


decode_vote = msgspec.json.Decoder(Vote).decode
"""What those peers decode with that leave it to their author: the fastest there is for Python."""


class RateScore:
    """River's score of a poll's windows, one after the other."""

    def __init__(self) -> None:
        self._mean = stats.EWMean(fading_factor=0.1)
        self._scorer = anomaly.GaussianScorer(grace_period=10)  # type: ignore[no-untyped-call]

    def close(self, votes: int) -> dict[str, Any] | None:
        """Score a window that is over and learn it; return what an alert says when it was abnormal."""
        score = self._scorer.score_one(None, votes)  # type: ignore[no-untyped-call]
        expected = self._mean.get()
        self._scorer.learn_one(None, votes)  # type: ignore[no-untyped-call]
        self._mean.update(votes)
        return None if score < ABNORMAL else {"votes": votes, "expected": expected, "score": score}


@dataclass
class Poll:
    """What is known of one poll."""

    window: int = -1
    votes: Counter[str] = field(default_factory=Counter)
    accounts: Counter[str] = field(default_factory=Counter)
    rate: RateScore = field(default_factory=RateScore)

    def count(self, option: str, account_id: str, ts: int) -> dict[str, Any] | None:
        """Count a vote; return an alert when it ends a window that was abnormal."""
        window = ts // WINDOW_MS
        alert = None
        if window > self.window:
            if self.window >= 0:
                alert = self.rate.close(sum(self.votes.values()))
            self.window = window
            self.votes.clear()
        self.votes[option] += 1
        self.accounts[account_id] += 1
        return alert


@dataclass
class WholePoll(Poll):
    """What more is known of it when all is done."""

    latest_ms: int = 0
    late: int = 0
    choice: dict[str, str] = field(default_factory=dict)
    result: Counter[str] = field(default_factory=Counter)
    now: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    past: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    odd: list[tuple[str, str | None]] = field(default_factory=list)

    def observe(self, vote: Vote) -> dict[str, Any] | None:
        """Do all that concerns this poll alone."""
        late = vote.ts < self.latest_ms - _LATE_MS
        self.latest_ms = max(self.latest_ms, vote.ts)
        self.late += late
        before = self.choice.get(vote.account_id)
        if before is not None:
            self.result[before] -= 1
        self.choice[vote.account_id] = vote.option
        self.result[vote.option] += 1
        window = self.window
        alert = self.count(vote.option, vote.account_id, vote.ts)
        if self.window != window:
            self._compare()
        for name in _PROPERTIES:
            self.now[name, getattr(vote, name)] += 1
        return alert

    def _compare(self) -> None:
        """Keep the properties of the last window that were three times as frequent as ever before."""
        now, past = sum(self.now.values()) or 1, sum(self.past.values()) or 1
        self.odd = [one for one, n in self.now.items() if n > 20 and n / now > 3 * (self.past[one] + 1) / past]
        self.past.update(self.now)
        self.now.clear()


class Everything:
    """All polls, and what is seen only across them."""

    def __init__(self) -> None:
        self.polls: dict[str, WholePoll] = {}
        self.refused = self.copies = 0
        self.together: Counter[tuple[tuple[str, str], ...]] = Counter()
        self._ids: dict[str, None] = {}
        self._where: dict[str, deque[tuple[str, str]]] = {}

    def observe(self, vote: Vote) -> dict[str, Any] | None:
        """Do all that is done with a vote; return an alert when it ends a window that was abnormal."""
        ids = vote.event_id, vote.poll_id, vote.account_id, vote.option
        if not all(0 < len(one) <= _LONGEST_ID for one in ids) or not 0 <= vote.ts <= 1 << 53:
            self.refused += 1
            return None
        if self._is_copy(vote.event_id):
            self.copies += 1
            return None
        poll = self.polls.get(vote.poll_id)
        if poll is None:
            poll = self.polls[vote.poll_id] = WholePoll()
        where = self._where.get(vote.account_id)
        if where is None:
            where = self._where[vote.account_id] = deque(maxlen=_COMMON_POLLS)
        where.append((vote.poll_id, vote.option))
        if len(where) == _COMMON_POLLS:
            self.together[tuple(sorted(where))] += 1
        return poll.observe(vote)

    def _is_copy(self, event_id: str) -> bool:
        if event_id in self._ids:
            return True
        self._ids[event_id] = None
        if len(self._ids) > _REMEMBERED_IDS:
            del self._ids[next(iter(self._ids))]
        return False


class Counts:
    """The counts of all polls."""

    def __init__(self) -> None:
        self.polls: dict[str, Poll] = {}

    def observe(self, vote: Vote) -> dict[str, Any] | None:
        """Count a vote; return an alert when it ends a window that was abnormal."""
        poll = self.polls.get(vote.poll_id)
        if poll is None:
            poll = self.polls[vote.poll_id] = Poll()
        return poll.count(vote.option, vote.account_id, vote.ts)


class _RiverPoll:
    """One poll, its window kept by River."""

    def __init__(self) -> None:
        self.rate: Any = utils.TimeRolling(stats.Sum, period=dt.timedelta(milliseconds=WINDOW_MS))
        self.scorer = anomaly.GaussianScorer(grace_period=100)  # type: ignore[no-untyped-call]
        self.accounts: Counter[str] = Counter()
        self.latest_ms = 0


class RiverWindows:
    """Votes of the last ten seconds of each poll, scored and learned at each vote."""

    def __init__(self) -> None:
        self.polls: dict[str, _RiverPoll] = {}

    def observe(self, vote: Vote) -> dict[str, Any] | None:
        """Count a vote; return an alert when its poll's rate is abnormal with it."""
        poll = self.polls.get(vote.poll_id)
        if poll is None:
            poll = self.polls[vote.poll_id] = _RiverPoll()
        # a window of River's takes no time before the last one
        poll.latest_ms = max(poll.latest_ms, vote.ts)
        poll.rate.update(1, t=_EPOCH + dt.timedelta(milliseconds=poll.latest_ms))
        votes = poll.rate.get()
        score = poll.scorer.score_one(None, votes)  # type: ignore[no-untyped-call]
        poll.scorer.learn_one(None, votes)  # type: ignore[no-untyped-call]
        poll.accounts[vote.account_id] += 1
        return None if score < ABNORMAL else {"votes": votes, "score": score}


_KINDS: dict[Work, type[Counts | RiverWindows | Everything]] = {Work.COUNTS: Counts, Work.RIVER: RiverWindows, Work.ALL: Everything}


def new(work: Work) -> Counts | RiverWindows | Everything:
    """Return what does this much."""
    return _KINDS[work]()
