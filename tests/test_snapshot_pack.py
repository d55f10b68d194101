"""A state is packed piece by piece and comes back as it was."""

from __future__ import annotations

import json
import random
import tracemalloc
from copy import deepcopy
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from timed_stages import Deployment

from streams.snapshot_pack import CHUNK_BYTES, pack, unpack

START_MS = 1_664_812_800_000
leaf = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
name = st.text(max_size=5) | st.integers(-9, 9)
state = st.recursive(leaf, lambda of: st.lists(of, max_size=5) | st.dictionaries(name, of, max_size=5), max_leaves=30)


@given(state)
def test_what_was_packed_is_unpacked(value: Any) -> None:
    assert unpack(list(pack(deepcopy(value)))) == value


def test_lists_and_maps_of_any_length_come_back() -> None:
    for count in (0, 1, 15, 16, 99, 100, 101, 70_000):
        value = {"list": [[n] for n in range(count)], "map": {n: {"n": b"%d" % n} for n in range(count)}}
        assert unpack(list(pack(deepcopy(value)))) == value, count


def test_chunks_are_full_but_for_the_last() -> None:
    chunks = list(pack([random.Random(1).randbytes(CHUNK_BYTES) for _ in range(3)]))
    assert [len(chunk) for chunk in chunks[:-1]] == [CHUNK_BYTES] * 3
    assert 0 < len(chunks[-1]) < CHUNK_BYTES


def test_packing_holds_no_more_than_a_few_chunks_beside_the_state() -> None:
    column = random.Random(2).randbytes(40 * CHUNK_BYTES)
    held = {"watchers": [{"columns": {"account": column}}]}
    whole = len(msgspec.msgpack.encode(held))
    tracemalloc.start()
    size = sum(len(chunk) for chunk in pack(held))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > len(column)
    assert peak < 8 * CHUNK_BYTES < whole


def test_what_is_packed_is_let_go_of_at_once() -> None:
    noise = random.Random(3)
    columns = {str(number): noise.randbytes(2 * CHUNK_BYTES) for number in range(8)}
    held = {"columns": columns, "list": [[b"x"], {}]}
    left = [len(columns) for _ in pack(held)]
    assert left == sorted(left, reverse=True)
    assert left[0] >= 6
    assert left[-1] <= 2
    assert held == {}


def test_a_state_machine_does_not_change_when_its_snapshot_is_packed() -> None:
    deployment = Deployment(START_MS)
    for number in range(3_000):
        deployment.send(START_MS + 20 * number, a_vote(number, START_MS + 20 * number), f"a{number % 400}")
    deployment.run(START_MS + 70_000)
    machines: list[Any] = [*deployment._shards, deployment._cases]
    for machine in machines:
        before = msgspec.msgpack.encode(machine.snapshot())
        list(pack(machine.snapshot()))
        assert msgspec.msgpack.encode(machine.snapshot()) == before


def a_vote(number: int, ts_ms: int) -> bytes:
    fields = {"type": "vote", "event_id": f"e{number}", "poll_id": f"p{number % 5}", "account_id": f"a{number % 400}", "option": "x"}
    return json.dumps({**fields, "ts": ts_ms, "followers": number % 90, "client": f"c{number % 3}"}).encode()
