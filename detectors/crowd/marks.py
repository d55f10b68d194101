"""What a group's members have in common beyond what convicts them, and the reasons that hold for each member."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from detectors.crowd.births import Births
from detectors.crowd.handles import KINDS
from detectors.crowd.judgement import Judgement
from detectors.crowd.namesakes import Namesakes, named_alike
from detectors.crowd.platform import Platform
from detectors.crowd.tallied import tallied
from detectors.crowd.window import Votes
from detectors.findings import Reason
from detectors.senders import NO_TIME_MS

_MOST = 0.8
_NEARLY_ALL = 0.95
_LIFT = 1.6
_FEWER_BINS = 1.5
_NEW_MS = 30 * 86_400_000


@dataclass(frozen=True)
class Marks:
    """What most of a group's members share: a client, a country and an option by code, else 0 or -1; the rest is yes or no.

    `few_followers` is the greatest power of two of followers that counts as few, or -1; `votes` and `others` are the votes
    in the group and the others of the same stretch of time, `untold` the names of what these votes do not tell.
    """

    client: int
    networks: bool
    country: int
    option: int
    few_followers: int
    no_referrer: bool
    born: bool
    named: bool
    new: bool
    votes: int
    others: int
    untold: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "untold": list(self.untold)}


def marks_of(state: dict[str, Any]) -> Marks:
    """Return the marks that `plain` told."""
    return Marks(**{**state, "untold": tuple(state["untold"])})


def marks(votes: Votes, weight: Floats, judgement: Judgement, platform: Platform) -> Marks:
    """Return what the votes in a group (weight 0.5 or more) share."""
    group = votes.take(weight >= 0.5)
    tells = {trait.name for trait in judgement.traits if trait.tells}
    client = _common(group.client[group.client != 0], 0.5) if "client" in tells else -1
    aged = group.created_ms != NO_TIME_MS
    age_ms = group.time_ms[aged] - group.created_ms[aged]
    span = (votes.rows >= group.rows[:1].sum()) & (votes.rows <= group.rows[-1:].sum())
    return Marks(
        max(client, 0),
        "network" in tells,
        _country(group, platform),
        _common(group.option, _MOST),
        _few_followers(group, platform),
        _no_referrer(group, platform),
        "born" in tells,
        not tells.isdisjoint(KINDS),
        bool(len(age_ms)) and float(np.median(age_ms)) < _NEW_MS,
        len(group),
        int(np.count_nonzero(span & (weight < 0.5))),
        _untold(group),
    )


def reasons(
    votes: Votes, shared: Marks, births: Births | None, namesakes: Namesakes | None
) -> list[list[Reason]]:
    """Return for each member the reasons that hold for it, at least that it came with the others."""
    inside = np.zeros(len(votes), np.bool_)
    if births is not None:
        inside = (votes.created_ms >= births.from_ms) & (votes.created_ms <= births.to_ms)
    alike = np.zeros(len(votes), np.bool_) if namesakes is None else named_alike(votes.handle, namesakes) == 1
    aged = votes.created_ms != NO_TIME_MS
    holds: list[tuple[Reason, Bools]] = [
        ("born_together", inside & shared.born),
        ("new_account", aged & (votes.time_ms - np.where(aged, votes.created_ms, 0) < _NEW_MS) & shared.new),
        ("few_networks", (votes.network != 0) & shared.networks),
        ("one_client", (votes.client == shared.client) & (shared.client != 0)),
        ("one_country", (votes.country == shared.country) & (shared.country >= 0)),
        ("generated_handle", alike & shared.named),
        ("few_followers", (votes.followers >= 0) & (votes.followers <= shared.few_followers)),
        ("no_referrer", (votes.referrer == 0) & shared.no_referrer),
        ("same_option", (votes.option == shared.option) & (shared.option >= 0)),
    ]
    held = np.zeros(len(votes), np.int64)
    for bit, (_, which) in enumerate(holds):
        held += which.astype(np.int64) << bit
    return [list(of) for of in map(_named([name for name, _ in holds]), held.tolist())]


def _named(names: list[Reason]) -> Callable[[int], tuple[Reason, ...]]:
    """Return what turns bits into the names of those that are set; few combinations of them occur."""

    @cache
    def named(bits: int) -> tuple[Reason, ...]:
        return tuple(name for bit, name in enumerate(names) if bits >> bit & 1) or ("in_the_burst",)

    return named


def _common(codes: Int64s, least: float) -> int:
    values, counts = tallied(codes)
    if not len(codes) or counts.max() < least * len(codes):
        return -1
    return int(values[int(np.argmax(counts))])


def _country(group: Votes, platform: Platform) -> int:
    code = _common(group.country[group.country >= 0], _MOST)
    usual = platform.country_votes[code] / max(platform.country_votes.sum(), 1.0) if code >= 0 else 1.0
    return code if usual * _LIFT < _MOST else -1


def _few_followers(group: Votes, platform: Platform) -> int:
    known = group.followers[group.followers >= 0]
    total = platform.follower_votes.sum()
    if not len(known) or not total:
        return -1
    usual = int(np.searchsorted(np.cumsum(platform.follower_votes), total / 2))
    median = float(np.median(known))
    return int(median) + 1 if median <= usual - _FEWER_BINS else -1


def _no_referrer(group: Votes, platform: Platform) -> bool:
    usual = platform.referrer_votes[1] / max(platform.referrer_votes.sum(), 1.0)
    here = np.count_nonzero(group.referrer == 0) / max(len(group), 1)
    return bool(here >= _NEARLY_ALL and usual > 1 - _NEARLY_ALL)


def _untold(group: Votes) -> tuple[str, ...]:
    told = {
        "client": group.client != 0,
        "born": group.created_ms != NO_TIME_MS,
        "network": group.network != 0,
    }
    return tuple(name for name, known in told.items() if not known.any())
