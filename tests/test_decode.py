"""Decoding: the columns of good records, the reason of each bad one, and that neighbours never matter."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from detectors.columns import NO_OPTION
from detectors.senders import NO_CODE, NO_COUNT, NO_COUNTRY, NO_TIME_MS, country_name
from streams.decode import Decoded, Decoder, Kind, Refusal, hash_strings
from streams.decode_record import MAX_NESTING

KEY = bytes(range(16))
MAX_BYTES = 1_000_000
AGE_MS, AHEAD_MS = 30 * 86_400_000, 300_000
TS = 1_664_820_000_000

VOTE: dict[str, object] = {
    "type": "vote",
    "event_id": "e1",
    "poll_id": "p1",
    "account_id": "a1",
    "option": "yes",
    "ts": TS,
    "account_created_at": 1_400_000_000_000,
    "followers": 3,
    "client": "web",
    "network": "n1",
    "country": "DE",
    "referrer": "r1",
}
REPLY: dict[str, object] = {
    "type": "reply",
    "event_id": "e2",
    "poll_id": "p1",
    "account_id": "a2",
    "text": "No.",
    "ts": TS + 1,
}


def decoder() -> Decoder:
    return Decoder(KEY, MAX_BYTES, AGE_MS, AHEAD_MS)


def packed(record: dict[str, object]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode()


def vote(**fields: object) -> bytes:
    return packed({**VOTE, **fields})


def without(name: str, record: dict[str, object] = VOTE) -> bytes:
    return packed({key: value for key, value in record.items() if key != name})


def in_votes_topic(values: Sequence[bytes | None], record_ms: int = TS) -> Decoded:
    return decoder().topic(values, Kind.VOTE, np.full(len(values), record_ms, dtype=np.int64))


def only_refusal(value: bytes | None) -> tuple[Refusal, str]:
    decoded = in_votes_topic([value])
    assert len(decoded) == 0, value
    return decoded.refused[0].reason, decoded.refused[0].message


def test_a_vote_and_a_reply_become_columns_in_order() -> None:
    lines = [packed(VOTE), packed(REPLY), vote(poll_id="p2", option="no", event_id="e3"), vote(event_id="e4")]
    decoded = decoder().recording(lines)
    assert decoded.refused == []
    assert decoded.index.tolist() == [0, 1, 2, 3]
    assert decoded.kind.tolist() == [Kind.VOTE, Kind.REPLY, Kind.VOTE, Kind.VOTE]
    assert decoded.ts_ms.tolist() == [TS, TS + 1, TS, TS]
    assert decoded.poll.tolist() == [0, 0, 1, 0]
    assert decoded.poll_ids == ["p1", "p2"]
    assert decoded.option.tolist() == [0, NO_OPTION, 1, 0]
    assert decoded.options == ["yes", "no"]
    assert decoded.event.tolist() == hash_strings(["e1", "e2", "e3", "e4"], KEY).tolist()
    assert decoded.account.tolist() == hash_strings(["a1", "a2", "a1", "a1"], KEY).tolist()


def test_columns_have_the_types_that_the_next_stage_counts_on() -> None:
    for decoded in (decoder().recording([packed(VOTE), b"x"]), decoder().recording([]), in_votes_topic([])):
        columns = (decoded.index, decoded.kind, decoded.ts_ms, decoded.event, decoded.account, decoded.poll)
        assert [column.dtype for column in columns] == ["i4", "i1", "i8", "u8", "u8", "i4"]
        assert decoded.option.dtype == "i4"
        assert {len(column) for column in (*columns, decoded.option)} == {len(decoded)}


def test_what_a_record_says_of_its_sender_becomes_columns_and_what_it_does_not_say_has_a_value_of_its_own() -> None:
    full, bare = vote(followers=2**40, country="ua", account_id="ключ"), vote()
    for name in ("account_created_at", "followers", "client", "network", "country", "referrer"):
        record = json.loads(bare)
        del record[name]
        bare = packed(record)
    sender = in_votes_topic([full, bare]).sender
    assert sender.account_ids.texts() == ["ключ", "a1"]
    assert sender.created_ms.tolist() == [1_400_000_000_000, NO_TIME_MS]
    assert sender.followers.tolist() == [2**31 - 1, NO_COUNT]
    assert [country_name(sender.country[0]), sender.country[1]] == ["UA", NO_COUNTRY]
    for name in ("client", "network", "referrer"):
        assert getattr(sender, name)[0] != NO_CODE
        assert getattr(sender, name)[1] == NO_CODE


def test_in_a_topic_the_topic_tells_the_kind_and_type_is_ignored() -> None:
    values = [packed(VOTE), vote(type="reply"), vote(type=[1]), without("type")]
    assert in_votes_topic(values).kind.tolist() == [Kind.VOTE] * 4
    replies = decoder().topic([packed(REPLY), packed(VOTE)], Kind.REPLY, np.full(2, TS))
    assert replies.kind.tolist() == [Kind.REPLY]
    assert [(bad.index, bad.reason) for bad in replies.refused] == [(1, Refusal.MISSING_FIELD)]


def test_unknown_fields_and_nulls_of_optional_fields_are_as_if_absent() -> None:
    optional = ("account_created_at", "followers", "client", "network", "country", "referrer")
    nulls = vote(**dict.fromkeys(optional))
    values = [
        nulls,
        vote(more={"a": [1, {"b": 10**400}]}, text=5),
        vote(client="", country="de", account_created_at=-5),
    ]
    assert in_votes_topic(values).refused == []


def test_of_a_doubled_key_the_last_counts_and_each_must_be_well_typed() -> None:
    doubled = packed(VOTE)[:-1] + b', "poll_id": "p9"}'
    assert in_votes_topic([doubled]).poll_ids == ["p9"]
    ill_typed = b'{"poll_id": 5, ' + packed(VOTE)[1:]
    assert only_refusal(ill_typed)[0] == Refusal.WRONG_TYPE


def test_odd_but_legal_characters_in_ids_are_kept() -> None:
    odd = ["\x00", "a\nb", "}\n{", '"', "\U0001f1fa\U0001f1e6", "\u202e", " "]
    decoded = in_votes_topic([vote(poll_id=name) for name in odd])
    assert decoded.poll_ids == odd


def test_lengths_are_counted_in_characters() -> None:
    assert in_votes_topic([vote(event_id="é" * 128, option="日" * 128)]).refused == []
    replies = [packed({**REPLY, "text": "ж" * chars}) for chars in (0, 10_000, 10_001)]
    decoded = decoder().topic(replies, Kind.REPLY, np.full(3, TS))
    assert [(bad.index, bad.reason) for bad in decoded.refused] == [(2, Refusal.TOO_LONG)]


BAD: list[tuple[bytes | None, Refusal, str]] = [
    (None, Refusal.NO_VALUE, "the record has no value"),
    (b"", Refusal.NOT_JSON, "Input data was truncated"),
    (packed(VOTE)[:-1], Refusal.NOT_JSON, "Input data was truncated"),
    (b"\xef\xbb\xbf" + packed(VOTE), Refusal.NOT_JSON, "JSON is malformed: invalid character (byte 0)"),
    (
        packed(VOTE) + b"\x00",
        Refusal.NOT_JSON,
        f"JSON is malformed: trailing characters (byte {len(packed(VOTE)) + 1})",
    ),
    (
        packed(VOTE) * 2,
        Refusal.NOT_JSON,
        f"JSON is malformed: trailing characters (byte {len(packed(VOTE)) + 1})",
    ),
    (
        vote(x="\x01").replace(rb"\u0001", b"\x00"),
        Refusal.NOT_JSON,
        f"JSON is malformed: invalid character (byte {len(packed(VOTE)) + 7})",
    ),
    (vote(x="~").replace(b"~", b"\xff"), Refusal.NOT_JSON, "not UTF-8"),
    (vote(x="~").replace(b"~", rb"\ud800"), Refusal.NOT_JSON, "Input data was truncated"),
    (vote(ts="bad")[:-1], Refusal.NOT_JSON, "Input data was truncated"),
    (b'"vote"', Refusal.NOT_OBJECT, "Expected `object`, got `str`"),
    (b"[" + packed(VOTE) + b"]", Refusal.NOT_OBJECT, "Expected `object`, got `array`"),
    (without("option"), Refusal.MISSING_FIELD, "Object missing required field `option`"),
    (vote(ts=None), Refusal.WRONG_TYPE, "ts: Expected `int`, got `null`"),
    (vote(ts=True), Refusal.WRONG_TYPE, "ts: Expected `int`, got `bool`"),
    (vote(ts=1.0), Refusal.WRONG_TYPE, "ts: Expected `int`, got `float`"),
    (vote(account_id=7), Refusal.WRONG_TYPE, "account_id: Expected `str`, got `int`"),
    (vote(network=["n"]), Refusal.WRONG_TYPE, "network: Expected `str | null`, got `array`"),
    (vote(poll_id="p" * 129), Refusal.TOO_LONG, "poll_id: Expected `str` of length <= 128"),
    (vote(option=""), Refusal.BAD_VALUE, "option: Expected `str` of length >= 1"),
    (vote(ts=-1), Refusal.BAD_VALUE, "ts: Expected `int` >= 0"),
    (vote(ts=2**53 + 1), Refusal.BAD_VALUE, "ts: Expected `int` <= 9007199254740992"),
    (vote(x=0).replace(str(TS).encode(), b"9" * 5000), Refusal.BAD_VALUE, "ts: Integer value out of range"),
    (vote(followers=-1), Refusal.BAD_VALUE, "followers: Expected `int` >= 0"),
    (vote(country="DEU"), Refusal.BAD_VALUE, "country: Invalid enum value 'DEU'"),
    (vote(country="Ä1"), Refusal.BAD_VALUE, r"country: Invalid enum value '\xc41'"),
    (vote(x="x" * MAX_BYTES), Refusal.TOO_LARGE, "1000240 bytes, at most 1000000 are allowed"),
    (b"[" * 100_000, Refusal.TOO_DEEP, "nested deeper than 64"),
    (vote(ts=TS + AHEAD_MS + 1), Refusal.IN_FUTURE, "ts: 300001 ms after the record's own timestamp"),
    (vote(ts=TS - AGE_MS - 1), Refusal.TOO_OLD, "ts: 2592000001 ms before the record's own timestamp"),
]


@pytest.mark.parametrize(("value", "reason", "message"), BAD)
def test_each_bad_record_has_its_reason_and_a_line_that_names_the_field(
    value: bytes | None, reason: Refusal, message: str
) -> None:
    assert only_refusal(value) == (reason, message)


def test_every_reason_has_a_bad_record_here() -> None:
    shown = {reason for _, reason, _ in BAD}
    assert shown == set(Refusal) - {Refusal.UNKNOWN_TYPE}  # which only a recording has


def test_a_recording_needs_a_type_it_knows() -> None:
    lines = [
        without("type"),
        packed({**VOTE, "type": "like\x1b[2J"}),
        packed({**VOTE, "type": 5}),
        packed(VOTE),
    ]
    decoded = decoder().recording(lines)
    assert [(bad.reason, bad.message) for bad in decoded.refused] == [
        (Refusal.MISSING_FIELD, "Object missing required field `type`"),
        (Refusal.UNKNOWN_TYPE, r"type: Invalid value 'like\x1b[2J'"),
        (Refusal.WRONG_TYPE, "type: Expected `str`"),
    ]


def test_a_message_is_one_short_printable_line_whatever_the_record_holds() -> None:
    for name in ("like\n" * 100_000, "\x1b]0;owned\x07", "é - at `$.x`", "\U0001f1fa" * 500):
        (bad,) = decoder().recording([packed({**VOTE, "type": name})]).refused
        assert bad.message.isascii()
        assert bad.message.isprintable()
        assert len(bad.message) <= 160


def test_time_limits_are_judged_by_the_records_own_timestamp() -> None:
    at_the_limits = [vote(ts=TS + AHEAD_MS), vote(ts=TS - AGE_MS)]
    assert in_votes_topic(at_the_limits).refused == []
    old = vote(ts=TS - AGE_MS - 1)
    assert in_votes_topic([old], record_ms=-1).refused == [], "a record without a timestamp has no limits"
    endless = Decoder(KEY, MAX_BYTES, None, AHEAD_MS)
    assert endless.topic([vote(ts=0)], Kind.VOTE, np.array([TS])).refused == [], "no age, no limit"
    assert decoder().recording([vote(ts=0), vote(ts=2**53)]).refused == []


def test_refusals_of_both_kinds_stand_in_the_order_of_the_batch_and_leave_no_trace_in_the_names() -> None:
    values = [vote(ts=0, poll_id="old"), b"x", vote(poll_id="good"), vote(ts=TS * 2, poll_id="early"), None]
    decoded = in_votes_topic(values)
    assert [(bad.index, bad.reason) for bad in decoded.refused] == [
        (0, Refusal.TOO_OLD),
        (1, Refusal.NOT_JSON),
        (3, Refusal.IN_FUTURE),
        (4, Refusal.NO_VALUE),
    ]
    assert decoded.index.tolist() == [2]
    assert decoded.poll_ids == ["good"]


def nested(depth: int) -> bytes:
    """Return a vote that is `depth` objects and arrays deep in all."""
    return vote(x="~").replace(b'"~"', b"[" * (depth - 1) + b"]" * (depth - 1))


@pytest.mark.parametrize("stack", [0, 300])
def test_how_deep_a_record_may_be_does_not_depend_on_the_stack(stack: int) -> None:
    if stack:
        return test_how_deep_a_record_may_be_does_not_depend_on_the_stack(stack - 1)
    many = vote(x=[[]] * 200, y="[{" * 200, z='\\"[')
    assert in_votes_topic([nested(MAX_NESTING), many]).refused == []
    assert only_refusal(nested(MAX_NESTING + 1))[0] == Refusal.TOO_DEEP
    return None


def test_hashes_of_ids_depend_on_the_key_and_on_every_character() -> None:
    ids = ["a", "b", "a\x00", "", "é", "e\u0301"]
    assert len(set(hash_strings(ids, KEY).tolist())) == len(ids)
    assert not np.isin(hash_strings(ids, bytes(16)), hash_strings(ids, KEY)).any()


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="hash_key: 5 bytes, must be 16"):
        Decoder(b"short", MAX_BYTES, AGE_MS, AHEAD_MS)
