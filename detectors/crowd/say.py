"""Puts a group into a sighting: numbers, sentences for both sides, members with their reasons. It decides nothing."""

from __future__ import annotations

import math

import numpy as np

from detectors.columns import Int64s
from detectors.crowd.group import HOLDS, Group
from detectors.crowd.judgement import Trait
from detectors.crowd.log import VoteLog
from detectors.crowd.marks import reasons
from detectors.crowd.window import votes_at
from detectors.findings import Evidence, Member
from detectors.senders import country_name
from detectors.watcher import Sighting, Suspected

_SAID = "crowd"
_SUBJECTS = {"client": "clients", "born": "account ages", "network": "networks"}
_ODD_VOTES = 2.0
_ROUGH = 0.015
_LEAST_P = 1e-300


def sighting(group: Group, log: VoteLog, rows: Int64s, new: Int64s, cleared: Int64s, at_ms: int) -> Sighting:
    """Tell what a group is now; `rows` are its votes in the log, `new` and `cleared` those to name and to clear."""
    weight = log.get("weight", rows)
    likely = rows[weight >= 0.5]
    votes = math.fsum(max(count, 0.0) for count in group.votes.values())
    accused = group.judgement.score > HOLDS
    shown = rows if len(rows) else np.array([group.scored_row - 1])
    time_ms = log.get("time_ms", likely) if len(likely) else log.get("time_ms", shown)
    return Sighting(
        at_ms=at_ms,
        poll=group.poll,
        detector=_SAID,
        kind="account_cluster",
        phase="opened" if group.voices == 1 else "update",
        cluster=group.cluster,
        lean="coordinated" if group.judgement.score > 1 else "none",
        score=max(group.judgement.score, 0.0),
        p_value=max(10.0 ** max(group.judgement.log10_p, -300.0), _LEAST_P),
        observed=votes,
        expected=_by_chance(group),
        start_ms=group.start_ms,
        end_ms=max(int(time_ms[-1]) + 1, group.start_ms + 1),
        evidence=_evidence(group),
        suspects=(_suspected(group, votes if accused else 0.0),),
        members=_members(group, log, new),
        cleared=tuple(log.account_ids(cleared)),
        arrived_ms=int(log.get("arrived_ms", shown).max()),
    )


def _suspected(group: Group, votes: float) -> Suspected:
    half = 1.96 * math.sqrt(max(group.doubt, 0.0)) + _ROUGH * votes + _ODD_VOTES
    options = {option: count for option, count in group.votes.items() if count > 0.5 and votes > 0}
    return Suspected(group.poll, votes, max(votes - half, 0.0), votes + half, options)


def _evidence(group: Group) -> tuple[Evidence, ...]:
    shared = group.marks
    found = [_sentence(group, trait) for trait in group.judgement.traits]
    if shared.country >= 0:
        text = f"At least 80% of these votes came from one country, {country_name(shared.country)}."
        found.append(Evidence(_SAID, "coordinated", text, None, None, None))
    text = f"{shared.others:,} other votes of the same time are not part of it: they look like people seen before."
    found.append(Evidence(_SAID, "organic", text, float(shared.others), None, None))
    if shared.untold:
        names = " and ".join(_SUBJECTS[name] for name in shared.untold)
        found.append(Evidence(_SAID, "organic", f"The {names} could not be looked at: votes do not tell them.", None, None, None))
    return tuple(found)


def _sentence(group: Group, trait: Trait) -> Evidence:
    what = {
        "client": "came through one client",
        "two_clients": "came through two clients",
        "network": "came from networks never seen on other polls, or shared far more than there",
        "stem": "are from accounts whose handles are one stem with a number",
        "shape": "are from accounts whose handles have the same numbers of letters and digits in one order",
        "pattern": "are from accounts whose handles follow one pattern of words and digits",
        "born": f"are from accounts made within {_days(group)}",
    }[trait.name]
    few = "" if trait.tells else "Only "
    text = f"{few}{trait.inside:,} of {trait.votes:,} votes that are alike in other ways {what}; of a crowd {_percent(trait.usual)} do."
    expected = trait.usual * trait.votes
    if trait.tells:
        return Evidence(_SAID, "coordinated", text, float(trait.inside), expected, 10.0**trait.log10_p)
    return Evidence(_SAID, "organic", text, float(trait.inside), expected, None)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" if share >= 0.001 else "under 0.1%"


def _by_chance(group: Group) -> float:
    """Return how many of the votes of the same time a crowd would have that share all that tells."""
    shares = [trait.usual for trait in group.judgement.traits if trait.tells]
    return (group.marks.votes + group.marks.others) * math.prod(shares) if shares else 0.0


def _days(group: Group) -> str:
    births = group.profile.births
    if births is None:
        return "no time that stands out"
    return f"{births.days:.1f} days" if births.days < 10 else f"{births.days:.0f} days"


def _members(group: Group, log: VoteLog, rows: Int64s) -> tuple[Member, ...]:
    if not len(rows):
        return ()
    of = group.profile
    why = reasons(votes_at(log, rows), group.marks, of.births, of.namesakes)
    weight = log.get("weight", rows).tolist()
    return tuple(
        Member(account_id, round(score, 3), reasons_of)
        for account_id, score, reasons_of in zip(log.account_ids(rows), weight, why, strict=True)
    )
