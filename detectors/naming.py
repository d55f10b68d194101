"""Numbers of polls and options become names again: what detectors saw becomes what the cases are told."""

from __future__ import annotations

import msgspec

from detectors.columns import NO_OPTION
from detectors.findings import Evidence, Finding, Member, PollSuspects, rounded
from detectors.polls import PollBook
from detectors.rate.detector import RateFinding
from detectors.tallies_at import TalliesAt
from detectors.watcher import Sighting, Suspected


def finding_of_rate(found: RateFinding, book: PollBook, tallies: TalliesAt) -> Finding:
    """Return what the rate detector found, with names and how the poll stood then."""
    return _named(found, "rate", book, tallies)


def finding_of_sighting(seen: Sighting, book: PollBook, tallies: TalliesAt) -> Finding:
    """Return what another detector saw; accounts without an id (rows of an older worker, or erased) are left out."""
    return msgspec.structs.replace(
        _named(seen, seen.detector, book, tallies),
        cluster=seen.cluster,
        lean=seen.lean,
        evidence=[_published(evidence) for evidence in seen.evidence],
        suspects=[_suspects(of, seen.at_ms, book, tallies) for of in seen.suspects],
        members=[Member(m.account_id, rounded(m.score), m.reasons) for m in seen.members if m.account_id],
        cleared=[account_id for account_id in seen.cleared if account_id],
    )


def _named(found: RateFinding | Sighting, detector: str, book: PollBook, tallies: TalliesAt) -> Finding:
    return Finding(
        at_ms=found.at_ms,
        poll_id=book.poll_ids[found.poll],
        option=_option_name(found.poll, found.option, book),
        detector=detector,
        kind=found.kind,
        phase=found.phase,
        score=rounded(found.score),
        p_value=rounded(found.p_value),
        observed=rounded(found.observed),
        expected=rounded(found.expected),
        start_ms=found.start_ms,
        end_ms=found.end_ms,
        tally=tallies.at(found.poll, found.at_ms),
        arrived_ms=found.arrived_ms,
    )


def _published(evidence: Evidence) -> Evidence:
    """Return evidence with its numbers rounded, so that the last bits of a sum can't change an alert."""
    observed, expected, p_value = (
        None if number is None else rounded(number)
        for number in (evidence.observed, evidence.expected, evidence.p_value)
    )
    return Evidence(evidence.detector, evidence.direction, evidence.sentence, observed, expected, p_value)


def _suspects(of: Suspected, at_ms: int, book: PollBook, tallies: TalliesAt) -> PollSuspects:
    names = list(book.cells(of.poll))
    return PollSuspects(
        poll_id=book.poll_ids[of.poll],
        votes=rounded(of.votes),
        low=rounded(of.low),
        high=rounded(of.high),
        options={names[option]: rounded(votes) for option, votes in sorted(of.options.items())},
        tally=tallies.at(of.poll, at_ms),
    )


def _option_name(poll: int, option: int, book: PollBook) -> str | None:
    return None if option == NO_OPTION else list(book.cells(poll))[option]
