"""The console's memory: a fold of the output topics' records, in any order of topics and with repeats. Pure: no Kafka, no clock.

It is bounded: MOST_CASES cases, MOST_POLLS polls of which MOST_COURSES with their course over time, MOST_NAMES account names in
all cases together, MOST_TITLES titles. What was told of longest ago leaves first; with everything full that is about 400 MB.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from config import TopicRole
from detectors.alert import Integrity
from streams.console import reading
from streams.console.case_file import CaseFile
from streams.console.course import Course

MOST_CASES = 1_000
MOST_POLLS = 20_000
MOST_COURSES = 2_000
MOST_NAMES = 400_000
MOST_TITLES = 50_000
MOST_TITLE_CHARS = 200
MOST_OPTIONS = 64
"""Options of a poll that are kept, those with the most votes; Pollwatch lets strangers name options."""

READ = (TopicRole.ALERTS, TopicRole.MODERATION, TopicRole.INTEGRITY, TopicRole.POLLS, TopicRole.VERDICTS)
"""The topics it is made of."""


@dataclass(slots=True)
class PollFile:
    """One poll: its last estimate, and its course while there is room for it."""

    estimate: Integrity
    course: Course | None


@dataclass
class Board:
    """`version` grows with every record that was news; `last_ms` is the latest event time told. What could not be read is counted."""

    cases: dict[str, CaseFile] = field(default_factory=dict)
    polls: dict[str, PollFile] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    read: int = 0
    unreadable: int = 0
    version: int = 0
    last_ms: int = 0
    forgotten_cases: int = 0
    _courses: dict[str, None] = field(default_factory=dict)
    _names: int = 0

    def take(self, role: TopicRole, value: bytes | None) -> None:
        """Take one record; one that is not what its topic holds is counted and changes nothing."""
        self.read += 1
        if value is None:  # a tombstone
            return
        try:
            news = self._taken(role, value)
        except msgspec.DecodeError:
            self.unreadable += 1
            return
        self.version += news

    def title(self, poll_id: str) -> str:
        """Return what a poll is called: its title, or its id."""
        return self.titles.get(poll_id) or poll_id

    def told(self) -> list[CaseFile]:
        """Return the cases of which an alert has come, newest first."""
        known = [(one.latest.data, one) for one in self.cases.values() if one.latest is not None]
        return [one for data, one in sorted(known, key=lambda pair: (-pair[0].opened_ms, pair[0].case_id))]

    def cases_of(self, poll_id: str) -> list[CaseFile]:
        """Return the cases that are about a poll, newest first."""
        return [one for one in self.told() if one.latest is not None and poll_id in one.latest.data.poll_ids]

    def course(self, poll_id: str) -> Course | None:
        """Return the course of a poll, None where none is kept."""
        poll = self.polls.get(poll_id)
        return None if poll is None else poll.course

    def _taken(self, role: TopicRole, value: bytes) -> bool:
        match role:
            case TopicRole.ALERTS:
                alert = reading.alert(value)
                self.last_ms = max(self.last_ms, alert.data.updated_ms)
                return self._case(alert.data.case_id).add_alert(alert)
            case TopicRole.MODERATION:
                return self._take_item(value)
            case TopicRole.INTEGRITY:
                return self._take_estimate(reading.estimate(value))
            case TopicRole.POLLS:
                return self._take_title(reading.poll(value))
            case TopicRole.VERDICTS:
                decision = reading.decision(value)
                return self._case(decision.case_id).add_decision(decision)
        raise ValueError(f"the console does not read {role}")

    def _take_item(self, value: bytes) -> bool:
        item = reading.item(value)
        case = self._case(item.case_id)
        before = case.named.held
        news = case.named.add(item)
        case.version += news
        self._names += case.named.held - before
        if self._names > MOST_NAMES:
            self._let_names_go(case)
        return news

    def _let_names_go(self, spared: CaseFile) -> None:
        """Give back the account names of cases that were told of longest ago, until there is room."""
        for case in self.cases.values():
            if self._names <= MOST_NAMES:
                return
            if case is not spared:
                self._names -= case.named.held
                case.named.let_lists_go()

    def _take_estimate(self, estimate: Integrity) -> bool:
        poll = self.polls.pop(estimate.poll_id, None)
        if poll is not None and estimate.updated_ms < poll.estimate.updated_ms:
            self.polls[estimate.poll_id] = poll
            return False
        course = poll.course if poll is not None and poll.course is not None else Course()
        course.add(estimate)
        # popped above and put back at the end: the first one is the one told of longest ago
        self.polls[estimate.poll_id] = PollFile(_with_few_options(estimate), course)
        self._courses.pop(estimate.poll_id, None)
        self._courses[estimate.poll_id] = None
        if len(self._courses) > MOST_COURSES:
            oldest = next(iter(self._courses))
            del self._courses[oldest]
            self.polls[oldest].course = None
        if len(self.polls) > MOST_POLLS:
            del self.polls[next(iter(self.polls))]
        self.last_ms = max(self.last_ms, estimate.updated_ms)
        return True

    def _take_title(self, poll: reading.Poll) -> bool:
        before = self.titles.pop(poll.poll_id, None)
        self.titles[poll.poll_id] = poll.title[:MOST_TITLE_CHARS]
        if len(self.titles) > MOST_TITLES:
            del self.titles[next(iter(self.titles))]
        return before != self.titles.get(poll.poll_id)

    def _case(self, case_id: str) -> CaseFile:
        """Return a case, the last one now in the order in which they leave."""
        case = self.cases.pop(case_id, None) or CaseFile(case_id)
        self.cases[case_id] = case
        if len(self.cases) > MOST_CASES:
            gone = self.cases.pop(next(iter(self.cases)))
            self._names -= gone.named.held
            self.forgotten_cases += 1
        return case


def _with_few_options(estimate: Integrity) -> Integrity:
    """Return an estimate with the options that are shown, each of which has an adjusted share."""
    known = [option for option in estimate.options if option in estimate.adjusted]
    if len(known) == len(estimate.options) <= MOST_OPTIONS:
        return estimate
    kept = sorted(known, key=lambda option: (-estimate.options[option], option))[:MOST_OPTIONS]
    options = {option: estimate.options[option] for option in kept}
    return msgspec.structs.replace(estimate, options=options, adjusted={option: estimate.adjusted[option] for option in kept})
