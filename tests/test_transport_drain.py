"""What aiokafka has fetched is taken in whole batches, each checked by it, from the offset that was asked for."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streams.transport.drain import _take

TP = TopicPartition("votes", 3)


def batch(first: int, count: int, producer: int = -1) -> bytes:
    """Return a batch as a broker sends it; one of a producer is part of a transaction."""
    builder = DefaultRecordBatchBuilder(2, 0, int(producer >= 0), producer, 0, 0, 1 << 20)
    for i in range(count):
        headers = [("trace", b"1")] if first + i == 7 else []
        builder.append(i, 1_000 + first + i, b"k%d" % (first + i), b"v%d" % (first + i), headers)
    built = bytearray(builder.build())
    struct.pack_into(">q", built, 0, first)
    return bytes(built)


def fetched(sent: bytes, position: int, aborted: list[tuple[int, int]] | None = None) -> Any:
    state = SimpleNamespace(paused=False, position=position)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = SimpleNamespace(active=True, state_value=lambda _tp: state)
    parsed = PartitionRecords(TP, MemoryRecords(sent), aborted, position, None, None, True, READ_COMMITTED)
    return FetchResult(TP, assignment=assignment, partition_records=parsed, backoff=0)


def position(result: Any) -> int:
    return int(result._assignment.state_value(TP).position)


def test_batches_are_taken_whole_until_there_are_enough_records() -> None:
    result = fetched(batch(0, 5) + batch(5, 5) + batch(20, 5), 0)
    first = _take(result, 6)
    assert (list(first.offsets), position(result), result.has_more()) == (list(range(10)), 10, True)
    assert first.values[9] == b"v9"
    assert first.keys[0] == b"k0"
    assert (first.headers, first.timestamps_ms[3]) == ({7: (("trace", b"1"),)}, 1_003)
    rest = _take(result, 6)
    assert (list(rest.offsets), position(result), result.has_more()) == (list(range(20, 25)), 25, False)


def test_nothing_before_the_offset_that_was_asked_for_is_taken() -> None:
    result = fetched(batch(0, 5) + batch(5, 5), 7)
    assert list(_take(result, 100).offsets) == [7, 8, 9]
    assert position(result) == 10


def test_what_was_aborted_is_left_out_and_passed_over() -> None:
    result = fetched(batch(0, 3, producer=9) + batch(3, 2) + batch(5, 2, producer=9), 0, aborted=[(9, 0)])
    assert list(_take(result, 100).offsets) == [3, 4]
    assert position(result) == 7


def test_a_batch_with_a_wrong_checksum_is_not_taken() -> None:
    sent = bytearray(batch(0, 3))
    sent[-1] ^= 1
    with pytest.raises(CorruptRecordException):
        _take(fetched(bytes(sent), 0), 100)
