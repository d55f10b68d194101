"""What lies in the internal topics though no worker wrote it: a clear error each time, or a block that does no harm."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
import zstandard
from columns_by_hand import Event, block_of
from hypothesis import example, given
from hypothesis import strategies as st

from config import Settings
from detectors.findings import Report, Standings
from detectors.inbox import Gap, UnknownSource
from streams.stages import build_shard
from streams.wire import UnreadableMessage, decode_block, decode_report, encode_block, encode_report

MB = 1 << 20
BLOCK = encode_block(
    block_of("votes@1/0", 0, 9, [Event(n, 1_000 + n, n, n, "p", ["yes", None][n % 2], 1_000) for n in range(9)], [(0, 900, 0)])
)
NOTHING = Report(0, 0, 5_000, [], Standings([], [], [], []), [], False)
REPORT = encode_report(NOTHING)
DEEP = b"\x04" + REPORT[1:-1] * 50_000 + REPORT[-1:]
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=25) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


def mutated(message: bytes) -> st.SearchStrategy[bytes]:
    """Return a message with some bytes changed, cut off, or put in."""
    at = st.integers(0, len(message))
    return st.one_of(
        st.binary(max_size=60).map(lambda more: message[:1] + more),
        st.tuples(at, at, st.binary(max_size=4)).map(lambda cut: message[: min(cut[:2])] + cut[2] + message[max(cut[:2]) :]),
        st.tuples(st.sampled_from([b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"]), PLAIN).map(
            lambda made: made[0] + msgspec.msgpack.encode(made[1])
        ),
    )


def fields() -> list[Any]:
    """Return the fields of a block as they travel."""
    found: list[Any] = msgspec.msgpack.decode(BLOCK[1:])
    return found


@given(st.one_of(st.binary(max_size=200), mutated(BLOCK)))
@example(b"")
@example(b"\x03" + b"\x91" * 100_000)
def test_bytes_are_a_block_or_unreadable(message: bytes) -> None:
    try:
        block = decode_block(message)
    except UnreadableMessage:
        return
    shard = build_shard(0, Settings(), ["votes@1/0"])
    try:
        shard.accept(block)
    except (Gap, UnknownSource):
        return


@given(st.integers(0, len(fields()) - 1), PLAIN)
def test_whatever_stands_in_one_field_it_is_a_block_or_unreadable(number: int, value: object) -> None:
    changed = fields()
    changed[number] = value
    test_bytes_are_a_block_or_unreadable.hypothesis.inner_test(BLOCK[:1] + msgspec.msgpack.encode(changed))  # type: ignore[attr-defined]


@given(st.one_of(st.binary(max_size=200), mutated(REPORT)))
@example(b"\x05" + zstandard.compress(b"\xc0" * 1_000))
@example(DEEP)
def test_bytes_are_a_report_or_unreadable(message: bytes) -> None:
    try:
        report = decode_report(message)
    except UnreadableMessage:
        return
    assert isinstance(report, Report)


def column(changed: dict[str, Any]) -> bytes:
    """Return a block in which some fields are others."""
    names = {"offset": 4, "poll": 8, "option": 9, "ids": 14, "id_lengths": 15, "said": 16, "sketch_width": 18}
    of_part = {"start": 1, "end": 2, "standing": 3, "rows": 5, "steps": 6}
    found = fields()
    for name, value in changed.items():
        if name in of_part:
            found[0][0][of_part[name]] = value
        else:
            found[names[name]] = value
    return BLOCK[:1] + msgspec.msgpack.encode(found)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"poll": np.full(9, 1, np.int32).tobytes()}, "its polls do not fit"),
        ({"poll": np.full(9, -1, np.int32).tobytes()}, "its polls do not fit"),
        ({"option": np.full(9, 7, np.int32).tobytes()}, "its options do not fit"),
        ({"offset": np.arange(8, dtype=np.uint32).tobytes()}, "could not be broadcast"),
        ({"offset": np.arange(9, 0, -1, dtype=np.uint32).tobytes()}, "do not fit"),
        ({"start": 10}, "its offsets do not fit"),
        ({"end": 5}, "its offsets do not fit"),
        ({"end": 2**63 - 1}, "its offsets do not fit"),
        ({"rows": 8}, "its rows do not fit"),
        ({"rows": -9}, "its rows do not fit"),
        ({"rows": 2**40}, "its rows do not fit"),
        ({"steps": 2}, "its steps do not fit"),
        ({"steps": 2**62}, "its steps do not fit"),
        ({"standing": 9}, "9 is not a valid Standing"),
        ({"said": {"country": b"\0\0"}}, "its columns do not fit"),
        ({"said": {"network": b"\0\0\0"}}, "buffer size must be a multiple"),
        ({"said": {"x": b""}}, "no block: "),
        ({"ids": b"abc", "id_lengths": np.full(9, 3, np.uint16).tobytes()}, "its ids do not fit"),
        ({"sketch_width": 2**40}, "no block: "),
    ],
)
def test_parts_that_do_not_fit_together_are_told(changed: dict[str, Any], what: str) -> None:
    with pytest.raises(UnreadableMessage, match=what):
        decode_block(column(changed))


@pytest.mark.parametrize("read", [decode_report, decode_block])
@pytest.mark.parametrize("size", [8 * MB, 1 << 40])
def test_a_few_bytes_that_stand_for_many_take_no_memory(read: Callable[[bytes], object], size: int) -> None:
    packed = bytearray(zstandard.ZstdCompressor(write_content_size=True).compress(bytes(8 * MB)))
    assert len(packed) < 2_000
    if size > 8 * MB:
        # a frame with the size in eight bytes, which says a terabyte
        packed = bytearray(b"\x28\xb5\x2f\xfd\xe0" + size.to_bytes(8, "little") + packed[9:])
    tracemalloc.start()
    with pytest.raises(UnreadableMessage):
        read(b"\x05" + bytes(packed))
    assert tracemalloc.get_traced_memory()[1] < 32 * MB
    tracemalloc.stop()
