"""Decisions on their way through the worker: what is refused, what reaches the cases, and what leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from told_cases import START_MS, finding, people, sighting, stands

from benchmarks.schemas import SCHEMAS, validator
from config import Settings
from config.assemble import with_overrides
from detectors.findings import Report
from streams.case_stage import Cases
from streams.decision_intake import DecisionIntake
from streams.decision_order import decision_in, read_decision
from streams.decode_record import Refused
from streams.metric_labels import Sink
from streams.metrics import Metrics
from streams.publish import decision_schema
from streams.stages import build_cases, shards
from streams.transport import Batch
from streams.transport.records import Records
from streams.wire import encode_report

FINDINGS, VERDICTS = TP("pollwatch.findings", 0), TP("moderation.verdicts", 0)
GANG = people(150)
SCHEMA_FILE = SCHEMAS / "decision.v1.schema.json"
GOOD = {"case_id": "0123456789abcdef", "decision": "confirmed", "by": "anna", "ts": START_MS}


class Sent:
    """An outbox that keeps what it is given, and acknowledges it at once."""

    def __init__(self) -> None:
        self.records: list[tuple[Sink, bytes | None, bytes, dict[str, bytes]]] = []

    async def send(self, sink: Sink, _topic: str, _partition: object, key: bytes, value: bytes, headers: Any = ()) -> Any:
        self.records.append((sink, key, value, dict(headers)))
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent

    async def send_many(self, sink: Sink, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        for key, value in records:
            await self.send(sink, topic, None, key, value)

    def to(self, sink: Sink) -> list[bytes]:
        """Return the values of what went there."""
        return [value for to, _, value, _ in self.records if to is sink]

    def refused(self) -> list[tuple[bytes, bytes]]:
        """Return the reason and the value of each dead letter."""
        return [
            (headers["__connect.errors.exception.class.name"], value)
            for to, _, value, headers in self.records
            if to is Sink.DEAD_LETTER
        ]


class NoStore:
    """No snapshot was ever written."""

    async def read(self) -> None:
        """Return none."""


def batch(tp: TP, *values: bytes | None) -> Batch:
    records = Records(tp.topic, tp.partition)
    for offset, value in enumerate(values):
        records.offsets.append(offset)
        records.timestamps_ms.append(START_MS + 10**9)
        records.keys.append(b"k")
        records.values.append(value)
    return Batch(tp, records, generation_id=1)


class Worker:
    """The intake of decisions and the cases stage, with what one sends handed to the other."""

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008  frozen
        self.settings, self.sent, self.registry = settings, Sent(), CollectorRegistry()
        metrics = Metrics(self.registry)
        self.intake = DecisionIntake(settings, self.sent, metrics)  # type: ignore[arg-type]
        self.cases = Cases(settings, lambda: build_cases(settings, "live"), lambda *_: NoStore(), self.sent, metrics)  # type: ignore[arg-type]

    async def begin(self) -> str:
        """Let a gang be found; return its case."""
        await self.cases.assign({FINDINGS})
        found = [finding(5), sighting(6, "p", accounts=GANG, votes=150)]
        to_ms = START_MS + 10_000
        told = [Report(0, START_MS, to_ms, found, stands(9, p={"yes": 700, "no": 300}), [], False)]
        told += [Report(shard, START_MS, to_ms, [], stands(9), [], False) for shard in range(1, shards(self.settings))]
        await self.cases.handle(batch(FINDINGS, *map(encode_report, told)))
        return str(self.alerts()[-1]["data"]["case_id"])

    async def decide(self, *values: bytes | None) -> None:
        """Send records to the topic of decisions."""
        before = len(self.sent.to(Sink.FINDINGS))
        await self.intake.handle(batch(VERDICTS, *values))
        await self.cases.handle(batch(FINDINGS, *self.sent.to(Sink.FINDINGS)[before:]))

    def alerts(self) -> list[dict[str, Any]]:
        return [json.loads(value) for value in self.sent.to(Sink.ALERTS)]

    def items(self) -> list[dict[str, Any]]:
        return [json.loads(value) for value in self.sent.to(Sink.MODERATION)]

    def counted(self, decision: str) -> float | None:
        return self.registry.get_sample_value("pollwatch_decisions_total", {"decision": decision})


def packed(**more: Any) -> bytes:
    return json.dumps(GOOD | more).encode()


def test_a_decision_goes_through_the_findings_and_retracts_its_case() -> None:
    async def run() -> None:
        worker = Worker()
        case_id = await worker.begin()
        await worker.decide(packed(case_id=case_id, decision="false_positive", note="fans"))
        last = worker.alerts()[-1]
        assert last["type"] == "pollwatch.alert.retracted.v1"
        assert last["data"]["review"] == {
            "decision": "false_positive", "by": "anna", "decided_ms": START_MS, "note": "fans", "count": 1
        }  # fmt: skip
        assert {one for item in worker.items()[-1:] for one in item["cleared"]} == set(GANG)
        await worker.cases.say_estimates()
        assert json.loads(worker.sent.to(Sink.INTEGRITY)[-1])["suspect_votes"] == 0
        assert (worker.counted("false_positive"), worker.counted("refused")) == (1, 0)
        await worker.decide(packed(case_id=case_id, decision="false_positive", note="fans"))
        assert worker.counted("false_positive") == 1, "it was heard before"
        assert len(worker.alerts()) == 3

    asyncio.run(run())


BAD = {
    "no_value": None,
    "not_json": b'{"case_id": ',
    "not_object": b"[]",
    "missing_field": json.dumps({name: value for name, value in GOOD.items() if name != "by"}).encode(),
    "wrong_type": packed(ts="now"),
    "too_long": packed(note="x" * 1_001),
    "bad_value": packed(decision="guilty"),
    "too_large": packed(padding="x" * 1_000_001),
    "too_deep": packed(padding=[]).replace(b"[]", b"[" * 70 + b"]" * 70),
}
ALSO_BAD = {
    "bad_value": [packed(case_id="case"), packed(by=""), packed(ts=-1), packed(account_ids=[]), packed(account_ids=[""])],
    "too_long": [packed(by="x" * 129), packed(account_ids=["a"] * 5_001), packed(account_ids=["x" * 129])],
}


def test_the_committed_schema_is_the_one_of_the_code_and_tells_good_from_bad() -> None:
    text = json.dumps(decision_schema(), indent=2) + "\n"
    assert SCHEMA_FILE.read_text() == text, "change it on purpose: then json.dumps(decision_schema(), indent=2) is the file"
    validator(SCHEMA_FILE).validate(GOOD | {"note": None, "account_ids": ["a"]})
    for reason in ("missing_field", "wrong_type", "too_long", "bad_value"):
        value = BAD[reason]
        assert value is not None
        assert not validator(SCHEMA_FILE).is_valid(json.loads(value)), reason


def test_what_is_no_decision_is_refused_with_a_reason_and_unchanged() -> None:
    values = [*BAD.items(), *((reason, value) for reason, several in ALSO_BAD.items() for value in several)]

    async def run() -> None:
        worker = Worker()
        await worker.intake.handle(batch(VERDICTS, *(value for _, value in values)))
        assert worker.sent.refused() == [(reason.encode(), value) for reason, value in values]
        assert worker.counted("refused") == len(values)
        assert worker.sent.to(Sink.FINDINGS) == []

    asyncio.run(run())


def test_what_a_case_refuses_goes_to_the_dead_letter_as_it_came() -> None:
    async def run() -> None:
        worker = Worker()
        case_id = await worker.begin()
        asked = [
            packed(),
            packed(case_id=case_id, account_ids=["nobody"]),
            packed(case_id=case_id),
            packed(case_id=case_id, decision="false_positive", note=" "),
        ]
        await worker.decide(*asked)
        assert worker.sent.refused() == list(zip([b"unknown_case", b"unknown_accounts", b"no_note", b"no_note"], asked, strict=True))
        assert worker.counted("refused") == 4
        where = [headers for to, _, _, headers in worker.sent.records if to is Sink.DEAD_LETTER]
        assert [headers["__connect.errors.topic"] for headers in where] == [b"moderation.verdicts"] * 4
        assert worker.alerts()[-1]["data"]["review"] is None

    asyncio.run(run())


@pytest.mark.parametrize("moderation_ids", ["kept", "pseudonyms"])
def test_with_a_key_people_leave_as_pseudonyms_and_may_be_decided_on_by_them(moderation_ids: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    settings = with_overrides(Settings(), privacy={"key_file": str(key), "moderation_ids": moderation_ids})

    async def run() -> None:
        worker = Worker(settings)
        case_id = await worker.begin()
        seen = [account["account_id"] for account in worker.items()[-1]["accounts"]][:3]
        await worker.decide(packed(case_id=case_id, decision="false_positive", account_ids=seen, note="ask @maria"))
        assert worker.items()[-1]["cleared"] == seen
        review = worker.alerts()[-1]["data"]["review"]
        assert review["by"].startswith("pseudo:")
        assert "maria" not in review["note"]

    asyncio.run(run())


@given(st.binary(max_size=60) | st.recursive(st.none() | st.integers() | st.text(), lambda kids: st.dictionaries(st.sampled_from([*GOOD, "note", "account_ids"]), kids)).map(lambda one: json.dumps(one).encode()))  # fmt: skip
def test_any_bytes_are_a_decision_or_refused_in_one_printable_line(value: bytes) -> None:
    read = read_decision(value, 0, 1_000_000)
    assert not isinstance(read, Refused) or (read.message.isprintable() and read.reason)


def test_reports_are_no_decisions() -> None:
    report = encode_report(Report(0, START_MS, START_MS + 1, [], stands(1), [], False))
    assert decision_in(report) is None
