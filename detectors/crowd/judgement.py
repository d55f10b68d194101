"""Is a tight group a script? Only if it is concentrated in two independent ways at least; one way alone is what crowds do.

A campus shares one network, newcomers were born together, a celebrity's crowd shares country, answer and referrer. So each
machine dimension (client, births, networks, handles) is tested on votes that the other dimensions alone put into the group: what was
selected for can't be its own evidence. The second smallest chance counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betainc, gammainc

from detectors.columns import Bools, Floats
from detectors.crowd.births import Births
from detectors.crowd.handles import KINDS
from detectors.crowd.mixture import Split
from detectors.crowd.namesakes import Namesakes, named_alike
from detectors.crowd.networks import SAYS_LITTLE, odd_network_share, odd_networks, shared_chance
from detectors.crowd.platform import Platform
from detectors.crowd.tallied import among, distinct, tallied
from detectors.crowd.window import Votes, born_in
from detectors.senders import NO_TIME_MS, Codes

_LEAST_PURITY = 0.75
_LEAST_LIFT = 1.6
_FEWER_OTHERS = 5.0
_PART = 0.6
_OF_KNOWN = 0.8
_MUCH = 10.0
_LEAST_LOG10 = -300.0
_DOUBT = 2.0
_LONG_PAST = 300.0


@dataclass(frozen=True)
class Trait:
    """One machine dimension: of `votes` that the others put into the group, `inside` share it, where `usual` is a crowd's share.

    `purity` is the share in the group without the crowd's votes among them; `log10_p` the chance of so many. A group that is
    `known`, accused before, stays so at less purity: else one look at a mixed stretch would clear a script.
    """

    name: str
    votes: int
    inside: int
    usual: float
    purity: float
    log10_p: float
    known: bool = False

    @property
    def tells(self) -> bool:
        """Whether the group is concentrated here, not only beyond chance but by far."""
        lift, ask = self.purity / self.usual, _OF_KNOWN if self.known else 1.0
        if self.purity < ask * _LEAST_PURITY:
            return self.purity >= ask * _PART and lift >= _MUCH
        return lift >= _LEAST_LIFT or 1 - self.purity <= (1 - self.usual) / _FEWER_OTHERS


@dataclass(frozen=True)
class Judgement:
    """The traits of a group, and the score: above 1 it is a script."""

    traits: tuple[Trait, ...]
    log10_p: float
    score: float


def judge(
    votes: Votes, past: Votes, found: Split, births: Births | None, namesakes: Namesakes | None,
    platform: Platform, budget: float, looks: int, *, known: bool = False,
) -> Judgement:  # fmt: skip
    """Weigh a group, `known` or new, against the budget: the chance that a look accuses a crowd unusual in one way only."""
    traits = [_client(votes, past, found, platform), _networks(votes, past, found, platform)]
    if births is not None:
        traits.append(_births(votes, past, found, births))
    if namesakes is not None:
        traits.append(_handles(votes, past, found, namesakes))
    traits = [replace(trait, known=known) for trait in traits if trait.votes]
    telling = sorted(trait.log10_p for trait in traits if trait.tells)
    second = telling[1] if len(telling) > 1 else 0.0
    log10_p = min(second + float(np.log10(max(looks, 1))), 0.0)
    return Judgement(tuple(traits), log10_p, log10_p / float(np.log10(budget)))


def _client(votes: Votes, past: Votes, found: Split, platform: Platform) -> Trait:
    """Test for one client, and if it is not that for two that share the work."""
    weight = found.without("client")
    selected = (votes.client != 0) & (weight >= 0.5)
    codes, counts = tallied(votes.client[selected])
    total = platform.client_votes.sum()
    most: list[Trait] = []
    for name, number in (("client", 1), ("two_clients", 2)):
        modes = codes[np.argsort(-counts, kind="stable")[:number]]
        inside, own = _among(votes.client, modes), _among(past.client, modes)
        usual = _usual(min(float(platform.client_share(modes).sum()), 1.0), own, past.client != 0)
        usual = (usual * total + _DOUBT) / (total + _DOUBT)
        most.append(_trait(name, inside, selected, weight, usual, 30.0**number))
    one, two = most
    return two if two.tells and not one.tells and two.purity >= _LEAST_LIFT * two.usual else one


def _among(client: Codes, modes: Codes) -> Bools:
    inside = np.zeros(len(client), np.bool_)
    for mode in modes:
        inside |= client == mode
    return inside


def _births(votes: Votes, past: Votes, found: Split, births: Births) -> Trait:
    inside = born_in(votes, births)
    weight = found.without("born")
    usual = _usual(births.usual, born_in(past, births) == 1, past.created_ms != NO_TIME_MS)
    return _trait("born", inside == 1, (inside >= 0) & (weight >= 0.5), weight, usual, 5_000.0)


def _handles(votes: Votes, past: Votes, found: Split, namesakes: Namesakes) -> Trait:
    inside, before = (named_alike(of.handle, namesakes) for of in (votes, past))
    weight = found.without("handle")
    usual = _usual(namesakes.usual, before == 1, before >= 0)
    name = KINDS[namesakes.kind]
    return _trait(name, inside == 1, (inside >= 0) & (weight >= 0.5), weight, usual, 1_000.0)


def _networks(votes: Votes, past: Votes, found: Split, platform: Platform) -> Trait:
    weight = found.without("network")
    selected = (votes.network != 0) & (weight >= 0.5)
    shared = _repeats(votes, selected, platform)
    usual = odd_network_share(platform)
    if usual >= SAYS_LITTLE:
        return shared
    odd = np.zeros(len(votes), np.bool_)
    odd[selected] = odd_networks(votes.network[selected], platform)
    odd[odd] = ~among(votes.network[odd], past.network)
    strange = _trait("network", odd, selected, weight, usual, 30.0)
    return shared if shared.tells and (not strange.tells or shared.log10_p < strange.log10_p) else strange


def _repeats(votes: Votes, selected: Bools, platform: Platform) -> Trait:
    """Test for few machines: votes from a network that another of them came from, against how often two people share one."""
    count = int(np.count_nonzero(selected))
    if count < 2:
        return Trait("network", 0, 0, 1.0, 0.0, 0.0)
    repeats = count - distinct(votes.network[selected])
    expected = shared_chance(votes.country[selected], platform) * count * (count - 1) / 2 + 1.0
    log10_p = _log10(gammainc(repeats, expected)) if repeats else 0.0
    usual = min(expected / count, 1.0)
    return Trait("network", count, repeats, usual, repeats / count, min(max(log10_p, _LEAST_LOG10), 0.0))


def _usual(share: float, inside: Bools, known: Bools) -> float:
    """Return a crowd's share: the platform's, or more where the poll's own past, if long, had more.

    A short past may be the script's own beginning.
    """
    votes = int(np.count_nonzero(known))
    own = (int(np.count_nonzero(inside & known)) + _LONG_PAST * share) / (votes + _LONG_PAST)
    return max(share, own)


def _trait(name: str, inside: Bools, selected: Bools, weight: Floats, usual: float, choices: float) -> Trait:
    votes, count = int(np.count_nonzero(selected)), int(np.count_nonzero(inside & selected))
    if not votes:
        return Trait(name, 0, 0, usual, 0.0, 0.0)
    strangers = float(np.sum(1 - weight[selected]))
    purity = (count - strangers * usual) / max(votes - strangers, 1.0)
    log10_p = (_log10(betainc(count, votes - count + 1, usual)) if count else 0.0) + math.log10(choices)
    return Trait(name, votes, count, float(usual), min(max(float(purity), 0.0), 1.0), min(max(log10_p, _LEAST_LOG10), 0.0))


def _log10(chance: float) -> float:
    return math.log10(chance) if chance > 0 else _LEAST_LOG10
