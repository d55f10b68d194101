"""What changed from one revision of a case to the next, in sentences, the weightiest first. Knows only what was published."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.alert import CaseData, PollImpact
from detectors.findings import Evidence

_SIDES = {"coordinated": "for a script", "organic": "for a crowd"}
_NO_NUMBERS = str.maketrans("", "", "0123456789.,:%")


def changes(before: CaseData, after: CaseData) -> list[str]:
    """Return what a revision says otherwise than an earlier one of the same case; empty where it only says it again."""
    return [*_judged(before, after), *_polls(before, after), *_decided(before, after), *_said(before, after), *_rest(before, after)]


def _judged(before: CaseData, after: CaseData) -> Iterator[str]:
    if before.verdict != after.verdict:
        yield f"The verdict is {after.verdict}, it was {before.verdict}."
    if before.confidence != after.confidence:
        yield f"The confidence is {after.confidence:.3g}, it was {before.confidence:.3g}."
    if before.severity != after.severity:
        yield f"The severity is {after.severity}, it was {before.severity}."
    if before.score != after.score:
        yield f"The score is {after.score:.3g}, it was {before.score:.3g}."


def _polls(before: CaseData, after: CaseData) -> Iterator[str]:
    were = {poll.poll_id: poll for poll in before.polls}
    are = {poll.poll_id: poll for poll in after.polls}
    for poll_id in [one for one in were if one not in are]:
        yield f"Poll {poll_id!r} is no longer part of it."
    for poll_id, poll in are.items():
        if poll_id not in were:
            yield f"Poll {poll_id!r} is part of it: {poll.suspect.votes:,} suspect votes."
        else:
            yield from _poll(were[poll_id], poll)


def _poll(before: PollImpact, after: PollImpact) -> Iterator[str]:
    was, now, name = before.suspect, after.suspect, repr(after.poll_id)
    if was.votes != now.votes:
        yield f"{now.votes:,} votes of {name} are suspect ({now.share:.1%}), {was.votes:,} were."
    elif was.share_high != now.share_high:
        yield f"At most {now.share_high:.1%} of {name} are suspect, it was {was.share_high:.1%}."
    if was.accounts != now.accounts:
        yield f"{now.accounts:,} accounts are named in {name}, {was.accounts:,} were."
    if before.outcome.flips != after.outcome.flips:
        yield f"Would {name} have another leader without them: {after.outcome.flips}, it was {before.outcome.flips}."
    if before.outcome.leader != after.outcome.leader:
        yield f"{after.outcome.leader!r} leads in {name}, it was {before.outcome.leader!r}."


def _decided(before: CaseData, after: CaseData) -> Iterator[str]:
    if after.review is not None and after.review != before.review:
        note = f": {after.review.note}" if after.review.note else ""
        yield f"{after.review.by!r} decided {after.review.decision}{note}"
    elif before.review is not None and after.review is None:
        yield f"What {before.review.by!r} decided ({before.review.decision}) no longer stands: there is more than was decided on."


def _said(before: CaseData, after: CaseData) -> Iterator[str]:
    """Tell reasons that are new and those that are no longer told; one whose numbers changed is the same reason."""
    were, are = {_words(one) for one in before.evidence}, {_words(one) for one in after.evidence}
    for one in after.evidence:
        if _words(one) not in were:
            yield f"New reason {_SIDES[one.direction]}, {one.detector}: {one.sentence}"
    for one in before.evidence:
        if _words(one) not in are:
            yield f"No longer told {_SIDES[one.direction]}, {one.detector}: {one.sentence}"


def _words(one: Evidence) -> tuple[str, str, str]:
    return one.detector, one.direction, one.sentence.translate(_NO_NUMBERS)


def _rest(before: CaseData, after: CaseData) -> Iterator[str]:
    for kind in after.kinds:
        if kind not in before.kinds:
            yield f"Another kind of finding: {kind}."
    if before.members_ref is None and after.members_ref is not None:
        yield "Its accounts are handed to moderators."
    if after.merged_into is not None and before.merged_into is None:
        yield f"It is part of case {after.merged_into}, which goes on."
    if before.recommended.action != after.recommended.action:
        yield f"Recommended is {after.recommended.action}, it was {before.recommended.action}."
    if before.made_by != after.made_by:
        yield f"It was made by version {after.made_by.version} with settings {after.made_by.config_digest}, mode {after.made_by.mode}."
