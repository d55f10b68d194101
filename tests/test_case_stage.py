"""What the cases stage sends: alerts, moderation items and estimates, to their topics under their keys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from alert_schema import valid_alert, valid_item
from faust.types import TP
from prometheus_client import CollectorRegistry
from told_cases import START_MS, crowd, finding, people, sighting, stands

from config import Settings
from detectors.findings import Finding, Report
from streams.case_stage import Cases
from streams.metric_labels import Sink
from streams.metrics import SEVERITIES, VERDICTS, Metrics
from streams.stages import build_cases, shards
from streams.transport import Batch
from streams.transport.records import Records
from streams.wire import encode_report

FINDINGS = TP("pollwatch.findings", 0)


class Sent:
    """An outbox that keeps what it is given, and acknowledges it at once."""

    def __init__(self) -> None:
        self.records: list[tuple[Sink, str, bytes, bytes]] = []

    async def send(self, sink: Sink, topic: str, _partition: object, key: bytes, value: bytes, _headers: object = ()) -> Any:
        self.records.append((sink, topic, key, value))
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent

    async def send_many(self, sink: Sink, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        for key, value in records:
            await self.send(sink, topic, None, key, value)

    def to(self, sink: Sink) -> list[tuple[str, bytes, bytes]]:
        """Return topic, key and value of what went there."""
        return [(topic, key, value) for to, topic, key, value in self.records if to is sink]


class NoStore:
    """No snapshot was ever written."""

    async def read(self) -> None:
        """Return none."""


def batch(*reports: Report) -> Batch:
    records = Records(FINDINGS.topic, FINDINGS.partition)
    for offset, report in enumerate(reports):
        records.offsets.append(offset)
        records.values.append(encode_report(report))
    return Batch(FINDINGS, records, generation_id=1)


def stage_of(registry: CollectorRegistry, sent: Sent) -> Cases:
    settings = Settings()
    return Cases(settings, lambda: build_cases(settings, "live"), lambda *_: NoStore(), sent, Metrics(registry))  # type: ignore[arg-type]


def reports(*findings: Finding) -> Batch:
    """Return what is reported when one shard tells these findings and the others nothing."""
    to_ms = START_MS + 100_000
    told = [Report(0, START_MS, to_ms, list(findings), stands(90, p={"yes": 700, "no": 300}), [], True)]
    told += [Report(shard, START_MS, to_ms, [], stands(90), [], True) for shard in range(1, shards(Settings()))]
    return batch(*told)


def said_of(*findings: Finding) -> tuple[Sent, CollectorRegistry]:
    """Return what is sent when these findings are reported."""
    sent, registry = Sent(), CollectorRegistry()

    async def run() -> None:
        stage = stage_of(registry, sent)
        await stage.assign({FINDINGS})
        await stage.handle(reports(*findings))

    asyncio.run(run())
    return sent, registry


def open_by(registry: CollectorRegistry, metric: str, label: str, values: Sequence[str]) -> dict[str, float | None]:
    return {each: registry.get_sample_value(metric, {label: each}) for each in values}


def test_the_parts_of_an_item_go_to_the_moderation_topic_under_their_case() -> None:
    sent, _ = said_of(finding(5), sighting(6, "p", "q", accounts=people(700)))
    alerts = [valid_alert(value) for _, _, value in sent.to(Sink.ALERTS)]
    case_id = alerts[-1]["data"]["case_id"]
    items = sent.to(Sink.MODERATION)
    assert {(topic, key) for topic, key, _ in items} == {("pollwatch.moderation", case_id.encode())}
    assert [valid_item(value)["item_id"] for _, _, value in items] == [f"{case_id}:1", f"{case_id}:2"]
    assert alerts[-1]["data"]["members_ref"] == f"{case_id}:1"
    assert alerts[-1]["data"]["made_by"]["mode"] == "live"


def test_open_cases_are_counted_by_verdict() -> None:
    _, registry = said_of(finding(5), sighting(6, "p", "q", accounts=["x"]), finding(6, poll="r"), crowd(7, "r"), finding(8, poll="s"))
    count = open_by(registry, "pollwatch_cases_open", "verdict", VERDICTS)
    assert count == {"organic": 1, "coordinated": 1, "mixed": 0, "insufficient": 1}


def test_open_cases_are_counted_by_how_much_they_matter() -> None:
    script = sighting(6, "p", accounts=people(150), votes=150, options={"yes": 150}, tally={"yes": 520, "no": 480})
    _, registry = said_of(finding(5), script, finding(6, poll="r"), crowd(7, "r"), finding(8, poll="s"))
    count = open_by(registry, "pollwatch_cases_open_by_severity", "severity", SEVERITIES)
    assert count == {"info": 1, "warning": 1, "critical": 1}


def test_a_worker_that_gave_up_the_cases_shows_none() -> None:
    registry = CollectorRegistry()

    async def run() -> None:
        stage = stage_of(registry, Sent())
        await stage.assign({FINDINGS})
        await stage.handle(reports(finding(5), sighting(6, "p", "q", accounts=["x"])))
        await stage.assign(set())

    asyncio.run(run())
    assert set(open_by(registry, "pollwatch_cases_open", "verdict", VERDICTS).values()) == {0}
    assert set(open_by(registry, "pollwatch_cases_open_by_severity", "severity", SEVERITIES).values()) == {0}
    for metric in ("pollwatch_state_entries", "pollwatch_state_fullness_ratio"):
        assert registry.get_sample_value(metric, {"store": "cases"}) == 0
