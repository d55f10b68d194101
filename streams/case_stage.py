"""The cases stage: reports of all shards, and decisions of reviewers, become alerts and running estimates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

from faust.types import TP

from config.schema import Settings, TopicRole
from detectors.alert import Integrity
from detectors.cases.book import CaseBook
from detectors.cases.news import CaseStep, Revision
from detectors.findings import Report
from streams.activity import Activity
from streams.canary import Canary
from streams.decision_desk import DecisionDesk, log_moved
from streams.decision_order import decision_in
from streams.erase_order import order_in
from streams.metric_labels import Sink, Stage, Store
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.pseudonyms import pseudonyms
from streams.publish import alert, to_json
from streams.shards import Kept, save
from streams.snapshots import SnapshotStore
from streams.stages import shards
from streams.transport import Batch
from streams.wire import decode_report

STATE_NAME = "cases"
ESTIMATES_EVERY_S = 1.0
ESTIMATES_AT_ONCE = 500
_ALERT_HEADERS = [("content-type", b"application/cloudevents+json")]


class Cases:
    """The case book, on the one worker that owns the findings partition."""

    def __init__(
        self,
        settings: Settings,
        build: Callable[[], CaseBook],
        store: Callable[[str, int], SnapshotStore],
        outbox: Outbox,
        metrics: Metrics,
        canary: Canary | None = None,
    ) -> None:
        self._settings = settings
        self._canary = canary
        self._pseudonyms = pseudonyms(settings.privacy)
        self._desk = DecisionDesk(settings, self._pseudonyms, outbox, metrics)
        self._build = build
        self._store = store
        self._outbox = outbox
        self._metrics = metrics
        self._kept: dict[TP, Kept] = {}
        self._unsaid_polls: dict[str, None] = {}
        # while one waits for room, a newer estimate must not go before it
        self._saying = asyncio.Lock()
        self._activity, self._shown_s = Activity(), time.monotonic()

    async def assign(self, tps: set[TP]) -> dict[TP, int]:
        """Restore the cases if they are ours now; return where reading goes on if there was a snapshot."""
        self._kept, self._unsaid_polls, self._activity = {}, {}, Activity()
        if not tps:
            self._metrics.top_polls.show({}, _of_nobody)
        for tp in tps:
            book, store = self._build(), self._store(STATE_NAME, shards(self._settings))
            snapshot = await store.read()
            if snapshot is not None:
                book.restore(snapshot.state)
                # those that changed after the estimates were last sent are not known: send all
                self._unsaid_polls = dict.fromkeys(book.poll_ids())
            offset = -1 if snapshot is None else snapshot.offset
            self._kept[tp] = Kept(book, store, offset, offset)
        self._show()
        if self._canary is not None:
            self._canary.begin() if tps else self._canary.end()
        return {tp: kept.offset for tp, kept in self._kept.items() if kept.offset >= 0}

    async def handle(self, batch: Batch) -> None:
        """Take a run of reports and decisions, and publish what follows from them."""
        kept = self._kept[batch.tp]
        book: CaseBook = kept.machine
        async with kept.busy:
            with self._metrics.processing.labels(Stage.CASES).time():
                steps, canary = self._worked_through(kept, batch)
            kept.offset = batch.next_offset
            for step in steps:
                await self._publish(step)
                self._unsaid_polls.update(dict.fromkeys(step.changed_polls))
            await self._desk.send_refused()
        if self._canary is not None:
            self._canary.hear(canary)
        if book.ended():
            await self.say_all_estimates()
        self._show()

    def _show(self) -> None:
        """Bring the gauges of the cases up to date: what another worker owns now is not shown here any more."""
        book: CaseBook = next((kept.machine for kept in self._kept.values()), None) or self._build()
        census = book.census()
        for verdict, count in census.verdicts.items():
            self._metrics.cases_open.labels(verdict).set(count)
        for severity, count in census.severities.items():
            self._metrics.cases_by_severity.labels(severity).set(count)
        self._metrics.oldest_undecided.set(census.undecided_since_ms / 1000)
        self._metrics.state_entries.labels(Store.CASES).set(len(book.poll_ids()))
        self._metrics.state_fullness.labels(Store.CASES).set(census.fullness)

    async def _publish(self, step: CaseStep) -> None:
        topic = self._settings.topics.name(TopicRole.ALERTS)
        log_moved(step.moved)
        for revision in step.revisions:
            revision = replace(revision, data=self._pseudonyms.data(revision.data))
            message = alert(revision, self._settings.worker.source)
            sent = await self._outbox.send(
                Sink.ALERTS, topic, None, message.subject.encode(), to_json(message), _ALERT_HEADERS
            )
            sent.add_done_callback(self._said(revision))  # type: ignore[attr-defined]
        moderation = self._settings.topics.name(TopicRole.MODERATION)
        for item in step.items:
            value = to_json(self._pseudonyms.item(item))
            await self._outbox.send(Sink.MODERATION, moderation, None, item.case_id.encode(), value)
        if step.retired:
            async with self._saying:
                await self._say(step.retired)

    def _said(self, revision: Revision) -> Callable[[asyncio.Future[Any]], None]:
        data = revision.data

        def acknowledged(future: asyncio.Future[Any]) -> None:
            if future.cancelled() or future.exception() is not None:
                return
            latency_s = time.time() - revision.arrived_ms / 1000 if revision.arrived_ms else None
            self._metrics.alert(data.kinds, data.severity, data.case_id, latency_s)
            if data.revision == 1:
                self._metrics.cases_opened.labels(data.verdict).inc()

        return acknowledged

    async def say_all_estimates(self) -> None:
        """Publish the running estimates of all polls that changed since they were last told."""
        while self._kept and self._unsaid_polls:
            await self.say_estimates()

    async def say_estimates(self) -> None:
        """Publish up to `ESTIMATES_AT_ONCE` of them, longest waiting first."""
        for kept in self._kept.values():
            book: CaseBook = kept.machine
            async with self._saying:
                polls = list(islice(self._unsaid_polls, ESTIMATES_AT_ONCE))
                for poll_id in polls:
                    del self._unsaid_polls[poll_id]
                await self._say(book.integrity(poll_id) for poll_id in polls if poll_id in book)

    async def _say(self, estimates: Iterable[Integrity]) -> None:
        topic = self._settings.topics.name(TopicRole.INTEGRITY)
        records = [(estimate.poll_id.encode(), to_json(estimate)) for estimate in estimates]
        if records:
            await self._outbox.send_many(Sink.INTEGRITY, topic, records)

    def show(self) -> None:
        """Show the polls that gain most votes now in the slots; about once a second."""
        now_s = time.monotonic()
        seconds, self._shown_s = max(1e-3, now_s - self._shown_s), now_s
        for kept in self._kept.values():
            book: CaseBook = kept.machine
            per_s = self._activity.add(book.take_gained(), seconds)
            self._metrics.top_polls.show({poll_id: value for poll_id, value in per_s.items() if poll_id in book}, book.integrity)

    def due(self) -> list[TP]:
        """Return the partition if its last snapshot is old and it has come further since."""
        old_s = self._settings.worker.snapshot_every_ms / 1000
        return [tp for tp, kept in self._kept.items() if kept.due(old_s)]

    def changed(self) -> list[TP]:
        """Return the partition if it has come further than its last snapshot."""
        return [tp for tp, kept in self._kept.items() if kept.changed]

    async def save(self, tp: TP, at_leisure: Callable[[], bool]) -> int | None:
        """Write a snapshot; return the offset up to which may be committed, None if it can't be yet."""
        return await save(self._kept[tp], tp, Stage.CASES, self._outbox, self._metrics, at_leisure)

    def _worked_through(self, kept: Kept, batch: Batch) -> tuple[list[CaseStep], list[Report]]:
        """Return what follows from a run for the cases, and what was reported of the canary."""
        book: CaseBook = kept.machine
        steps: list[CaseStep] = []
        canary: list[Report] = []
        for message in batch.records.values:
            if (erasure := order_in(message)) is not None:
                steps.append(book.erase(erasure.account_id, f"{erasure.order}/{erasure.shard}"))
                kept.erasures += 1
            elif (decision := decision_in(message)) is not None:
                steps.append(self._desk.take(book, decision))
            else:
                report = decode_report(message or b"")
                book.accept(report)
                canary += [report.canary] if report.canary is not None else []
        return [*steps, book.advance()], canary


def _of_nobody(poll_id: str) -> Integrity:
    raise KeyError(poll_id)
