"""Decisions reach their cases: each is taken at its place among the reports, counted and logged, or refused with a reason."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import msgspec

from config.schema import Settings
from detectors.cases.book import CaseBook
from detectors.cases.decision import Decision, NotTaken
from detectors.cases.lessons import Moved
from detectors.cases.news import CaseStep
from detectors.cases.rulings import Ruling
from streams.dead_letters import DeadLetters, Place
from streams.decision_order import DecisionOrder, read_decision
from streams.decode_record import Refused
from streams.metric_labels import REFUSED
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.pseudonyms import Pseudonyms
from streams.terminal import visible

logger = logging.getLogger(__name__)

_WHY = {
    NotTaken.UNKNOWN_CASE: "no case has this id, or it was forgotten: decide within cases.remember_ms after it was resolved",
    NotTaken.UNKNOWN_ACCOUNTS: "the case names none of these accounts",
    NotTaken.NO_NOTE: "it touches more accounts than decisions.bulk_accounts: give a reason in `note`",
}
_MOST_SHOWN = 60


class DecisionDesk:
    """Takes decisions; those that are refused wait until `send_refused`."""

    def __init__(self, settings: Settings, names: Pseudonyms, outbox: Outbox, metrics: Metrics) -> None:
        self._max_record_bytes = settings.intake.max_record_bytes
        self._names = names
        self._dead_letters = DeadLetters(settings.topics, outbox, metrics)
        self._metrics = metrics
        self._refused: list[tuple[DecisionOrder, str, str]] = []

    def take(self, book: CaseBook, order: DecisionOrder) -> CaseStep:
        """Give a decision to its case; return what follows."""
        read = read_decision(order.value, 0, self._max_record_bytes)
        if isinstance(read, Refused):
            # it was well-formed for the worker that took it in: that one was of another version
            self._refuse(order, read.reason, read.message)
            return CaseStep()
        ruling, step = book.decide(self._with_ids(read, book), order.arrived_ms)
        if isinstance(ruling.outcome, NotTaken):
            self._refuse(order, ruling.outcome, _WHY[ruling.outcome])
        elif ruling.outcome != "repeated":
            self._metrics.decisions.labels(read.decision).inc()
        self._log(read, ruling)
        return step

    async def send_refused(self) -> None:
        """Send what was refused to the dead letter."""
        refused, self._refused = self._refused, []
        for order, reason, message in refused:
            place = Place(order.topic, order.partition, order.offset)
            await self._dead_letters.send(place, order.key, order.value, (), reason, message)

    def _refuse(self, order: DecisionOrder, reason: str, message: str) -> None:
        self._refused.append((order, reason, message))
        self._metrics.decisions.labels(REFUSED).inc()

    def _with_ids(self, decision: Decision, book: CaseBook) -> Decision:
        """Return a decision with ids for pseudonyms: who sees items with pseudonyms decides on those."""
        asked = decision.account_ids
        if asked is None or not self._names.are_pseudonyms(asked):
            return decision
        ids = {self._names.of(account_id): account_id for account_id in book.accounts_of(decision.case_id)}
        return msgspec.structs.replace(decision, account_ids=[ids.get(one, one) for one in asked])

    def _log(self, decision: Decision, ruling: Ruling) -> None:
        thought = "" if ruling.chance_before is None else f"; the model gave {ruling.chance_before:.2f} to confirmed"
        logger.info(
            "decision %s of %s on case %s: %s, %d accounts%s",
            decision.decision, visible(self._names.of(decision.by), _MOST_SHOWN), ruling.case_id, ruling.outcome, ruling.accounts, thought,
        )  # fmt: skip


def log_moved(moved: Iterable[Moved]) -> None:
    """Log confidences that decisions moved."""
    for one in moved:
        logger.info(
            "case %s:%d: confidence %.3g instead of %.3g, as %d decisions of %d people taught",
            one.case_id, one.revision, one.after, one.before, one.lessons, one.voices,
        )  # fmt: skip
