"""What is said of a group: a sighting with evidence for both sides, its members, and what they did to each poll."""

from __future__ import annotations

import numpy as np

from detectors.cases.sentences import span
from detectors.columns import Hashes, Int32s
from detectors.findings import Evidence, Member, Reason
from detectors.lockstep.accounts import among
from detectors.lockstep.group import Group
from detectors.lockstep.log import VoteLog
from detectors.lockstep.standing import NAMED, Attended
from detectors.watcher import MOST_MEMBERS, Sighting, Suspected

_DEPTH = 16
_MOST_POLLS = 64
_Z, _SLACK = 1.96, 0.02
_CHANGED = 0.05
_AGREED, _DIFFERED = 0.8, 0.6
_NOT_LOOKED_AT = (
    "Only who met whom and when was looked at, not ages, networks, clients or texts; people who share links in one chat "
    "meet again and again too, though over minutes."
)


def told(log: VoteLog, group: Group, at_ms: int, arrived_ms: int) -> Sighting | None:
    """Return the sighting of a group as it stands now, with the members that changed since the last one.

    None if it has not grown and no members changed.
    """
    clearest = group.clearest
    members, cleared = _members(log, group)
    if not (group.has_grown or members or cleared):
        return None
    suspects = _suspects(log, group)
    spans = [one.burst for one in group.attended]
    return Sighting(
        at_ms=at_ms,
        poll=suspects[-1].poll if suspects else spans[-1].poll,
        detector="lockstep",
        kind="account_cluster",
        phase="update" if group.opened else "opened",
        cluster=group.cluster,
        lean="coordinated",
        score=group.score,
        p_value=clearest.p_value,
        observed=float(clearest.met),
        expected=clearest.common * clearest.share,
        start_ms=min(one.start_ms for one in spans),
        end_ms=max(one.end_ms for one in spans),
        evidence=_evidence(group),
        suspects=suspects,
        members=members,
        cleared=cleared,
        arrived_ms=arrived_ms,
    )


def ended(group: Group, at_ms: int, arrived_ms: int) -> Sighting:
    """Return the sighting that ends a group."""
    spans = [one.burst for one in group.attended]
    return Sighting(
        at_ms, spans[-1].poll, "lockstep", "account_cluster", "calm", group.cluster, "none", 0.0, 1.0, 0.0, 0.0,
        spans[0].start_ms, spans[-1].end_ms, (), arrived_ms=arrived_ms,
    )  # fmt: skip


def _members(log: VoteLog, group: Group) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    standing = group.standing
    is_named = standing.score >= NAMED
    account, score = standing.account[is_named], standing.score[is_named]
    changed = (abs(group.told.score_of(account) - score) >= _CHANGED).nonzero()[0]
    rows = log.last_rows(account[changed])
    chosen, rows = changed[rows >= 0][:MOST_MEMBERS], rows[rows >= 0][:MOST_MEMBERS]
    gone = group.told.without(account)
    group.told = group.told.then(account[chosen], score[chosen], gone)
    gone_rows = log.last_rows(gone)
    reasons: list[Reason] = ["lockstep"]
    ids = zip(log.ids(rows), score[chosen].tolist(), strict=True)
    return tuple(Member(i, s, reasons) for i, s in ids), tuple(log.ids(gone_rows[gone_rows >= 0]))


def _suspects(log: VoteLog, group: Group) -> tuple[Suspected, ...]:
    """Return what the group did to each poll: the votes of its named accounts, and of those not yet named."""
    named = group.standing.named
    rows = log.last_rows(named)
    rows = rows[rows >= 0]
    rows = np.concatenate([rows, log.earlier(rows, _DEPTH)[1]])
    rows = rows[log.poll[rows].argsort(kind="stable")]
    polls, options = log.poll[rows], log.option[rows]
    by_poll: dict[int, list[Attended]] = {}
    for one in group.attended:
        if one.burst.poll >= 0:
            by_poll.setdefault(one.burst.poll, []).append(one)
    return tuple(
        _suspected(poll, options[slice(*polls.searchsorted((poll, poll + 1)))], bursts, named)
        for poll, bursts in list(by_poll.items())[-_MOST_POLLS:]
    )


def _suspected(poll: int, options: Int32s, bursts: list[Attended], named: Hashes) -> Suspected:
    unnamed = [len(one.account) - int(np.count_nonzero(among(one.account, named))) for one in bursts]
    anyway = sum(one.bystanders for one in bursts)
    votes = len(options) + max(0.0, sum(unnamed) - anyway)
    give = _Z * float(np.sqrt(anyway + 1)) + _SLACK * votes
    low = max(0.0, min(float(len(options)), votes) - give)
    scale = votes / max(len(options), 1)
    split = {option: count * scale for option, count in enumerate(np.bincount(options).tolist()) if count}
    return Suspected(poll, votes, low, max(votes + give, float(len(options) + sum(unnamed))), split)


def _evidence(group: Group) -> tuple[Evidence, ...]:
    clearest, agreed = group.clearest, _agreement(group)
    longest_ms = max(one.burst.end_ms - one.burst.start_ms for one in group.attended)
    polls = len({(one.burst.poll, one.burst.start_ms if one.burst.poll < 0 else 0) for one in group.attended})
    by_a_crowd = clearest.common * clearest.share
    met = (
        f"{len(group.standing.named):,} accounts met within {span(0, -(-longest_ms // 1000) * 1000)} of each other, "
        f"{len(group.attended)} times in {polls} polls. Where it is clearest, {clearest.common:,} times one of them was "
        f"around two of these times, and {clearest.met:,} times within both, where a crowd with one cause would have been "
        f"{by_a_crowd:.3g} times (chance {clearest.p_value:.2g})."
    )
    answers = f"On average {agreed:.0%} of those who met gave the same answer."
    said = [Evidence("lockstep", "coordinated", met, float(clearest.met), by_a_crowd, clearest.p_value)]
    if agreed >= _AGREED:
        said.append(Evidence("lockstep", "coordinated", answers, agreed, None, None))
    elif agreed < _DIFFERED:
        said.append(
            Evidence(
                "lockstep", "organic", f"They differ: {answers[0].lower()}{answers[1:]}", agreed, None, None
            )
        )
    return (*said, Evidence("lockstep", "organic", _NOT_LOOKED_AT, None, None, None))


def _agreement(group: Group) -> float:
    """Return the average share of the commonest answer among the named accounts of a burst."""
    named = group.standing.named
    answers = [one.option[among(one.account, named)] for one in group.attended]
    return float(np.mean([np.bincount(some).max() / len(some) for some in answers if len(some)] or [0.0]))
