"""Is a meeting more than a crowd would do? Weighs it against the crowds of its two polls around it; names nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Hashes
from detectors.lockstep_chance import WIDE_MS, crowd_share, tail
from detectors.lockstep_log import VoteLog
from detectors.lockstep_meetings import Burst, Meeting

_TRUSTED = 10
"""People from whom on a poll's own crowd says more of how tight it is than crowds elsewhere."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A meeting: `met` accounts of the `common` ones that voted around both bursts, where `share` is a crowd's."""

    meeting: Meeting
    met: int
    common: int
    share: float
    p_value: float


def weighed(log: VoteLog, batch: list[Meeting], until_ms: int) -> list[Weighed]:
    """Return meetings with the probability that a crowd would do the same.

    A crowd with one cause puts a share of itself into the densest window, in each poll anew; what the others in both
    polls do raises that share. As long as the crowd may still be coming, it might all have come at once.
    """
    linked = _linked(log, batch)
    shares: dict[tuple[Burst, int], float] = {}
    met, common, share = [], [], []
    for one in batch:
        for burst in (one.here, one.there):
            if (burst, one.width_ms) not in shares:
                shares[burst, one.width_ms] = _share(log, burst, one.width_ms, linked)
        is_over = until_ms >= one.here.end_ms + WIDE_MS
        here, there = _around(log, one.here), _around(log, one.there)
        met.append(len(one.accounts))
        common.append(len(np.intersect1d(here, there)))
        share.append((shares[one.here, one.width_ms] if is_over else 1.0) * shares[one.there, one.width_ms])
    p = tail(np.array(met), np.maximum(common, met), np.array(share, np.float64))
    return [Weighed(*row) for row in zip(batch, met, common, share, p.tolist(), strict=True)]


def _around(log: VoteLog, burst: Burst) -> Hashes:
    accounts: Hashes = log.account[log.between(burst.poll, burst.start_ms - WIDE_MS, burst.end_ms + WIDE_MS)]
    return accounts


def _linked(log: VoteLog, batch: list[Meeting]) -> Hashes:
    """Return the accounts that were in two of the bursts looked at: they say nothing of what others do."""
    bursts = {burst for one in batch for burst in (one.here, one.there)}
    ordered = sorted(bursts, key=lambda one: (one.poll, one.start_ms, one.end_ms))
    parts = [log.account[log.between(one.poll, one.start_ms, one.end_ms)] for one in ordered]
    polls = [np.full(len(part), burst.poll) for part, burst in zip(parts, ordered, strict=True)]
    if not parts:
        return np.zeros(0, np.uint64)
    account, poll = np.concatenate(parts), np.concatenate(polls)
    order = np.lexsort((poll, account))
    account, poll = account[order], poll[order]
    again = (account[1:] == account[:-1]) & (poll[1:] != poll[:-1])
    return np.unique(account[1:][again])


def _share(log: VoteLog, burst: Burst, width_ms: int, linked: Hashes) -> float:
    """Return the share of the crowd around a burst that falls into `width_ms` of it, linked accounts left out."""
    rows = log.between(burst.poll, burst.start_ms - WIDE_MS, burst.end_ms + WIDE_MS)
    rows = rows[~np.isin(log.account[rows], linked)]
    ts = log.ts_ms[rows]
    inside = int(np.count_nonzero((ts >= burst.start_ms) & (ts <= burst.end_ms)))
    crowd = crowd_share(width_ms)
    return max(crowd, (inside + _TRUSTED * crowd) / (len(rows) + _TRUSTED))
