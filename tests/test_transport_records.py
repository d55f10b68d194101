"""Records as columns, and how they are cut into runs."""

from types import SimpleNamespace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given

from streams.transport.chunks import BatchLimits, in_turns, runs
from streams.transport.records import Records

values = st.lists(st.one_of(st.none(), st.binary(max_size=30)), max_size=60)


def parsed(offset: int, value: bytes | None, headers: tuple[Any, ...] = ()) -> Any:
    return SimpleNamespace(offset=offset, timestamp=1_000 + offset, key=b"k", value=value, headers=headers)


def records_of(contents: list[bytes | None], first: int = 0) -> Records:
    records = Records("votes", 3)
    records.extend(parsed(first + 2 * i, value) for i, value in enumerate(contents))
    return records


@given(contents=values, max_records=st.integers(1, 20), max_bytes=st.integers(1, 100))
def test_runs_are_the_records_in_order_and_keep_both_limits(
    contents: list[bytes | None], max_records: int, max_bytes: int
) -> None:
    records = records_of(contents)
    cut = list(runs(records, BatchLimits(max_records, max_bytes)))
    assert [offset for run in cut for offset in run.offsets] == list(records.offsets)
    assert [value for run in cut for value in run.values] == contents
    for run in cut:
        assert 1 <= len(run) <= max_records
        assert len(run) == 1 or run.value_bytes() <= max_bytes


def test_a_full_partition_takes_turns_with_the_others() -> None:
    fetched = {"full": records_of([b"x"] * 6), "short": records_of([b"y"])}
    order = [tp for tp, _ in in_turns(fetched, lambda _tp: BatchLimits(max_records=2))]
    assert order == ["full", "short", "full", "full"]


def test_indexing_and_iterating_give_the_records_that_aiokafka_would() -> None:
    records = Records("votes", 3, timestamp_type=1)
    records.extend([parsed(7, b"a"), parsed(9, None, (("trace", b"1"),))])
    expected = [
        ConsumerRecord("votes", 3, 7, 1_007, 1, b"k", b"a", None, 1, 1, ()),
        ConsumerRecord("votes", 3, 9, 1_009, 1, b"k", None, None, 1, -1, (("trace", b"1"),)),
    ]
    assert list(records) == expected
    assert records[-1] == expected[1]
    with pytest.raises(IndexError):
        records[2]


def test_a_slice_keeps_headers_with_their_record() -> None:
    records = Records("votes", 0)
    records.extend(parsed(i, b"v", (("n", b"%d" % i),) if i % 2 else ()) for i in range(6))
    assert records[3:].headers == {0: (("n", b"3"),), 2: (("n", b"5"),)}


def test_offsets_and_times_become_numpy_columns_without_a_copy() -> None:
    records = records_of([b"a", b"b"])
    assert np.frombuffer(records.offsets, np.int64).tolist() == [0, 2]
    assert np.frombuffer(records.timestamps_ms, np.int64).tolist() == [1_000, 1_002]


@pytest.mark.parametrize(("max_records", "max_bytes"), [(0, 1), (1, 0)])
def test_limits_that_let_nothing_through_are_refused(max_records: int, max_bytes: int) -> None:
    with pytest.raises(ValueError, match="to 1 or more"):
        BatchLimits(max_records, max_bytes)
