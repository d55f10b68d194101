"""Runs of votes straight from JSON to columns, where all are written plainly (`compiled/vote_lines.c`). Knows no batch.

Nothing is refused here: a run in which anything is unusual is left to `streams.decode_batch`, which gives the same columns for what
both accept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiled.library import COLUMN, INTEGER, address, function
from detectors.columns import Hashes, Int32s, Int64s
from detectors.senders import NO_TIME_MS, Senders
from detectors.strings import Strings
from streams.bytes_column import Bytes
from streams.decode_record import is_utf8

_read = function("pollwatch_vote_lines", *[COLUMN] * 3, INTEGER, INTEGER, COLUMN, INTEGER, *[COLUMN] * 16)
_LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class VoteLines:
    """A run of votes: `poll` and `option` are numbers into `poll_ids` and `options`, names in order of appearance."""

    ts_ms: Int64s
    event: Hashes
    account: Hashes
    poll: Int32s
    poll_ids: list[str]
    option: Int32s
    options: list[str]
    sender: Senders

    def __len__(self) -> int:
        return len(self.ts_ms)


def vote_lines(values: Bytes, key: bytes, max_record_bytes: int) -> VoteLines | None:
    """Return the columns of at most 1,024 votes, or None when not all are plain. `key` are the 16 bytes of the hashes."""
    rows = len(values)
    ts_ms, created_ms, id_ends = (np.empty(rows, np.int64) for _ in range(3))
    event, account = (np.empty(rows, np.uint64) for _ in range(2))
    poll, option, followers = (np.empty(rows, np.int32) for _ in range(3))
    client, network, referrer = (np.empty(rows, np.uint32) for _ in range(3))
    country, ids = np.empty(rows, np.int16), np.empty(rows * _LONGEST_ID, np.uint8)
    poll_at, option_at = (np.empty((rows, 2), np.int64) for _ in range(2))
    counts = np.empty(3, np.int64)
    read = [address(column) for column in (np.frombuffer(values.data, np.uint8), values.start, values.end)]
    filled = (ts_ms, event, account, poll, option, created_ms, followers, client, network, country, referrer)
    told = (ids, id_ends, poll_at, option_at, counts)
    into = [address(column) for column in (*filled, *told)]
    settings = rows, max_record_bytes, address(np.frombuffer(key, np.uint8)), NO_TIME_MS
    done = _read(*read, *settings, *into)
    if done < rows or (counts[2] and not is_utf8(b"\n".join(value for value in values if value is not None))):
        return None
    polls, options = (_names(values.data, at[: counts[n]]) for n, at in enumerate((poll_at, option_at)))
    account_ids = Strings(ids[: int(id_ends[-1]) if rows else 0].copy(), id_ends)
    no_sketch = np.zeros((rows, 0), np.uint32)
    sender = Senders(account_ids, created_ms, followers, client, network, country, referrer, no_sketch)
    return VoteLines(ts_ms, event, account, poll, polls, option, options, sender)


def _names(text: bytes | memoryview, places: Int64s) -> list[str]:
    return [bytes(text[start:end]).decode() for start, end in places.tolist()]
