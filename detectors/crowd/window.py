"""The votes of one poll to be examined, as dimensions: who sent them, against the poll's past and the platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd.births import Births
from detectors.crowd.handle_book import YOUNG_MS
from detectors.crowd.handles import Handles
from detectors.crowd.log import VoteLog
from detectors.crowd.mixture import Dimension
from detectors.crowd.namesakes import Namesakes, commonest, named_alike
from detectors.crowd.platform import Platform
from detectors.crowd.tallied import coded, counted
from detectors.senders import NO_TIME_MS, Codes

_USUAL_VOTES = 75.0
_MOST_PAST = 150.0
_MOST_HANDLES = 400
_MANY_YOUNG = 0.25


@dataclass(frozen=True)
class Votes:
    """n votes of a poll with what is known of their senders; unknown: 0, -1 or `NO_TIME_MS` as in `detectors.senders`."""

    log: VoteLog
    rows: Int64s
    time_ms: Int64s
    option: Int64s
    created_ms: Int64s
    client: Codes
    network: Codes
    country: Int64s
    followers: Int64s
    referrer: Codes

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def handle(self) -> Handles:
        """Read the handles: few groups are ever asked for theirs."""
        return self.log.handles(self.rows)

    def take(self, which: Any) -> Votes:
        """Return the votes that a slice, a mask or indices select."""
        return Votes(self.log, *(getattr(self, name)[which] for name in _COLUMNS))


_COLUMNS = tuple(field.name for field in fields(Votes))[1:]
_READ = "time_ms", "option", "created_ms", "client", "network", "country", "follower_bin", "referrer"


def votes_at(log: VoteLog, rows: Int64s) -> Votes:
    """Read votes from the log."""
    time_ms, option, created_ms, client, network, country, followers, referrer = log.read(_READ, rows)
    option, country, followers = (column.astype(np.int64) for column in (option, country, followers))
    return Votes(log, rows, time_ms, option, created_ms, client, network, country, followers, referrer)


def born_in(votes: Votes, births: Births) -> Int64s:
    """Tell of each vote whether its account was born in the window (1), not (0), or at a time not known (-1)."""
    inside = (votes.created_ms >= births.from_ms) & (votes.created_ms <= births.to_ms)
    return np.where(votes.created_ms == NO_TIME_MS, -1, inside.astype(np.int64))


def namesakes_among(votes: Votes, platform: Platform) -> Namesakes | None:
    """Return what surprisingly many of the votes' handles share; of many votes a part, evenly chosen, is read."""
    if not len(votes) or not platform.handles.tell:
        return None
    part = votes.take(slice(None, None, -(-len(votes) // _MOST_HANDLES)))
    aged = part.created_ms != NO_TIME_MS
    young = np.count_nonzero(part.time_ms[aged] - part.created_ms[aged] < YOUNG_MS)
    return commonest(part.handle, bool(young > _MANY_YOUNG * len(part)), platform)


def dimensions(
    votes: Votes, past: Votes, platform: Platform, births: Births | None, namesakes: Namesakes | None
) -> list[Dimension]:
    """Return the dimensions of which anything is known in these votes."""
    found = [
        _coded("client", votes.client, past.client, platform.client_share, pure=True),
        _coded("network", votes.network, past.network, lambda codes: network_share(platform, codes), loose=True),
        _counted("country", votes.country, past.country, platform.country_votes),
        _counted("followers", votes.followers, past.followers, platform.follower_votes),
        _counted("referrer", (votes.referrer != 0).astype(np.int64), (past.referrer != 0).astype(np.int64), platform.referrer_votes),
        _options(votes, past),
    ]
    if births is not None:
        found.append(_yes_or_no("born", born_in(votes, births), born_in(past, births), births.usual))
    if namesakes is not None:
        values = [named_alike(of.handle, namesakes) for of in (votes, past)]
        found.append(_yes_or_no("handle", values[0], values[1], namesakes.usual))
    # a long past must not drown what the window's other votes say of its crowd, nor may a script's own beginning
    return [replace(d, past=d.past * min(1.0, _MOST_PAST / max(d.past.sum(), 1.0))) for d in found if len(d.codes) > 1]


def network_share(platform: Platform, codes: Codes) -> Floats:
    """Return each network's share on the platform; one never seen has that of a network seen once."""
    share: Floats = (platform.network_count(codes) + 0.5) / (platform.network_votes + 100.0)
    return share


def _coded(name: str, value: Codes, past: Codes, usual: Callable[[Codes], Floats], *, pure: bool = False, loose: bool = False) -> Dimension:
    codes, index, _ = coded(value)
    index = np.where(value == 0, -1, index)
    counts = counted(past[past != 0], codes)
    shares = usual(codes)
    if len(codes) == 1 and codes[0] == 0:
        codes = codes[:0]
    elif len(codes) == 1:
        codes = np.append(codes, codes[0] + np.uint32(1))
        counts, shares = np.append(counts, 0.0), np.append(shares, max(1 - shares[0], 1e-3))
    return Dimension(name, codes.astype(np.int64), index, counts, shares, _USUAL_VOTES, pure, loose)


def _counted(name: str, value: Int64s, past: Int64s, usual: Floats) -> Dimension:
    size = len(usual) if (value >= 0).any() else 0
    share = (usual + 0.5) / (usual.sum() + 0.5 * len(usual))
    counts = np.bincount(past[past >= 0], minlength=len(usual)).astype(np.float64)
    return Dimension(name, np.arange(size), value, counts[: len(usual)], share, _USUAL_VOTES)


def _options(votes: Votes, past: Votes) -> Dimension:
    codes, index, _ = coded(votes.option)
    counts = counted(past.option, codes)
    share = np.full(len(codes), 1.0 / len(codes))
    return Dimension("option", codes, index, counts, share, 4.0)


def _yes_or_no(name: str, value: Int64s, before: Int64s, usual: float) -> Dimension:
    counts = np.bincount(before[before >= 0], minlength=2).astype(np.float64)
    return Dimension(name, np.arange(2), value, counts, np.array([1 - usual, usual]), _USUAL_VOTES, pure=True)
