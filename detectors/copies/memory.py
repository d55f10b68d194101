"""What is remembered of those who write long replies: what they wrote, where, and how they voted. It judges nothing.

`most` replies are kept (28 bytes each, and their writers' ids, about 100 bytes): own words go first, then the oldest. Of
writers the votes are kept, at most twice as many (55 to 110 bytes each), and of everybody the last `RECENT_VOTES` votes (24 bytes
each), because a vote comes before the reply that goes with it. With 131,072 replies this is 60 MB at most.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Hashes, Int32s, Int64s, hashes, int64s
from detectors.erasure import Erasure
from detectors.keyed_table import KeyedTable, mix
from detectors.strings import Strings

RECENT_VOTES = 400_000

REPLY_COLUMNS = {"account": "u8", "poll": "i4", "text": "i8", "at_ms": "i8"}
VOTE_COLUMNS = {"account": "u8", "poll": "i4", "option": "i4", "at_ms": "i8"}


Votes: TypeAlias = dict[str, NDArray[Any]]
"""Votes in order: the columns named in `VOTE_COLUMNS`."""


class ByAccount:
    """Columns in which the rows of some accounts are found without looking at all of them."""

    def __init__(self, columns: dict[str, NDArray[Any]]) -> None:
        self._columns = columns
        self._order = np.argsort(columns["account"], kind="stable")
        self._sorted = columns["account"][self._order]

    def of(self, accounts: Hashes) -> dict[str, NDArray[Any]]:
        """Return the rows of these distinct accounts, in order."""
        end, length = self._ranges(accounts)
        places = np.repeat(end - np.cumsum(length), length) + np.arange(int(length.sum()))
        rows = np.sort(self._order[places])
        return {name: column[rows] for name, column in self._columns.items()}

    def count(self, accounts: Hashes) -> int:
        """Return how many rows these distinct accounts have."""
        return int(self._ranges(accounts)[1].sum())

    def _ranges(self, accounts: Hashes) -> tuple[Int64s, Int64s]:
        end = np.searchsorted(self._sorted, accounts, "right")
        return end, end - np.searchsorted(self._sorted, accounts, "left")


class Rows:
    """Columns of one length that rows are added to; `columns` may be read, not written."""

    def __init__(self, dtypes: dict[str, str]) -> None:
        self._dtypes = dtypes
        self.columns: dict[str, NDArray[Any]] = {name: np.zeros(0, dtype) for name, dtype in dtypes.items()}
        self._waiting: list[tuple[NDArray[Any], ...]] = []
        self._more = 0

    def __len__(self) -> int:
        return len(self.columns["account"]) + self._more

    def add(self, *columns: NDArray[Any]) -> None:
        """Add rows; columns stand in the order they were named in."""
        if len(columns[0]):
            self._waiting.append(columns)
            self._more += len(columns[0])

    def settle(self) -> dict[str, NDArray[Any]]:
        """Return all columns with everything added."""
        if self._waiting:
            parts = zip(self._dtypes.items(), zip(*self._waiting, strict=True), strict=True)
            self.columns = {
                name: np.concatenate((self.columns[name], *more)).astype(dtype, copy=False)
                for (name, dtype), more in parts
            }
            self._waiting, self._more = [], 0
        return self.columns

    def keep(self, rows: Any) -> None:
        """Forget all other rows."""
        self.columns = {name: column[rows] for name, column in self.settle().items()}

    def snapshot(self) -> dict[str, bytes]:
        """Return each column as bytes."""
        return {name: column.tobytes() for name, column in self.settle().items()}

    def restore(self, state: dict[str, bytes]) -> None:
        """Take over what `snapshot` returned."""
        self._waiting, self._more = [], 0
        self.columns = {name: np.frombuffer(state[name], dtype) for name, dtype in self._dtypes.items()}


class Memory:
    """Replies and votes of writers, and how many votes each poll has had."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.replies = Rows(REPLY_COLUMNS)
        self.votes = Rows(VOTE_COLUMNS)
        self._recent = Rows(VOTE_COLUMNS)
        self._writers = KeyedTable()
        self._ids: dict[int, str] = {}
        self.voters = int64s()
        self.losses = 0
        """How often replies were forgotten: after that, what isn't there may have been."""

    def vote(self, account: Hashes, poll: Int32s, option: Int32s, at_ms: Int64s, first: Bools) -> None:
        """Take votes in order: those of writers are kept, of others the last are."""
        if not len(account):
            return
        self._reach(int(poll.max()))
        self.voters += np.bincount(poll[first], minlength=len(self.voters))
        known = self._writers.contains(account)
        if known.any():
            self.votes.add(account[known], poll[known], option[known], at_ms[known])
        self._recent.add(account, poll, option, at_ms)
        if len(self._recent) > 2 * RECENT_VOTES:
            self._recent.keep(slice(-RECENT_VOTES, None))  # no more are ever looked at: see _recall

    def write(self, account: Hashes, ids: Strings, poll: Int32s, text: Int64s, at_ms: Int64s) -> None:
        """Take long replies in order, at least one; `text` is the serial of the example each is a copy of."""
        self._reach(int(poll.max()))
        self.replies.add(account, poll, text, at_ms)
        _, once = np.unique(account, return_index=True)
        once = once[~self._writers.contains(account[once])]
        self._writers.insert(account[once])
        self._ids.update(zip(account[once].tolist(), ids.take(once).texts(), strict=True))
        self._recall(account[once])

    def _recall(self, writers: Hashes) -> None:
        """Keep the votes that came just before their account's first long reply."""
        self._recent.keep(slice(-RECENT_VOTES, None))
        recent = self._recent.columns
        if len(writers) and len(self._recent):
            place = np.minimum(np.searchsorted(writers, recent["account"]), len(writers) - 1)
            mine = np.flatnonzero(writers[place] == recent["account"])
            self.votes.add(*(column[mine] for column in recent.values()))

    def forget_votes(self, before_ms: int) -> None:
        """Forget votes before `before_ms` of those who never wrote."""
        before = np.searchsorted(self._recent.settle()["at_ms"], before_ms)
        self._recent.keep(slice(int(before), None))

    @property
    def is_full(self) -> bool:
        """Whether there is more than may be kept."""
        return len(self.replies) > self._most or len(self.votes) > 2 * self._most

    def make_room(self, own_words: Bools) -> None:
        """Forget a quarter of the replies, `own_words` first, then the oldest, and the oldest votes."""
        if len(self.votes) > 2 * self._most:
            self.votes.keep(self._last_votes()[-self._most * 3 // 2 :])
        if len(self.replies) > self._most:
            rank = np.lexsort((np.arange(len(self.replies)), ~own_words))
            self.replies.keep(np.sort(rank[len(rank) - self._most * 3 // 4 :]))
            self._forget_writers()

    def last_votes(self) -> Votes:
        """Return the last vote of each writer in each poll, in order."""
        self.votes.keep(self._last_votes())
        return self.votes.columns

    def _last_votes(self) -> Int64s:
        votes = self.votes.settle()
        key = mix(votes["account"], votes["poll"].astype(np.int64))
        newest = np.unique(key[::-1], return_index=True)[1]
        return np.sort(len(key) - 1 - newest)

    def _forget_writers(self) -> None:
        self.losses += 1
        left = np.unique(self.replies.columns["account"])
        self._writers.replace(left, {})
        self._ids = {account: self._ids[account] for account in left.tolist()}
        self.votes.keep(self._writers.contains(self.votes.settle()["account"]))

    def forget(self, polls: Int64s) -> None:
        """Forget all that happened in these polls."""
        before = len(self.replies)
        for rows in (self.replies, self.votes, self._recent):
            gone = np.isin(rows.settle()["poll"], polls)
            if gone.any():
                rows.keep(~gone)
        if len(self.replies) < before:
            self._forget_writers()
        self.voters[polls[polls < len(self.voters)]] = 0

    def erase(self, erasure: Erasure) -> None:
        """Forget an account; how many voted in each poll stays."""
        for rows in (self.replies, self.votes, self._recent):
            rows.keep(~erasure.of(rows.settle()["account"]))
        if self._ids.pop(erasure.account, None) is not None:
            self._writers.replace(hashes(list(self._ids)), {})

    def names(self, accounts: list[int]) -> list[str]:
        """Return the ids of writers; of those that were forgotten nothing."""
        return [self._ids[account] for account in accounts if account in self._ids]

    def _reach(self, poll: int) -> None:
        if poll >= len(self.voters):
            self.voters = np.concatenate((self.voters, np.zeros(poll + 1, np.int64)))

    def snapshot(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "replies": self.replies.snapshot(),
            "votes": self.votes.snapshot(),
            "recent": self._recent.snapshot(),
            "accounts": list(self._ids),
            "ids": list(self._ids.values()),
            "voters": self.voters.tobytes(),
            "losses": self.losses,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self.replies.restore(state["replies"])
        self.votes.restore(state["votes"])
        self._recent.restore(state["recent"])
        self._ids = dict(zip(state["accounts"], state["ids"], strict=True))
        self._writers.replace(hashes(state["accounts"]), {})
        self.voters = np.frombuffer(state["voters"], np.int64).copy()
        self.losses = state["losses"]
