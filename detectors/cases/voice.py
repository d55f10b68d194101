"""What a case says, into the step that is to be published: its items, its revisions, and the confidence that stands in them."""

from __future__ import annotations

from collections.abc import Iterable

from detectors.alert import MadeBy
from detectors.cases.case import Case, CaseParams, case_data, case_items
from detectors.cases.features import features
from detectors.cases.lessons import Lessons, Moved
from detectors.cases.moderation import ModerationItem
from detectors.cases.news import CaseStep, News, Revision, has_grown, items_due_ms
from detectors.cases.verdict import ACCUSING


class Voice:
    """Numbers and words of revisions; when a case speaks is decided elsewhere."""

    def __init__(self, params: CaseParams, made_by: MadeBy, lessons: Lessons) -> None:
        self._params = params
        self._made_by = made_by
        self._lessons = lessons

    def speak(self, case: Case, news: News | None, at_ms: int, step: CaseStep) -> None:
        """Publish what is due: the items of a case, and a revision when there is news."""
        if case.items_changed and (news == "resolved" or at_ms >= items_due_ms(case, self._params)):
            step.items += self.items(case, at_ms)
        if news is not None:
            self.revise(case, news, at_ms, step)

    def say_the_rest(self, cases: Iterable[Case], step: CaseStep) -> None:
        """Say what was held back: nothing more comes."""
        for case in sorted(cases, key=lambda case: case.sort_key):
            if case.items_changed:
                step.items += self.items(case, case.touched_ms)
            if case.is_open and has_grown(case, self._params):
                self.revise(case, "updated", case.touched_ms, step)

    def items(self, case: Case, at_ms: int) -> list[ModerationItem]:
        """Return the next revision of a case's items."""
        case.items_changed, case.items_said_ms = 0, at_ms
        case.item_revision += 1
        return case_items(case, self._params, self._made_by)

    def revise(self, case: Case, news: News, at_ms: int, step: CaseStep) -> None:
        """Publish the next revision of a case."""
        case.revision += 1
        case.said_ms, case.said_score, case.said_verdict = at_ms, case.score, case.judged.verdict
        case.said_votes = {poll_id: suspect.votes for poll_id, suspect in case.estimates.items()}
        case.opening = case.fresh = False
        data = case_data(case, self._params, self._made_by, self._confidence(case, step))
        case.said_severity = data.severity
        step.revisions.append(Revision(news, data, case.arrived_ms if news == "opened" else 0))

    def _confidence(self, case: Case, step: CaseStep) -> float:
        """Return the confidence of a verdict, moved by what decisions taught; a case that was decided itself keeps its own."""
        base = case.judged.confidence
        if not self._lessons or case.case_id in self._lessons or case.judged.verdict not in ACCUSING:
            return base
        score = max(claim.finding.score for claim in case.claims if claim.standing)
        moved = self._lessons.confidence(base, score, features(case.claims, case.tallies))
        if moved != base:
            step.moved.append(Moved(case.case_id, case.revision, base, moved, *self._lessons.taught()))
        return moved
