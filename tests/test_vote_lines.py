"""Votes read by the compiled reader are the votes that the whole decoder reads, and what it leaves alone is left to that one."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import Int64s
from detectors.senders import PLAIN_COLUMNS
from streams.bytes_column import bytes_column
from streams.decode import Decoded, Decoder, Kind
from streams.decode_names import hash_bytes, hash_strings
from streams.vote_lines import vote_lines

KEY = b"0123456789abcdef"
MOST_BYTES = 2_000
VOTE = {"event_id": "e1", "poll_id": "p", "option": "yes", "account_id": "a1", "ts": 1_664_812_800_000}
SAID = {
    "account_created_at": 1_500_000_000_000, "followers": 3, "client": "web", "network": "n1", "country": "De", "referrer": "r",
}  # fmt: skip

NAMES = st.one_of(st.text("abc", min_size=1, max_size=3), st.text(min_size=0, max_size=130), st.sampled_from(["é", '"', "\\", "\x00"]))
NUMBERS = st.one_of(st.integers(0, 2_000_000_000_000), st.sampled_from([-1, 0, 2**31, 2**53, 2**53 + 1, -(2**53), 10**16, 10**20, 1.5, 1e3]))
ANYTHING = st.one_of(st.none(), st.booleans(), NAMES, NUMBERS, st.lists(st.integers(), max_size=2), st.dictionaries(NAMES, NAMES, max_size=1))
FIELDS = {
    **dict.fromkeys(("event_id", "poll_id", "option", "account_id"), NAMES),
    "ts": NUMBERS,
    **dict.fromkeys(("account_created_at", "followers"), st.one_of(st.none(), NUMBERS)),
    **dict.fromkeys(("client", "network", "referrer"), st.one_of(st.none(), NAMES)),
    "country": st.one_of(st.none(), st.sampled_from(["US", "us", "Tr", "USA", "U1", "é"])),
}


class Whole(Decoder):
    """The decoder without the compiled reader."""

    def _plain_votes(self, run: Any, record_ms: Int64s) -> None:
        return None


def decoder(kind: type[Decoder] = Decoder, max_age_ms: int | None = None) -> Decoder:
    return kind(KEY, MOST_BYTES, max_age_ms, 60_000)


def both(values: list[bytes], record_ms: Int64s | None = None, max_age_ms: int | None = None) -> tuple[Decoded, Decoded]:
    times = np.full(len(values), -1, np.int64) if record_ms is None else record_ms
    fast, whole = (decoder(kind, max_age_ms).topic(values, Kind.VOTE, times) for kind in (Decoder, Whole))
    return fast, whole


def assert_same(fast: Decoded, whole: Decoded) -> None:
    for field in fields(Decoded):
        one, other = getattr(fast, field.name), getattr(whole, field.name)
        if field.name == "sender":
            assert one.account_ids.texts() == other.account_ids.texts()
            assert all((getattr(one, name) == getattr(other, name)).all() for name in PLAIN_COLUMNS)
        elif isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            assert one.tolist() == other.tolist(), field.name
        else:
            assert one == other, field.name


def is_read(*values: bytes) -> bool:
    return vote_lines(bytes_column(values), hash_bytes(KEY), MOST_BYTES) is not None


@st.composite
def votes(draw: st.DrawFn) -> bytes:
    """Draw a vote that is mostly right: any order, any blanks, fields that nobody knows, ASCII or not."""
    event = {name: draw(values) for name, values in FIELDS.items()} if draw(st.booleans()) else VOTE | SAID
    event = event | draw(st.dictionaries(st.sampled_from([*FIELDS, "type", "text", "tsx", ""]), ANYTHING, max_size=1))
    names = draw(st.permutations(list(event)))
    separators = draw(st.sampled_from([None, (",", ":"), (" ,\t", "\n: ")]))
    left_out = draw(st.sampled_from([None, None, None, *event]))
    body = {name: event[name] for name in names if name != left_out}
    line = json.dumps(body, separators=separators, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")
    return draw(st.sampled_from([b"", b"", b" ", b"\n"])) + line + draw(st.sampled_from([b"", b"", b" ", b",", b"}", b"\n{}"]))


@given(st.lists(votes(), max_size=6))
def test_votes_are_those_of_the_whole_decoder(values: list[bytes]) -> None:
    assert_same(*both(values))
    for value in values:
        assert_same(*both([value]))


@given(votes(), st.data())
def test_a_vote_with_any_byte_changed_is_that_of_the_whole_decoder(value: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(value) - 1))
    by = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b'"{}[]:,\\0-+.eE nt')))
    assert_same(*both([value[:at] + bytes([by]) + value[at + 1 :]]))
    assert_same(*both([value[:at]]))


def test_a_run_of_plain_votes_is_read_and_one_with_anything_unusual_is_not() -> None:
    plain = json.dumps(VOTE | SAID).encode()
    assert is_read(plain)
    assert is_read(json.dumps(VOTE | {"country": None, "source": "app", "version": 7, "note": None}).encode(), plain)
    assert is_read(json.dumps(VOTE | {"account_id": "Zoë"}, ensure_ascii=False).encode())
    unusual: list[dict[str, object]] = [
        {"account_id": 'a"b'}, {"ts": -1}, {"ts": 2**53 + 1}, {"ts": 1.0}, {"ts": "1"}, {"ts": None}, {"followers": -1}, {"poll_id": ""},
        {"poll_id": "x" * 129}, {"country": "USA"}, {"client": 1}, {"extra": {}}, {"extra": []}, {"extra": True}, {"extra": 1.5},
    ]  # fmt: skip
    for change in unusual:
        assert not is_read(plain, json.dumps({**VOTE, **change}).encode()), change
    for line in (b"", b"{}", b"[1]", b"null", plain[:-1], plain + b"}", plain + plain, plain.replace(b'"ts"', b'"event_id"', 1)):
        assert not is_read(plain, line), line
    assert not is_read(plain.replace(b"web", b"we\xff"))


def test_a_record_over_the_largest_is_left_to_the_whole_decoder() -> None:
    long = json.dumps(VOTE | {"note": "x" * MOST_BYTES}).encode()
    assert not is_read(long)
    assert_same(*both([long]))


@pytest.mark.parametrize("rows", [1, 1_023, 1_024, 1_025, 5_000])
def test_long_batches_number_names_in_order_of_appearance_over_all_runs(rows: int) -> None:
    values = [
        json.dumps(VOTE | {"event_id": f"e{n}", "poll_id": f"p{n * 7 % 1500}", "option": f"o{n % 70}", "account_id": f"a{n}"}).encode()
        for n in range(rows)
    ]
    fast, whole = both(values)
    assert_same(fast, whole)
    assert len(fast.poll_ids) == min(rows, 1500)


def test_a_run_in_which_a_vote_is_out_of_time_is_the_whole_decoders() -> None:
    values = [json.dumps(VOTE | {"event_id": f"e{n}", "poll_id": f"p{n}"}).encode() for n in range(4)]
    ts = VOTE["ts"]
    assert isinstance(ts, int)
    fast, whole = both(values, np.array([ts, ts - 60_001, ts + 10_001, -1]), max_age_ms=10_000)
    assert_same(fast, whole)
    assert [bad.index for bad in fast.refused] == [1, 2]
    assert fast.poll_ids == ["p0", "p3"]


def test_what_is_no_vote_at_all_and_tombstones_are_refused_as_ever() -> None:
    decoded = decoder().topic([None, json.dumps(VOTE).encode(), b"\x00"], Kind.VOTE, np.full(3, -1))
    assert (len(decoded), [bad.index for bad in decoded.refused]) == (1, [0, 2])


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='"\\'), min_size=1, max_size=20), min_size=1, max_size=20))
def test_hashes_are_those_of_the_whole_decoder(names: list[str]) -> None:
    lines = [json.dumps(VOTE | {"account_id": name, "network": name}, ensure_ascii=False).encode() for name in names]
    read = vote_lines(bytes_column(lines), hash_bytes(KEY), MOST_BYTES)
    assert read is not None
    hashed = hash_strings(names, KEY)
    assert (read.account == hashed).all()
    assert (read.sender.network == np.maximum(hashed.astype(np.uint32), 1)).all()
