"""Records of any bytes: each is a row or is refused with a reason, and what became rows travels on as blocks."""

from __future__ import annotations

import json

import numpy as np
from cut_by_hand import ReadOfOne, cut_one
from hypothesis import example, given
from hypothesis import strategies as st

from streams.cutter import Cutter
from streams.decode import Decoder, Kind
from streams.wire import decode_block, encode_block

NOW_MS = 1_664_820_000_000
DECODER = Decoder(bytes(range(16)), 100_000, None, 300_000)
FIELDS = (
    "event_id", "poll_id", "account_id", "option", "text", "ts", "account_created_at", "followers", "client", "network", "country",
    "referrer", "type",
)  # fmt: skip
GOOD: dict[str, object] = {"event_id": "e", "poll_id": "p", "account_id": "a", "option": "yes", "text": "No.", "ts": NOW_MS}
# the strings may hold lone surrogates, which JSON can write and UTF-8 cannot
STRINGS = st.one_of(st.text(max_size=12), st.text(st.characters(categories=("Cs", "Cc", "Cf", "Mn")), min_size=1, max_size=4), st.just("x" * 129))
NUMBERS = st.one_of(st.integers(), st.integers(2**53 - 2, 2**64 + 2), st.floats(), st.just(10**400), st.just(-(10**30)))
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=10,
)


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """Return an object like a vote or a reply, in which fields are missing, odd, or stand twice."""
    pairs: list[tuple[str, object]] = [(name, value) for name, value in GOOD.items() if draw(st.integers(0, 9))]
    pairs += draw(st.lists(st.tuples(st.sampled_from(FIELDS), JSON | st.sampled_from(list(GOOD.values()))), max_size=3))
    ascii_only = draw(st.booleans())
    text = ", ".join(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=ascii_only)}" for name, value in pairs)
    return f"{{{text}}}".encode("utf-8", "surrogatepass")


RECORDS = st.one_of(st.none(), st.binary(max_size=60), JSON.map(lambda value: json.dumps(value).encode()), written())


@given(st.lists(RECORDS, max_size=12), st.sampled_from([Kind.VOTE, Kind.REPLY]))
@example([b'{"event_id": "e", "poll_id": "p", "account_id": "a", "option": "\\ud800", "ts": 1}'], Kind.VOTE)
@example([b'{"x": ' + b"[" * 50_000], Kind.VOTE)
@example([b'{"ts": ' + b"9" * 90_000 + b"}"], Kind.REPLY)
def test_every_record_is_a_row_or_refused_and_rows_travel_on(values: list[bytes | None], kind: Kind) -> None:
    decoded = DECODER.topic(values, kind, np.full(len(values), NOW_MS))
    at = [*decoded.index.tolist(), *(bad.index for bad in decoded.refused)]
    assert sorted(at) == list(range(len(values)))
    assert all(bad.message.isprintable() and 0 < len(bad.message) <= 200 for bad in decoded.refused)
    one_by_one = [len(DECODER.topic([value], kind, np.array([NOW_MS]))) for value in values]
    assert sum(one_by_one) == len(decoded)
    part = ReadOfOne(0, len(values), decoded.index.astype(np.int64), np.full(len(decoded), NOW_MS), decoded)
    blocks = [decode_block(encode_block(block)) for block in cut_one(Cutter("votes@1/0"), part, 2)]
    assert sum(len(block.rows) for block in blocks[:-1]) == len(blocks[-1].rows) == len(decoded)
    ids = [poll_id for block in blocks for poll_id in block.rows.poll_ids]
    assert all(poll_id.encode() for poll_id in ids)
