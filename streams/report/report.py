"""What is reported: all that the page is made of. Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from detectors.alert import Alert, CaseData, Integrity
from streams.report.accounts import Accounts
from streams.report.sample import Named, Sample, Wanted
from streams.report.timelines import Timelines

MOST_CASES = 200
MOST_DRAWN, MOST_FOLDED_DRAWN = 30, 8
"""Cases with charts: all in all, and of those that accuse nobody."""
_VERDICTS = ("coordinated", "mixed", "insufficient", "organic")
_FLIPS = ("yes", "uncertain", "no")


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported: `totals` as in summary.json, the last alert of each case, and the estimates of polls by id.

    `samples` and `named` are by case id and may lack any case: its page then says less and draws less.
    """

    totals: Mapping[str, float]
    cases: Sequence[Alert]
    timelines: Timelines
    estimates: Mapping[str, Integrity]
    samples: Mapping[str, Sample] = field(default_factory=dict)
    named: Mapping[str, Named] = field(default_factory=dict)

    def standing(self) -> list[CaseData]:
        """Return the cases that hold, the most important first: accused before not, then those that change a result."""
        return standing(self.cases)

    def withdrawn(self) -> list[CaseData]:
        """Return the cases that were retracted, in order of time."""
        gone = [one.data for one in self.cases if _is_retracted(one)]
        return sorted(gone, key=lambda case: (case.opened_ms, case.case_id))

    def merged(self) -> list[CaseData]:
        """Return the cases that turned out to be part of another one."""
        gone = [one.data for one in self.cases if one.data.merged_into is not None]
        return sorted(gone, key=lambda case: (case.opened_ms, case.case_id))


def standing(cases: Iterable[Alert]) -> list[CaseData]:
    """Return the cases that hold, the most important first."""
    data = [one.data for one in cases if one.data.merged_into is None and not _is_retracted(one)]
    return sorted(data, key=_importance)


def wanted(cases: Iterable[Alert], accounts: Accounts) -> list[Wanted]:
    """Return what to look at again: the cases that will be drawn, with the polls that have most suspect votes first."""
    held = standing(cases)
    shown = drawn(held)
    return [
        Wanted(
            case.case_id,
            [poll.poll_id for poll in sorted(case.polls, key=lambda poll: (-poll.suspect.votes, poll.poll_id))],
            case.window.start_ms,
            case.window.end_ms,
            accounts.ids(case.case_id),
        )
        for case in held
        if case.case_id in shown
    ]


def accuses(case: CaseData) -> bool:
    """Tell whether a case says that something was not a crowd."""
    return case.verdict in ("coordinated", "mixed")


def drawn(cases: Sequence[CaseData]) -> set[str]:
    """Return the ids of the cases that get charts; `cases` stand in the order of `standing`."""
    accusing = [case.case_id for case in cases if accuses(case)][:MOST_DRAWN]
    others = sorted((case for case in cases if not accuses(case)), key=lambda case: -case.score)
    return {*accusing, *(case.case_id for case in others[: min(MOST_FOLDED_DRAWN, MOST_DRAWN - len(accusing))])}


def suspect_votes(case: CaseData) -> int:
    """Return the votes a case makes suspect, in all its polls."""
    return sum(poll.suspect.votes for poll in case.polls)


def flips(case: CaseData) -> str:
    """Return the most that a case changes: `yes` when one of its polls would have another leader."""
    return min((poll.outcome.flips for poll in case.polls), key=_FLIPS.index)


def _importance(case: CaseData) -> tuple[int, int, int, float, str]:
    rank = _VERDICTS.index(case.verdict)
    return (rank, _FLIPS.index(flips(case)), -suspect_votes(case), -case.score, case.case_id)


def _is_retracted(one: Alert) -> bool:
    return one.type == "pollwatch.alert.retracted.v1"
