"""Earlier bursts of a group that were too small to be noticed when it was not known: found among its accounts' votes."""

from __future__ import annotations

import numpy as np

from detectors.columns import Int64s
from detectors.lockstep.accounts import among
from detectors.lockstep.chance import WIDTHS_MS
from detectors.lockstep.group import Group
from detectors.lockstep.judge import gathering
from detectors.lockstep.log import VoteLog
from detectors.lockstep.meetings import TIME_BITS, UNIT_MS, Burst, Meeting, burst_of, peaks, time_units

_DEPTH = 16
_MOST_BURSTS = 8
"""Bursts that are looked at in one step; of more, the largest."""


def look_back(log: VoteLog, group: Group, min_accounts: int, level: float, at_ms: int) -> list[Burst]:
    """Return bursts that the group does not hold and that chance explains with probability `level` at most."""
    rows = log.last_rows(group.roll.account)
    rows = rows[rows >= 0]
    rows = np.concatenate([rows, log.earlier(rows, _DEPTH)[1]])
    rows = rows[(log.poll[rows] >= 0) & ~log.at_gap[rows]]
    windows = _windows(log, rows, min_accounts)
    unknown = [burst for burst in (burst_of(log, part) for part in windows) if not group.holds(burst)]
    theirs = [burst for burst in unknown[:_MOST_BURSTS] if _is_theirs(log, group, burst, level, at_ms)]
    return theirs + _wider(log, group, windows)


def _wider(log: VoteLog, group: Group, windows: list[Int64s]) -> list[Burst]:
    """Return known bursts as wide as those who came again make them: when they were found, few were known."""
    again = group.again
    rows = [part[among(log.account[part], again)] for part in windows]
    bursts = [burst_of(log, part) for part in rows if len(part)]
    return [burst for burst in bursts if group.holds(burst)]


def _windows(log: VoteLog, rows: Int64s, min_accounts: int) -> list[Int64s]:
    """Return the rows of each window of time in a poll that holds enough of these rows, the fullest first."""
    key = log.poll[rows].astype(np.int64) << TIME_BITS | time_units(log, rows)
    order = np.argsort(key, kind="stable")
    rows, key = rows[order], key[order]
    width = WIDTHS_MS[-1] // UNIT_MS
    start, stop = peaks(key, width, min_accounts)
    fullest = (start - stop).argsort(kind="stable")
    return [rows[a:b] for a, b in zip(start[fullest].tolist(), stop[fullest].tolist(), strict=True)]


def _is_theirs(log: VoteLog, group: Group, burst: Burst, level: float, at_ms: int) -> bool:
    beside = group.bursts_beside(burst.poll)
    accounts = np.unique(log.account[log.between(burst.poll, burst.start_ms, burst.end_ms)])
    meeting = Meeting(burst, burst, WIDTHS_MS[-1], accounts, len(beside))
    return bool(beside) and gathering(log, meeting, beside, len(beside), at_ms).p_value <= level
