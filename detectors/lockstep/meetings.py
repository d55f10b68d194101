"""Where accounts that vote together now have voted together before: found among pairs of polls, not yet judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Hashes, Int32s, Int64s
from detectors.keyed_table import mix
from detectors.lockstep.chance import WIDE_MS, WIDTHS_MS, crowd_share, worth_a_look
from detectors.lockstep.log import VoteLog, distinct

_DEPTH = 16
UNIT_MS = 250
TIME_BITS, _POLL_BITS = 28, 20
_MOST_POLLS = (1 << (62 - TIME_BITS - _POLL_BITS)) - 1
_MOST_MEETINGS, _MOST_OF_MANY = 64, 12
"""Meetings that are returned at once; fewer where there are so many votes that each takes long to weigh."""
MOST_ROWS = 8_000
"""Votes of accounts with a history that are joined at once; of more, a share of the accounts is."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Votes of one poll in [start_ms, end_ms]."""

    poll: int
    start_ms: int
    end_ms: int

    def overlaps(self, other: Burst) -> bool:
        """Tell whether two bursts of one poll have time in common."""
        return self.poll == other.poll and self.start_ms <= other.end_ms and other.start_ms <= self.end_ms


def apart(bursts: list[Burst]) -> list[Burst]:
    """Return bursts that do not overlap, of those that do the first."""
    chosen: list[Burst] = []
    for burst in bursts:
        if not any(burst.overlaps(one) for one in chosen):
            chosen.append(burst)
    return chosen


