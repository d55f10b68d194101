"""Where accounts that vote together now have voted together before: found among pairs of polls, not yet judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from detectors.ascending import not_larger
from detectors.columns import Bools, Hashes, Int32s, Int64s, distinct, run_starts
from detectors.erasure import Erasure
from detectors.keyed_table import mix
from detectors.lockstep.chance import WIDE_MS, WIDTHS_MS, crowd_share, worth_a_look
from detectors.lockstep.log import VoteLog

_DEPTH = 16
UNIT_MS = 250
TIME_BITS, _POLL_BITS = 28, 20
_SPREAD = np.uint64(0x9E37_79B9_7F4A_7C15)
_MOST_POLLS = (1 << (62 - TIME_BITS - _POLL_BITS)) - 1
_MOST_MEETINGS, _MOST_OF_MANY = 64, 12
"""Meetings that are returned at once; fewer where there are so many votes that each takes long to weigh."""
MOST_ROWS = 8_000
"""Votes of accounts with a history that are joined at once; of more, a share of the accounts is."""
_MANY_PAIRS = 16_384
"""So many pairs are of so many polls that most of them lie alone; of fewer, sorting all is cheaper than finding those."""


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
    """Accounts (sorted) that voted in burst `here` and, earlier, in burst `there`, each within `width_ms`.

    It was chosen among so many earlier bursts of those who vote in this poll now.
    """

    here: Burst
    there: Burst
    width_ms: int
    accounts: Hashes
    among: int

    @property
    def polls(self) -> tuple[int, int]:
        """The poll now and the one before."""
        return self.here.poll, self.there.poll

    def without(self, erasure: Erasure) -> Meeting:
        """Return the meeting of the others."""
        return replace(self, accounts=self.accounts[~erasure.of(self.accounts)])

    def is_part_of(self, other: Meeting) -> bool:
        """Tell whether another meeting overlaps this one in both polls and holds as many accounts."""
        return (
            len(self.accounts) <= len(other.accounts)
            and self.here.overlaps(other.here)
            and self.there.overlaps(other.there)
        )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Votes `row` of late in `poll` and an earlier vote `was` of the same account in another, in order of `key`.

    `key` is (poll now, poll then, time then), in one number, so that a window of time then is a run of it.
    """

    row: Int64s
    poll: Int32s
    was: Int64s
    key: Int64s


