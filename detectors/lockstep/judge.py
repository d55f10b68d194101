"""Is a meeting more than a crowd would do? Weighs it against the crowds of its two polls around it; names nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Hashes, distinct
from detectors.lockstep.accounts import among, shared
from detectors.lockstep.chance import SPANS_MS, WIDE_MS, choices, crowd_share, fisher, span_class, tail
from detectors.lockstep.log import VoteLog
from detectors.lockstep.meetings import Burst, Meeting

_TRUSTED = 10
"""People from whom on a poll's own crowd says more of how tight it is than crowds elsewhere."""

_OTHER_TIMES = 20
"""People who vote at other times and count as such; with 100 the tight crowds of six launches were taken for a group."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A meeting: `met` accounts of the `common` ones that voted around both bursts, where `share` is a crowd's."""

    meeting: Meeting
    met: int
    common: int
    share: float
    p_value: float


class _Crowd:
    """Who voted around a burst, and who in it; accounts sorted."""

    def __init__(self, log: VoteLog, burst: Burst) -> None:
        rows = log.between(burst.poll, burst.start_ms - WIDE_MS, burst.end_ms + WIDE_MS)
        ts = log.ts_ms[rows]
        account = log.account[rows]
        self._log = log
        self._burst = burst
        self.account = np.sort(account)
        self.inside = np.sort(account[(ts >= burst.start_ms) & (ts <= burst.end_ms)])

    def share(self, linked: Hashes) -> float:
        """Return the share of the crowd that falls into the burst, linked accounts left out.

        Those of a script who are linked to nobody yet look like others, and where few people vote they seem to make a
        crowd that comes at once. Who votes at other times tells that people's votes are not confined to the burst.
        """
        inside = len(self.inside) - int(np.count_nonzero(among(self.inside, linked)))
        others = len(self.account) - int(np.count_nonzero(among(self.account, linked)))
        others += min(_OTHER_TIMES, self._log.votes_in(self._burst.poll) - len(self.account))
        crowd = burst_share(self._burst)
        return max(crowd, (inside + _TRUSTED * crowd) / (others + _TRUSTED))


def could_tell(meeting: Meeting, level: float, until_ms: int) -> bool:
    """Tell whether a meeting could pass at `level` if all who are common to both polls had met."""
    here = burst_share(meeting.here) if is_over(meeting.here, until_ms) else 1.0
    return _best(len(meeting.accounts), here * burst_share(meeting.there)) * len(SPANS_MS) <= level


def is_over(burst: Burst, until_ms: int) -> bool:
    """Tell whether the crowd around a burst has come."""
    return until_ms >= burst.end_ms + WIDE_MS


def could_tell_together(same: list[Meeting], level: float) -> bool:
    """Tell whether meetings of one burst could pass at `level`, taken together, if all who are common had met."""
    tests = [_best(len(one.accounts), burst_share(one.there)) for one in same]
    accounts = len(distinct(np.concatenate([one.accounts for one in same])))
    tests.append(_best(accounts, burst_share(same[0].here)))
    return fisher(tests) * len(SPANS_MS) * choices(max(one.among for one in same), len(same)) <= level


def _best(met: int, share: float) -> float:
    return tail(met, met, share)


def weighed(log: VoteLog, batch: list[Meeting], until_ms: int, level: float) -> list[Weighed]:
    """Return meetings with the probability that a crowd would do the same; it is exact where it is below `level`.

    A crowd with one cause puts a share of itself into the densest window, in each poll anew; what the others in both
    polls do raises that share. As long as the crowd may still be coming, it might all have come at once.
    """
    crowds = {burst: _Crowd(log, burst) for one in batch for burst in (one.here, one.there)}
    usual = {burst: burst_share(burst) for burst in crowds}
    tests = [_weigh(one, crowds, usual, until_ms) for one in batch]
    low = [one.p_value <= level for one in tests]
    if not any(low):
        return tests
    linked = _linked(crowds)
    bursts = {
        burst for one, is_low in zip(batch, low, strict=True) if is_low for burst in (one.here, one.there)
    }
    shares = {burst: crowds[burst].share(linked) for burst in bursts}
    return [
        _weigh(one.meeting, crowds, shares, until_ms) if is_low else one
        for one, is_low in zip(tests, low, strict=True)
    ]


def burst_share(burst: Burst) -> float:
    """Return the share of a crowd that comes within the length of a burst."""
    return crowd_share(span_class(burst.end_ms - burst.start_ms))


def gathering(log: VoteLog, largest: Meeting, theres: list[Burst], of: int, until_ms: int) -> Weighed:
    """Return what the accounts of burst `largest.here` did in earlier bursts, chosen among `of`, taken together.

    Independent under a crowd: of those in `here`, how many that were around an earlier burst were in it, for each
    earlier burst; and of those in any earlier burst how many that are around `here` are in it. Their probabilities
    are combined by Fisher's method (Statistical Methods for Research Workers, 1932, 21.1), and multiplied with the
    number of choices.
    """
    crowds = {burst: _Crowd(log, burst) for burst in [largest.here, *theres]}
    linked = _linked(crowds)
    now = crowds.pop(largest.here)
    met = [len(shared(now.inside, past.inside)) for past in crowds.values()]
    around = [len(shared(now.inside, past.account)) for past in crowds.values()]
    common = [len(shared(now.account, past.account)) for past in crowds.values()]
    shares = [past.share(linked) for past in crowds.values()]
    tests = [tail(*one) for one in zip(met, around, shares, strict=True)]
    here = 1.0
    if is_over(largest.here, until_ms):
        here = now.share(linked)
        before = distinct(np.concatenate([past.inside for past in crowds.values()]))
        tests.append(tail(len(shared(now.inside, before)), len(shared(now.account, before)), here))
    p = min(1.0, fisher(tests) * len(SPANS_MS) * choices(of, len(theres)))
    share = here * float(np.dot(common, shares)) / max(sum(common), 1)
    return Weighed(largest, sum(met), sum(common), share, p)


def _weigh(one: Meeting, crowds: dict[Burst, _Crowd], shares: dict[Burst, float], until_ms: int) -> Weighed:
    met = len(one.accounts)
    common = max(met, len(shared(crowds[one.here].account, crowds[one.there].account)))
    share = (shares[one.here] if is_over(one.here, until_ms) else 1.0) * shares[one.there]
    # of the lengths a burst could have, the one that fits was chosen after it was seen
    return Weighed(one, met, common, share, min(1.0, len(SPANS_MS) * tail(met, common, share)))


def _linked(crowds: dict[Burst, _Crowd]) -> Hashes:
    """Return the accounts that were in bursts of two polls: they say nothing of what others do."""
    by_poll: dict[int, list[Hashes]] = {}
    for burst, crowd in crowds.items():
        by_poll.setdefault(burst.poll, []).append(crowd.inside)
    inside = np.sort(np.concatenate([distinct(np.concatenate(parts)) for parts in by_poll.values()]))
    return distinct(inside[1:][inside[1:] == inside[:-1]])
