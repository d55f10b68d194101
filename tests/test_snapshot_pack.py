"""A state is packed piece by piece and comes back as it was."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.snapshot_pack import CHUNK_BYTES, pack, unpack

leaf = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
name = st.text(max_size=5) | st.integers(-9, 9)
state = st.recursive(leaf, lambda of: st.lists(of, max_size=5) | st.dictionaries(name, of, max_size=5), max_leaves=30)


@given(state)
def test_what_was_packed_is_unpacked(value: Any) -> None:
    assert unpack(list(pack(value))) == value


def test_lists_and_maps_of_any_length_come_back() -> None:
    for count in (0, 1, 15, 16, 99, 100, 101, 70_000):
        value = {"list": [[n] for n in range(count)], "map": {n: {"n": b"%d" % n} for n in range(count)}}
        assert unpack(list(pack(value))) == value, count


def test_chunks_are_full_but_for_the_last() -> None:
    chunks = list(pack([random.Random(1).randbytes(CHUNK_BYTES) for _ in range(3)]))
    assert [len(chunk) for chunk in chunks[:-1]] == [CHUNK_BYTES] * 3
    assert 0 < len(chunks[-1]) < CHUNK_BYTES


def test_packing_holds_no_more_than_a_few_chunks_beside_the_state() -> None:
    column = random.Random(2).randbytes(40 * CHUNK_BYTES)
    held = {"watchers": [{"columns": {"account": column}}]}
    tracemalloc.start()
    size = sum(len(chunk) for chunk in pack(held))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > len(column)
    assert peak < 8 * CHUNK_BYTES < len(msgspec.msgpack.encode(held))