def find_meetings(
    log: VoteLog, since_ms: int, min_accounts: int, turn: int | None = None
) -> tuple[list[Meeting], int]:
    """Return where at least `min_accounts` of those that came since `since_ms` met before, and how many were looked at.

    Only those that are worth a closer look are returned, the largest first. With `turn` only polls of this turn are looked at.
    """
    rows = log.returned(since_ms, turn)
    most = _MOST_MEETINGS if len(rows) <= MOST_ROWS else _MOST_OF_MANY
    pairs = _pairs(log, rows, min_accounts)
    if len(pairs.key) < min_accounts:
        return [], 0
    spans = {width_ms: peaks(pairs.key, width_ms // UNIT_MS, min_accounts) for width_ms in WIDTHS_MS}
    # narrower windows lie within wider ones: they are no further bursts to choose from
    among = np.bincount(pairs.poll[spans[WIDTHS_MS[-1]][0]], minlength=int(pairs.poll.max()) + 1)
    found = [
        one for width_ms in WIDTHS_MS for one in _of_width(log, pairs, width_ms, spans[width_ms], among, most)
    ]
    found = [one for one in found if len(one.accounts) >= min_accounts]
    found.sort(key=lambda one: -len(one.accounts))
    return found[:most], sum(len(start) for start, _ in spans.values())


def _pairs(log: VoteLog, rows: Int64s, min_accounts: int) -> _Pairs:
    poll = log.poll[rows]
    rank = _ranks(poll, min_accounts)
    rows = _sample(log, rows[(rank[poll + 1] > 0) & ~log.at_gap[rows]])
    row, was = log.earlier(rows, _DEPTH)
    poll, before = log.poll[row], log.poll[was]
    other = (poll != before) & (before >= 0) & (before < 1 << _POLL_BITS) & ~log.at_gap[was]
    row, poll, was = row[other], poll[other], was[other]
    key = (rank[poll + 1] << _POLL_BITS | before[other]) << TIME_BITS | time_units(log, was)
    if len(key) > _MANY_PAIRS:
        crowded = _crowded(key, min_accounts)
        row, poll, was, key = row[crowded], poll[crowded], was[crowded], key[crowded]
    order = key.argsort()
    return _Pairs(row[order], poll[order], was[order], key[order])


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


def _crowded(key: Int64s, min_accounts: int) -> Int64s:
    """Return the rows that belong to two polls that have enough accounts within some time.

    Counted in a table whose places different polls and times may share: none is missed.
    """
    bits = len(key).bit_length() + 2
    pair = ((key >> TIME_BITS).astype(np.uint64) * _SPREAD >> np.uint64(64 - bits)).astype(np.int64)
    place = (pair + (key & ((1 << TIME_BITS) - 1)) // (WIDTHS_MS[-1] // UNIT_MS)) & ((1 << bits) - 1)
    count = np.bincount(place, minlength=1 << bits)
    # a window lies in two bins that follow each other, and so do their places
    enough = count + np.maximum(np.roll(count, 1), np.roll(count, -1)) >= min_accounts
    crowded = np.zeros(1 << bits, np.bool_)
    crowded[pair[enough[place]]] = True
    return crowded[pair].nonzero()[0]


def time_units(log: VoteLog, rows: Int64s) -> Int64s:
    """Return when votes happened, in units since an hour before the oldest one (2 years fit)."""
    units = (log.ts_ms[rows] - int(log.at_ms[0]) + 3_600_000) // UNIT_MS
    clipped: Int64s = np.clip(units, WIDE_MS // UNIT_MS, (1 << TIME_BITS) - 1 - WIDE_MS // UNIT_MS)
    return clipped


def _of_width(
    log: VoteLog, pairs: _Pairs, width_ms: int, spans: tuple[Int64s, Int64s], among: Int64s, most: int
) -> Iterator[Meeting]:
    """Return the meetings of this width that are worth a closer look, the largest first."""
    key, (start, stop) = pairs.key, spans
    crowd = not_larger(key, key[stop - 1] + WIDE_MS // UNIT_MS)
    crowd -= key.searchsorted(key[start] - WIDE_MS // UNIT_MS)
    worth = worth_a_look(stop - start, crowd, crowd_share(width_ms)).nonzero()[0]
    for one in worth[(start - stop)[worth].argsort(kind="stable")][:most].tolist():
        rows = slice(start[one], stop[one])
        yield _tightest(log, pairs.row[rows], pairs.was[rows], width_ms, int(among[pairs.poll[start[one]]]))


def peaks(key: Int64s, width: int, min_accounts: int) -> tuple[Int64s, Int64s]:
    """Return [start, stop) of the windows that hold more than any that overlaps them, or as many and begin first.

    One a bin of time at most, and only those that hold enough.
    """
    start = _begins(key, width, min_accounts)
    stop = not_larger(key, key[start] + width)
    enough = stop - start >= min_accounts
    start, stop = start[enough], stop[enough]
    if not len(start):
        return start, stop
    # of the windows that begin in one bin the fullest, then of neighbours the fuller one
    best = _argmax_of_runs(stop - start, run_starts(key[start] // width))
    start, stop = start[best], stop[best]
    met, near = stop - start, key[start[:-1]] + width >= key[start[1:]]
    is_peak = np.ones(len(start), np.bool_)
    is_peak[1:] &= ~near | (met[1:] > met[:-1])
    is_peak[:-1] &= ~near | (met[:-1] >= met[1:])
    return start[is_peak], stop[is_peak]


def _begins(key: Int64s, width: int, min_accounts: int) -> Int64s:
    """Return where windows may begin that hold enough: most times are too empty to be looked at closer.

    A window lies in two bins that follow each other, so one of them holds half of it.
    """
    starts = run_starts(key // width)
    past = np.append(starts[1:], len(key))
    full = past - starts >= (min_accounts + 1) // 2
    full[:-1] |= full[1:]
    return np.repeat(full, past - starts).nonzero()[0]


def _argmax_of_runs(values: Int64s, starts: Int64s) -> Int64s:
    """Return where the largest value of each run is, the first one of equals."""
    last = len(values) - 1
    ranked = values << 32 | np.arange(last, -1, -1)
    best: Int64s = last - (np.maximum.reduceat(ranked, starts) & 0xFFFF_FFFF)
    return best


def _tightest(log: VoteLog, row: Int64s, was: Int64s, width_ms: int, among: int) -> Meeting:
    """Return the meeting in the window of `width_ms` into which most of these votes fall."""
    ts = log.ts_ms[row]
    order = ts.argsort(kind="stable")
    row, was, ts = row[order], was[order], ts[order]
    high = ts.searchsorted(ts + width_ms, "right")
    low = int((high - np.arange(len(ts))).argmax())
    inside = slice(low, int(high[low]))
    accounts = distinct(log.account[row[inside]])
    return Meeting(burst_of(log, row[inside]), burst_of(log, was[inside]), width_ms, accounts, among)


def burst_of(log: VoteLog, rows: Int64s) -> Burst:
    """Return the burst that holds these votes of one poll."""
    ts = log.ts_ms[rows]
    return Burst(int(log.poll[rows[0]]), int(ts.min()), int(ts.max()))