@dataclass(frozen=True, slots=True)
class Meeting:
    """Accounts (sorted) that voted in burst `here` and, earlier, in burst `there`, each within `width_ms`."""

    here: Burst
    there: Burst
    width_ms: int
    accounts: Hashes

    def is_part_of(self, other: Meeting) -> bool:
        """Tell whether another meeting overlaps this one in both polls and holds as many accounts."""
        bursts = ((self.here, other.here), (self.there, other.there))
        return len(self.accounts) <= len(other.accounts) and all(a.overlaps(b) for a, b in bursts)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Votes `row` of late and an earlier vote `was` of the same account in another poll, in order of `key`.

    `key` is (poll now, poll then, time then), in one number, so that a window of time then is a run of it.
    """

    row: Int64s
    was: Int64s
    key: Int64s


def find_meetings(
    log: VoteLog, since_ms: int, min_accounts: int, polls: tuple[int, int] = (0, 1)
) -> tuple[list[Meeting], int]:
    """Return where at least `min_accounts` of those that came since `since_ms` met before, and how many were looked at.

    Only those that are worth a closer look are returned, the largest first. With `polls` (k, n) one poll in n is looked at.
    """
    rows = log.returned(since_ms)
    most = _MOST_MEETINGS if len(rows) <= MOST_ROWS else _MOST_OF_MANY
    pairs = _pairs(log, rows, min_accounts, polls)
    if len(pairs.key) < min_accounts:
        return [], 0
    found: list[Meeting] = []
    looked_at = 0
    for width_ms in WIDTHS_MS:
        meetings, count = _of_width(log, pairs, width_ms, min_accounts, most)
        found, looked_at = found + meetings, looked_at + count
    found.sort(key=lambda one: -len(one.accounts))
    return found[:most], looked_at


def _pairs(log: VoteLog, rows: Int64s, min_accounts: int, polls: tuple[int, int]) -> _Pairs:
    part, parts = polls
    if parts > 1:
        rows = rows[log.poll[rows] % parts == part]
    rank = _ranks(log.poll[rows], min_accounts)
    rows = _sample(log, rows[rank[log.poll[rows] + 1] > 0])
    row, was = log.earlier(rows, _DEPTH)
    before, now = log.poll[was], rank[log.poll[row] + 1]
    other = (log.poll[row] != before) & (before >= 0) & (before < 1 << _POLL_BITS)
    row, was = row[other], was[other]
    key = (now[other] << _POLL_BITS | before[other]) << TIME_BITS | time_units(log, was)
    kept = np.flatnonzero(_crowded(key, min_accounts))
    kept = kept[np.argsort(key[kept], kind="stable")]
    return _Pairs(row[kept], was[kept], key[kept])


def _sample(log: VoteLog, rows: Int64s) -> Int64s:
    """Return the rows; beyond `MOST_ROWS` those of some accounts, always the same ones first."""
    if len(rows) <= MOST_ROWS:
        return rows
    share = MOST_ROWS / len(rows)
    return rows[mix(log.account[rows], 1) < np.uint64(share * 2**64)]


def _ranks(poll: Int32s, min_accounts: int) -> Int64s:
    """Return by poll number + 1 a number from 1 on for polls with enough votes to matter, 0 for the others."""
    busy: Bools = np.bincount(poll + 1, minlength=1) >= min_accounts
    busy[0] = False
    rank = np.cumsum(busy) * busy
    return np.where(rank > _MOST_POLLS, 0, rank)


def _crowded(key: Int64s, min_accounts: int) -> Bools:
    """Tell which rows belong to two polls that have enough accounts within some time; to others hardly any do.

    Counted in a table whose places different polls and times may share: none is missed.
    """
    bits = max(10, len(key).bit_length() + 2)
    pair = (
        (key >> TIME_BITS).astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15) >> np.uint64(64 - bits)
    ).astype(np.int64)
    bins = (key & ((1 << TIME_BITS) - 1)) // (WIDTHS_MS[-1] // UNIT_MS)
    place = (pair + bins) & ((1 << bits) - 1)
    count = np.bincount(place, minlength=1 << bits)
    # a window lies in two bins that follow each other, and so do their places
    before, after = np.concatenate((count[-1:], count[:-1])), np.concatenate((count[1:], count[:1]))
    enough = count + np.maximum(before, after) >= min_accounts
    crowded = np.zeros(1 << bits, np.bool_)
    crowded[pair[enough[place]]] = True
    kept: Bools = crowded[pair]
    return kept


def time_units(log: VoteLog, rows: Int64s) -> Int64s:
    """Return when votes happened, in units since an hour before the oldest one (2 years fit)."""
    units = (log.ts_ms[rows] - int(log.at_ms[0]) + 3_600_000) // UNIT_MS
    clipped: Int64s = np.clip(units, WIDE_MS // UNIT_MS, (1 << TIME_BITS) - 1 - WIDE_MS // UNIT_MS)
    return clipped


def _of_width(
    log: VoteLog, pairs: _Pairs, width_ms: int, min_accounts: int, most: int
) -> tuple[list[Meeting], int]:
    """Return meetings of this width, and how many windows were looked at."""
    key = pairs.key
    low = np.arange(len(key))
    high = np.searchsorted(key, key + width_ms // UNIT_MS, "right")
    at = low[peaks(key, high - low, width_ms // UNIT_MS, min_accounts)]
    end = key[high[at] - 1]
    crowd = np.searchsorted(key, end + WIDE_MS // UNIT_MS, "right") - np.searchsorted(
        key, key[at] - WIDE_MS // UNIT_MS
    )
    worth = at[worth_a_look(high[at] - at, crowd, crowd_share(width_ms))]
    fullest = worth[np.argsort(worth - high[worth], kind="stable")][:most]
    spans = zip(fullest.tolist(), high[fullest].tolist(), strict=True)
    found = [_tightest(log, pairs.row[start:stop], pairs.was[start:stop], width_ms) for start, stop in spans]
    return [meeting for meeting in found if len(meeting.accounts) >= min_accounts], len(at)


def peaks(key: Int64s, met: Int64s, width: int, min_accounts: int) -> Bools:
    """Tell which windows hold more than any that overlaps them, or as many and begin first (one a bin of time)."""
    worth = np.flatnonzero(met >= min_accounts)
    # of the windows that begin in one bin the fullest, then of neighbours the fuller one
    bins = key[worth] // width
    if not len(worth):
        return np.zeros(len(key), np.bool_)
    starts = np.concatenate(([True], bins[1:] != bins[:-1])).nonzero()[0]
    best = worth[_argmax_of_runs(met[worth], starts)]
    before = np.append(-1, met[best][:-1]) * (np.append(-width - 1, key[best][:-1]) + width >= key[best])
    after = np.append(met[best][1:], -1) * (key[best] + width >= np.append(key[best][1:], 1 << 62))
    peaks = np.zeros(len(key), np.bool_)
    peaks[best[(met[best] > before) & (met[best] >= after)]] = True
    return peaks


def _argmax_of_runs(values: Int64s, starts: Int64s) -> Int64s:
    """Return where the largest value of each run is, the first one of equals."""
    run = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
    order = np.lexsort((np.arange(len(values)), -values, run))
    return order[starts]


def _tightest(log: VoteLog, row: Int64s, was: Int64s, width_ms: int) -> Meeting:
    """Return the meeting in the window of `width_ms` into which most of these votes fall."""
    ts = log.ts_ms[row]
    order = ts.argsort(kind="stable")
    row, was, ts = row[order], was[order], ts[order]
    high = ts.searchsorted(ts + width_ms, "right")
    low = int((high - np.arange(len(ts))).argmax())
    inside = slice(low, int(high[low]))
    return Meeting(
        burst_of(log, row[inside]), burst_of(log, was[inside]), width_ms, distinct(log.account[row[inside]])
    )


def burst_of(log: VoteLog, rows: Int64s) -> Burst:
    """Return the burst that holds these votes of one poll."""
    ts = log.ts_ms[rows]
    return Burst(int(log.poll[rows[0]]), int(ts.min()), int(ts.max()))
