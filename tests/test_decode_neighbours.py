"""A record never changes what its neighbours decode to, however the two would read when glued together."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.decode import Decoder
from streams.decode_batch import RUN_RECORDS
from streams.decode_record import MAX_NESTING

VOTE: dict[str, object] = {
    "type": "vote",
    "event_id": "e1",
    "poll_id": "p1",
    "account_id": "a1",
    "option": "yes",
    "ts": 1_664_820_000_000,
    "followers": 3,
    "country": "DE",
}


def decoder() -> Decoder:
    return Decoder(bytes(range(16)), 1_000_000, None, 0)


def vote(**fields: object) -> bytes:
    return json.dumps({**VOTE, **fields}, ensure_ascii=False).encode()


def nested(depth: int) -> bytes:
    """Return a vote that is `depth` objects and arrays deep in all."""
    return vote(x="~").replace(b'"~"', b"[" * (depth - 1) + b"]" * (depth - 1))


# Pieces that look harmless alone and would join with a neighbour if records were only glued together.
GLUE = [
    b"{}",
    b"{",
    b"}",
    b"",
    b"\n",
    b"\r",
    b'{"x":"a}',
    b'{", "y":1}',
    b'{"x":[{}',
    b'{"x":[}',
    b'{},"y":{}]}',
    vote()[:-1] + b', "x":',
    b"{}}",
    b',"y":{}}',
    b'{"x":"\\}',
    b'{"x":"\\ud83d}',
    b'{"x":"\xf0\x9f}',
    b"{}{}",
    vote() * 2,
    vote() + b"\n" + vote(),
    vote() + b"\n",
    b" " + vote(),
    vote().replace(b", ", b",\n"),
    vote()[:-1],
    vote()[1:],
    vote()[:60],
    vote()[60:],
    nested(MAX_NESTING + 1),
    nested(MAX_NESTING),
    vote(x="[{" * 100),
    vote(x="~").replace(b"~", b"\xff"),
    vote(ts="1"),
]

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
good = st.builds(lambda name, ts: vote(poll_id=name, event_id=name, ts=ts), ids, st.integers(0, 2**53))
hostile = (
    st.sampled_from(GLUE) | st.binary(max_size=12) | st.binary(max_size=6).map(lambda b: b"{" + b + b"}")
)
batches = st.lists(good | hostile, max_size=12)


@settings(max_examples=400)
@given(batches)
@example([vote()[:-1] + b', "x":', b"{}}", vote(), vote() * 2])
@example([vote()[:-1] + b', "x":{}', b', "y":{}}', vote(), vote() * 2])
@example([b'{"x":"a}', b'{", "y":1}', vote(), vote() * 2])
@example([b'{"x":[{}', b'{},"y":{}]}', vote(), vote() * 2])
def test_a_record_is_decoded_as_if_it_stood_alone(lines: list[bytes]) -> None:
    together = decoder().recording(lines)
    alone = [decoder().recording([line]) for line in lines]
    assert together.index.tolist() == [i for i, one in enumerate(alone) if len(one)]
    accepted = [one for one in alone if len(one)]
    assert together.event.tolist() == [one.event[0] for one in accepted]
    assert together.ts_ms.tolist() == [one.ts_ms[0] for one in accepted]
    assert [together.poll_ids[code] for code in together.poll] == [one.poll_ids[0] for one in accepted]
    reasons = [
        (i, one.refused[0].reason, one.refused[0].message) for i, one in enumerate(alone) if one.refused
    ]
    assert [(bad.index, bad.reason, bad.message) for bad in together.refused] == reasons


def test_a_bad_record_in_one_run_is_found_among_many_runs() -> None:
    lines = [vote(event_id=f"e{i}", ts=i) for i in range(3 * RUN_RECORDS + 7)]
    bad_at = [0, RUN_RECORDS - 1, RUN_RECORDS, 3 * RUN_RECORDS + 6]
    for at in bad_at:
        lines[at] = b'{"event_id": "cut'
    decoded = decoder().recording(lines)
    assert [bad.index for bad in decoded.refused] == bad_at
    assert decoded.ts_ms.tolist() == decoded.index.tolist()
    assert len(decoded) == len(lines) - len(bad_at)
