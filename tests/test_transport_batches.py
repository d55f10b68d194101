"""Whatever batch a broker takes is read: any codec, any name of a header, and however large it would be."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import cramjam
import pytest
import zstandard
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st
from live_worker import Deployment, WorkerProcess, wait_until

from config import TopicRole
from streams.transport import batches
from streams.transport.batch_columns import columns_of, records_of
from streams.transport.batches import LenientRecords, unpacked

HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3)
RECORDS = st.lists(
    st.tuples(st.none() | st.binary(max_size=9), st.none() | st.binary(max_size=300), HEADERS), min_size=1, max_size=20
)
PACK = {
    0: lambda plain: plain,
    1: gzip.compress,
    2: lambda plain: bytes(cramjam.snappy.compress_raw(plain)),
    3: lambda plain: bytes(cramjam.lz4.compress(plain)),
    4: zstandard.ZstdCompressor().compress,
}


def batch(records: list[Any], codec: int = 0) -> bytes:
    """Return a batch as a broker sends it; its checksum is not right."""
    builder = _DefaultRecordBatchBuilderPy(2, 0, False, -1, -1, 0, 1 << 20)
    for number, (key, value, headers) in enumerate(records):
        builder.append(number, 1_000 + number, key, value, headers)
    return packed(bytes(builder.build()), codec)


def packed(plain: bytes, codec: int) -> bytes:
    head, rest = bytearray(plain[:61]), bytes(PACK[codec](plain[61:]))
    head[22] |= codec
    head[8:12] = (49 + len(rest)).to_bytes(4, "big")
    return bytes(head) + rest


def misnamed(built: bytes) -> bytes:
    """Return a batch with a header's name that is no text, and the checksum that belongs to it."""
    raw = bytearray(bytes(built).replace(b"nameless", b"name\xff\xfe\xfds"))
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    return bytes(raw)


def read(raw: bytes) -> list[Any]:
    records, found = LenientRecords(raw), []
    while records.has_next():
        found += list(records.next_batch())
    return found


def as_read(record: Any) -> tuple[Any, ...]:
    return record.offset, record.timestamp, record.key, record.value, list(record.headers)


@given(RECORDS, st.sampled_from(sorted(PACK)))
def test_every_codec_gives_the_records_that_were_sent(records: list[Any], codec: int) -> None:
    expected = [(n, 1_000 + n, key, value, list(headers)) for n, (key, value, headers) in enumerate(records)]
    raw = batch(records, codec)
    assert [as_read(record) for record in read(raw + raw)] == expected + expected


@given(RECORDS)
def test_our_reader_and_that_of_aiokafka_say_the_same(records: list[Any]) -> None:
    raw = batch(records)
    assert list(map(as_read, records_of(raw))) == list(map(as_read, DefaultRecordBatch(raw)))


@given(RECORDS, st.sampled_from(sorted(PACK)))
def test_a_batch_as_columns_says_what_its_records_say(records: list[Any], codec: int) -> None:
    raw = batch(records, codec)
    columns = LenientRecords(raw).next_batch().columns()
    rows = zip(columns.offsets.tolist(), columns.timestamps_ms.tolist(), columns.keys, columns.values, strict=True)
    as_columns = [(*row, list(columns.headers.get(number, ()))) for number, row in enumerate(rows)]
    assert as_columns == list(map(as_read, read(raw)))


@given(RECORDS, st.data())
def test_a_batch_with_any_byte_changed_is_read_within_its_bytes_or_not_at_all(records: list[Any], data: st.DataObject) -> None:
    raw = bytearray(batch(records))
    at = data.draw(st.integers(57, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    columns = columns_of(bytes(raw))
    if columns is not None:
        for column in (columns.keys, columns.values):
            there = column.start >= 0
            assert ((column.start <= column.end) & (column.end <= len(column.data)))[there].all()
            assert (column.end[~there] == -1).all()


@pytest.mark.parametrize("codec", sorted(PACK))
@pytest.mark.parametrize("bad", range(3))
def test_a_header_name_that_is_no_text_costs_no_record(codec: int, bad: int) -> None:
    records = [(b"k", b"v%d" % n, [("name" if n == bad else "good", b"x")]) for n in range(3)]
    raw = packed(batch(records).replace(b"name", b"n\xff\xfee"), codec)
    found = read(raw)
    assert [record.value for record in found] == [b"v0", b"v1", b"v2"]
    assert found[bad].headers == [("n��e", b"x")]


@pytest.mark.parametrize("codec", [1, 3, 4])
def test_a_batch_that_unpacks_to_too_much_is_one_record_without_a_value(
    codec: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(batches, "MOST_UNPACKED_BYTES", 50_000)
    small, bomb = batch([(b"k", b"v", [])], codec), batch([(None, b"\0" * 30_000, [])] * 4, codec)
    assert len(bomb) < 5_000
    assert unpacked(bomb) is None
    assert [(r.offset, r.value) for r in read(small + bomb + small)] == [(0, b"v"), (3, None), (0, b"v")]
    assert "offsets up to 3 are refused" in caplog.text


@pytest.mark.broker
def test_records_in_every_codec_and_with_any_header_name_reach_their_poll_and_none_stops_the_worker(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()
    topic = deployment.topic(TopicRole.VOTES)

    def vote(name: str) -> bytes:
        fields = {"event_id": name, "poll_id": "p", "account_id": name, "option": "yes", "ts": 1_664_812_800_000}
        return json.dumps(fields).encode()

    async def send() -> None:
        for codec in (None, "gzip", "snappy", "lz4", "zstd"):
            async with AIOKafkaProducer(bootstrap_servers=kafka, compression_type=codec) as producer:
                await producer.send_and_wait(topic, vote(f"in {codec}"), b"k", 0)
        async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
            hostile = producer.create_batch()
            hostile.append(timestamp=None, key=b"k", value=vote("named badly"), headers=[("nameless", b"x")])
            hostile._buffer = misnamed(hostile._build())
            await (await producer.send_batch(hostile, topic, partition=0))
            await producer.send_and_wait(topic, vote("afterwards"), b"k", 0)

    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        asyncio.run(send())
        wait_until(lambda: worker.runs() and worker.metrics().get("pollwatch_events_received_total") == 7, "all of them read")
        deployment.wait_until_settled(worker)
        assert worker.metrics()["pollwatch_events_refused_total"] == 0
        worker.stop()
