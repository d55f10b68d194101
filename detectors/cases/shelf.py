"""Which cases there are, and which of them a finding belongs to. Knows no reports, and nothing of what is published.

What is said of one poll alone is told in that poll's case, its home. What is said of several polls is a campaign, and a
campaign is its accounts: `detectors.cases.campaign` tells when cases are one. State: MOST_NAMED accounts over all cases and
MOST_NAMED_A_CASE in one, 330 bytes each (further ones are counted by their detector and not named), MOST_CLAIMS
claims a case, what closed cases made suspect in at most MOST_SETTLED polls, the last crowd seen in MOST_BESIDE polls
without a case, and into what the last MOST_MERGED cases were merged.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from detectors.cases.campaign import accounts_of, acts, are_others, belongs, one_campaign, survivor_first
from detectors.cases.case import MOST_UNSEEN, Case, CaseParams
from detectors.cases.claim import Claim, bare, polls_of, topic
from detectors.cases.decision import MOST_DECISIONS
from detectors.cases.impact import NONE_SUSPECT, SuspectVotes, together
from detectors.cases.refuted import heir_of, is_dismissed
from detectors.findings import Finding
from detectors.spans import Spans

MOST_NAMED = 500_000
MOST_NAMED_A_CASE = 100_000
MOST_CLAIMS = 256
MOST_CLOSED = 10_000
MOST_SETTLED = 500_000
MOST_BESIDE = 10_000
MOST_MERGED = 10_000

_FAMILIES = {"vote_spike": "rate", "slow_drip": "rate", "rate_shape": "rate", "copied_replies": "texts"}
_OTHER_FAMILY = "accounts"


class Shelf:
    """All cases that are open or may open again, by id and by poll."""

    def __init__(self, params: CaseParams) -> None:
        self._params = params
        self.cases: dict[str, Case] = {}
        self._by_poll: dict[str, dict[str, None]] = {}
        self._home: dict[str, str] = {}
        self._settled: dict[str, SuspectVotes] = {}
        self._beside: dict[str, Finding] = {}
        self._closed: dict[str, None] = {}
        self._merged: dict[str, str] = {}
        self._held = 0

    def find(self, case_id: str) -> Case | None:
        """Return a case, or the one that it was merged into; None where neither is remembered."""
        while case_id in self._merged:
            case_id = self._merged[case_id]
        return self.cases.get(case_id)

    def take(self, finding: Finding) -> list[Case]:
        """Give a finding to its case, opening one above 1.0; return the cases that it changed."""
        case = self._place(finding)
        is_acting = case is None or acts(case, finding)
        is_news = case is None or not is_dismissed(case.claims, finding)
        opens = finding.score > 1 and finding.phase != "calm" and is_acting and is_news
        changed: list[Case] = []
        if case is None and opens:
            case = self._open(finding, changed)
        elif case is None and finding.lean == "organic":
            self._keep_beside(finding)
        if case is None or not (case.is_open or opens or (finding.cluster and not (case.is_refuted and is_news))):
            return []
        if opens and not case.is_open:
            case.overruled |= case.is_refuted
            self.reopen(case, finding.arrived_ms)
        if is_acting and finding.score >= self._params.close_below:
            case.hot_ms = finding.at_ms
        self._hear(case, finding)
        return [case, *changed]

    def unite(self, case: Case) -> tuple[Case, list[Case]]:
        """Make one of all cases that turn out to be this open one; return what survives and what ends."""
        ended: list[Case] = []
        for other in self._near(case.poll_ids()):
            is_another = other is not case and other.merged_into is None
            if case.is_open and is_another and one_campaign(case, other):
                case, loser = survivor_first(case, other)
                self._merge(case, loser)
                case.rejudge()
                ended.append(loser)
        return case, ended

    def estimate(self, poll_id: str) -> SuspectVotes:
        """Return the votes of a poll that all cases make suspect, closed ones too."""
        live = [self.cases[case_id].estimates.get(poll_id) for case_id in self._by_poll.get(poll_id, ())]
        return together([self._settled.get(poll_id, NONE_SUSPECT), *(one for one in live if one is not None)])

    def fullness(self) -> float:
        """Return the names it holds as a share of those it may hold."""
        return self._held / MOST_NAMED

    def give_up_homes(self, case: Case) -> None:
        """Let the next surge of its polls be another case; of those so closed, the oldest are forgotten."""
        for poll_id in case.homes:
            self._home.pop(poll_id, None)
        case.homes = []
        self._closed[case.case_id] = None
        if len(self._closed) > MOST_CLOSED:
            self.forget(self.cases[next(iter(self._closed))])

    def forget(self, case: Case) -> None:
        """Forget a case; what it made suspect stays."""
        for poll_id, suspect in case.estimates.items():
            self._settled[poll_id] = together([self._settled.pop(poll_id, NONE_SUSPECT), suspect])
            if len(self._settled) > MOST_SETTLED:
                del self._settled[next(iter(self._settled))]
        self._held -= case.held
        self._remove(case)

    def forget_poll(self, poll_id: str) -> None:
        """Forget what closed cases made suspect in a poll that left."""
        self._settled.pop(poll_id, None)

    def erase(self, account_id: str) -> list[Case]:
        """Forget an account; return the cases whose items named or cleared it."""
        told = [case for case in self.cases.values() if account_id in case.listed]
        self._held -= sum(case.erase(account_id) for case in self.cases.values())
        return sorted(told, key=lambda case: case.sort_key)

    def _near(self, poll_ids: list[str]) -> list[Case]:
        found = {case_id for poll_id in poll_ids for case_id in self._by_poll.get(poll_id, ())}
        return sorted((self.cases[case_id] for case_id in found), key=lambda case: case.sort_key)

    def _place(self, finding: Finding) -> Case | None:
        polls = polls_of(finding)
        near = self._near(polls)
        for case in near:
            at_home = finding.cluster != "" or finding.poll_id in case.homes
            if at_home and any(claim.is_about(finding) for claim in case.claims):
                return case
        if len(polls) == 1 and polls[0] in self._home:
            home = self.cases[self._home[polls[0]]]
            return None if are_others(finding, home) else home
        return next((case for case in near if belongs(finding, case)), None)

    def _open(self, finding: Finding, changed: list[Case]) -> Case:
        at_ms = finding.at_ms
        case = Case(
            self._new_id(finding), finding.poll_id, at_ms, finding.start_ms, at_ms, at_ms, arrived_ms=finding.arrived_ms
        )
        self.cases[case.case_id] = case
        if len(polls_of(finding)) == 1 and finding.poll_id in self._home:
            campaign = self.cases[self._home[finding.poll_id]]
            self._move_out(finding.poll_id, campaign, case)
            changed.append(campaign)
        beside = self._beside.pop(finding.poll_id, None)
        if beside is not None and at_ms - beside.at_ms <= self._params.close_after_ms:
            self._hear(case, beside)
        return case

    def _move_out(self, poll_id: str, campaign: Case, case: Case) -> None:
        """Tell the surge of a poll in another case than the campaign's: its accounts are others."""
        case.claims = [claim for claim in campaign.claims if not claim.named and polls_of(claim.finding) == [poll_id]]
        campaign.claims = [claim for claim in campaign.claims if claim not in case.claims]
        campaign.homes.remove(poll_id)
        del self._home[poll_id]

    def reopen(self, case: Case, arrived_ms: int) -> None:
        """Open a closed case again, to be told as opened."""
        self._closed.pop(case.case_id, None)
        case.resolved_ms, case.opening, case.arrived_ms = None, True, arrived_ms

    def _keep_beside(self, finding: Finding) -> None:
        self._beside.pop(finding.poll_id, None)
        self._beside[finding.poll_id] = bare(finding)
        if len(self._beside) > MOST_BESIDE:
            del self._beside[next(iter(self._beside))]

    def _new_id(self, first: Finding) -> str:
        family = _FAMILIES.get(first.kind, _OTHER_FAMILY)
        identity, again = "\x1f".join((first.poll_id, family, str(first.start_ms))), ""
        while True:
            case_id = hashlib.blake2b((identity + again).encode(), digest_size=8).hexdigest()
            if case_id not in self.cases:
                return case_id
            again += "\x1f"

    def _hear(self, case: Case, finding: Finding) -> None:
        self._take_claim(case, finding)
        polls = polls_of(finding)
        for poll_id in polls:
            self._by_poll.setdefault(poll_id, {})[case.case_id] = None
        if len(polls) == 1 and polls[0] not in self._home and case.is_open:
            self._home[polls[0]] = case.case_id
            case.homes.append(polls[0])
        case.touched_ms = finding.at_ms
        case.start_ms = min(case.start_ms, finding.start_ms)
        case.score = max(case.score, finding.score)
        case.tallies[finding.poll_id] = finding.tally
        case.tallies.update((of.poll_id, of.tally) for of in finding.suspects)

    def _take_claim(self, case: Case, finding: Finding) -> None:
        claim = next((one for one in case.claims if one.is_about(finding)), None)
        is_new = all(topic(one.finding) != topic(finding) for one in case.claims)
        if claim is None and (finding.score > 1 or finding.lean == "organic"):
            claim = Claim(bare(finding), dismissal=heir_of(case.claims, finding))
            case.claims.append(claim)
            case.fresh |= is_new and finding.score > 1
        if claim is not None:
            before = claim.held
            case.items_changed += claim.take(finding, self._params.close_below, self._room(case))
            self._held += claim.held - before
        if len(case.claims) > MOST_CLAIMS:
            least = min(case.claims, key=lambda one: (one.standing, one.finding.score, one.finding.at_ms))
            case.claims.remove(least)
            self._held -= least.held
            case.items_changed += 1

    def _room(self, case: Case) -> int:
        return max(0, min(MOST_NAMED_A_CASE - case.held, MOST_NAMED - self._held))

    def _merge(self, case: Case, loser: Case) -> None:
        if not case.is_open:
            self.reopen(case, loser.arrived_ms)
        case.claims = [*case.claims, *loser.claims]
        case.tallies = loser.tallies | case.tallies
        case.unseen = list(Spans([*case.unseen, *loser.unseen]))[-MOST_UNSEEN:]
        before = [*loser.decided_before, *(one.digest for one in loser.decisions)]
        case.decided_before = [*case.decided_before, *before][-MOST_DECISIONS:]
        case.homes += loser.homes
        case.hot_ms = max(case.hot_ms, loser.hot_ms)
        case.touched_ms = max(case.touched_ms, loser.touched_ms)
        case.start_ms = min(case.start_ms, loser.start_ms)
        case.score = max(case.score, loser.score)
        case.fresh = True
        case.items_changed += len(accounts_of(loser.claims))
        loser.merged_into, loser.items_changed = case.case_id, loser.item_revision
        self._merged[loser.case_id] = case.case_id
        if len(self._merged) > MOST_MERGED:
            del self._merged[next(iter(self._merged))]
        self._remove(loser)
        for poll_id in loser.homes:
            self._home[poll_id] = case.case_id
        for poll_id in loser.tallies:
            self._by_poll.setdefault(poll_id, {})[case.case_id] = None

    def _remove(self, case: Case) -> None:
        del self.cases[case.case_id]
        self._closed.pop(case.case_id, None)
        for poll_id in case.homes:
            self._home.pop(poll_id, None)
        for poll_id in case.tallies:
            del self._by_poll[poll_id][case.case_id]
            if not self._by_poll[poll_id]:
                del self._by_poll[poll_id]

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data; the cases as bytes, since their accounts are many."""
        return {
            "cases": msgspec.msgpack.encode(list(self.cases.values())),
            "by_poll": {poll_id: list(ids) for poll_id, ids in self._by_poll.items()},
            "settled": msgspec.to_builtins(self._settled),
            "beside": msgspec.to_builtins(list(self._beside.values())),
            "merged": dict(self._merged),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self.cases = {case.case_id: case for case in msgspec.msgpack.decode(state["cases"], type=list[Case])}
        self._held = sum(case.held for case in self.cases.values())
        self._home = {poll_id: case.case_id for case in self.cases.values() for poll_id in case.homes}
        closed = [case for case in self.cases.values() if not case.is_open and not case.homes]
        self._closed = {case.case_id: None for case in sorted(closed, key=lambda case: (case.resolved_ms, case.case_id))}
        self._by_poll = {poll_id: dict.fromkeys(ids) for poll_id, ids in state["by_poll"].items()}
        self._settled = msgspec.convert(state["settled"], dict[str, SuspectVotes])
        self._beside = {one.poll_id: one for one in msgspec.convert(state["beside"], list[Finding])}
        # snapshots of workers that knew no decisions have none
        self._merged = dict(state.get("merged", {}))
