"""What a case holds of one thing that one detector saw: the finding that stands, and whom it names. Knows no other claim.

A claim *stands* from the moment it leans to coordination with a score above 1 until it is withdrawn: its score falls
below `close_below`, it leans to a crowd, or everybody it named is cleared. That what it saw is over ("calm") does not
withdraw it. One that a reviewer called a false positive does not stand either, until it is outdone (`detectors.cases.dismissal`).
State: what it names, 100 to 200 bytes an account.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import msgspec

from detectors.cases.dismissal import Dismissal, is_outdone
from detectors.findings import Finding, Member, PollSuspects

NAMED = 0.5
"""The least score of an account that is named."""

_MATERIAL_SCORE = 0.1
_MINUTE_MS = 60_000


def same_accounts(ours: AbstractSet[str], theirs: AbstractSet[str]) -> bool:
    """Tell whether two sets of accounts are one group: at least half of the smaller is in the other."""
    smaller = min(len(ours), len(theirs))
    return smaller > 0 and 2 * len(ours & theirs) >= smaller


def named_in(finding: Finding) -> set[str]:
    """Return the accounts that a finding names."""
    return {member.account_id for member in finding.members if member.score >= NAMED}


def polls_of(finding: Finding) -> list[str]:
    """Return the polls a finding is about, the first one first."""
    if not finding.suspects:
        return [finding.poll_id]
    return list(dict.fromkeys([finding.poll_id, *[of.poll_id for of in finding.suspects]]))


def topic(finding: Finding) -> str:
    """Return what sort of thing a finding is: the first claim of a sort is news."""
    return f"{finding.detector}:{finding.kind}:{finding.option or ''}"


class Claim(msgspec.Struct):
    """A finding without its members, and the members that are named by it and its predecessors.

    Where the rate speaks of a surge, `before` is the poll's tally when it first did; `votes_before` and `began_ms` are how
    many votes the poll had and when, as the surge began, `votes_by_now` and `until_ms` by its last word while that went on.
    `pardoned` are accounts it would name, had a reviewer not cleared them.
    """

    finding: Finding
    standing: bool = False
    named: dict[str, Member] = {}
    ever_named: bool = False
    before: dict[str, int] = {}
    votes_before: int = 0
    began_ms: int = 0
    votes_by_now: int = 0
    until_ms: int = 0
    dismissal: Dismissal | None = None
    pardoned: dict[str, Member] = {}

    @property
    def held(self) -> int:
        """Return how many accounts it remembers."""
        return len(self.named) + len(self.pardoned)

    @property
    def found(self) -> bool:
        """Tell whether it stands as far as its detector goes."""
        return self.standing if self.dismissal is None else self.dismissal.held

    @property
    def rank(self) -> tuple[float, str, str]:
        """Where it stands among others: the weightiest first."""
        return (-self.finding.score, topic(self.finding), self.finding.cluster)

    @property
    def excess(self) -> float:
        """Votes of a surge beyond the expected ones, in one window of the rate or since it began; 0 for other claims."""
        if self.finding.detector != "rate":
            return 0.0
        came = self.votes_by_now - self.votes_before - self._expected_per_ms * (self.until_ms - self.began_ms)
        return max(0.0, self.finding.observed - self.finding.expected, came)

    @property
    def excess_a_minute(self) -> float:
        """Votes beyond the expected ones a minute, in the most unusual window of the rate."""
        span_ms = max(1, self.finding.end_ms - self.finding.start_ms)
        return (self.finding.observed / span_ms - self._expected_per_ms) * _MINUTE_MS

    @property
    def usual_votes(self) -> float:
        """Votes that the poll would have got since the surge began: of one answer's, as many more as others had before."""
        option, votes = self.finding.option, sum(self.before.values())
        share = 1.0 if option is None else max(1, self.before.get(option, 0)) / max(1, votes)
        return self._expected_per_ms * (self.until_ms - self.began_ms) / share

    @property
    def _expected_per_ms(self) -> float:
        return self.finding.expected / max(1, self.finding.end_ms - self.finding.start_ms)

    def overlaps(self, other: Claim) -> bool:
        """Tell whether both are about one time in one poll."""
        mine, theirs = self.finding, other.finding
        return (
            mine.start_ms < theirs.end_ms
            and theirs.start_ms < mine.end_ms
            and not set(polls_of(mine)).isdisjoint(polls_of(theirs))
        )

    def erase(self, account_id: str) -> bool:
        """Forget an account; tell whether it was known. That nobody is left is then no sign that all were cleared."""
        named = self.named.pop(account_id, None) is not None
        self.ever_named &= bool(self.named) or not named
        return self.pardoned.pop(account_id, None) is not None or named

    def said_of(self, poll_id: str) -> PollSuspects | None:
        """Return what it makes suspect in a poll: of accounts that a reviewer cleared, their share of the votes is not."""
        of = next((of for of in self.finding.suspects if of.poll_id == poll_id), None)
        return of if of is None or not self.pardoned else _times(of, len(self.named) / self.held)

    def outdoes(self, new: Finding) -> bool:
        """Tell whether a later finding is more than what a reviewer called a false positive; True where nobody did."""
        if self.dismissal is None:
            return True
        accounts = named_in(new) | self.named.keys() | self.pardoned.keys()
        return is_outdone(self.dismissal, new, len(accounts))

    def is_about(self, finding: Finding) -> bool:
        """Tell whether `finding` is a later word on the same thing."""
        mine = self.finding
        return (
            mine.cluster == finding.cluster
            and (mine.detector, mine.kind, mine.option) == (finding.detector, finding.kind, finding.option)
            and not set(polls_of(mine)).isdisjoint(polls_of(finding))
        )

    def take(self, new: Finding, close_below: float, room: int) -> int:
        """Take a later finding, at most `room` new names; return of how many accounts what is said changed."""
        was_standing, outdone = self.standing, self.outdoes(new)
        changed = self._name(new, room)
        self._count(new)
        found = self._stands(new, close_below)
        self.standing = found and outdone
        if self.dismissal is not None:
            self.dismissal = None if outdone else msgspec.structs.replace(self.dismissal, held=found)
        if new.detector == "rate" and new.score < self.finding.score:
            pass
        elif new.phase == "calm" and self.standing:
            self.finding = _over(self.finding, new)
        else:
            self.finding = bare(new)
        if self.standing and was_standing:
            return changed
        return max(changed, len(self.named), 1) if self.standing != was_standing and self.ever_named else 0

    def _count(self, new: Finding) -> None:
        if new.detector != "rate" or new.phase == "calm":
            return
        votes = sum(new.tally.values())
        if new.phase == "opened" or not self.before:
            self.before, self.began_ms = new.tally, new.start_ms
            self.votes_before = max(0, votes - round(new.observed))
        self.votes_by_now, self.until_ms = votes, new.at_ms

    def _stands(self, new: Finding, close_below: float) -> bool:
        if new.phase == "calm":
            all_cleared = self.ever_named and not self.named
            return self.found and not all_cleared and new.lean != "organic"
        held = self.found and new.score >= close_below
        return held if new.lean == "none" else new.lean == "coordinated" and (new.score > 1 or held)

    def _name(self, new: Finding, room: int) -> int:
        """Return how many accounts changed; all of them when one is cleared, since that must not wait for others."""
        changed = cleared = 0
        for member in new.members:
            old = self.named.get(member.account_id)
            if member.score < NAMED:
                cleared += self._clear(member.account_id)
            elif member.account_id in self.pardoned:
                self.pardoned[member.account_id] = member
            elif old is not None or room > 0:
                room -= old is None
                changed += _differs(member, old)
                self.named[member.account_id] = member
                self.ever_named = True
        for account_id in new.cleared:
            cleared += self._clear(account_id)
        return max(changed, len(self.named), 1) if cleared else changed

    def _clear(self, account_id: str) -> bool:
        self.pardoned.pop(account_id, None)
        return self.named.pop(account_id, None) is not None


def bare(finding: Finding) -> Finding:
    """Return a finding without its members: they are kept by account."""
    return msgspec.structs.replace(finding, members=[], cleared=[])


def _times(of: PollSuspects, share: float) -> PollSuspects:
    options = {option: share * votes for option, votes in of.options.items()}
    return PollSuspects(of.poll_id, share * of.votes, share * of.low, share * of.high, options, of.tally)


def _over(standing: Finding, end: Finding) -> Finding:
    """Return what stands after it is over: its evidence, and the last counts."""
    return msgspec.structs.replace(
        standing, at_ms=end.at_ms, end_ms=max(standing.end_ms, end.end_ms), suspects=end.suspects or standing.suspects
    )


def _differs(new: Member, old: Member | None) -> bool:
    return old is None or new.reasons != old.reasons or abs(new.score - old.score) >= _MATERIAL_SCORE
