"""Votes and replies as columns, and the refused ones with a reason. Knows no Kafka; what a good record is, others decide."""

from __future__ import annotations

import base64
import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pandas.util import hash_array

from detectors.columns import NO_OPTION, Hashes, Int32s, Int64s
from detectors.senders import (
    NO_CODE,
    NO_COUNT,
    NO_COUNTRY,
    NO_TIME_MS,
    SKETCH_WIDTH,
    Codes,
    Countries,
    Senders,
    Sketches,
)
from detectors.sketch import sketch
from detectors.strings import strings
from streams.decode_batch import Parsed, parse
from streams.decode_record import EventDecoder, RecordedReply, RecordedVote, Refusal, Refused, Reply, Vote

__all__ = ["Decoded", "Decoder", "Kind", "Refusal", "Refused", "hash_strings"]

HASH_KEY_BYTES = 16


class Kind(enum.IntEnum):
    """What a record is; the values of the column `kind`."""

    VOTE = 0
    REPLY = 1


@dataclass(frozen=True, slots=True)
class Decoded:
    """The accepted records of a batch as columns of one length, in the batch's order, and the refused ones by index.

    `index` is the position in the batch, `kind` a `Kind`, `ts_ms` the event time, `event` and `account` are keyed
    64-bit hashes of the ids, `poll` is an index into `poll_ids` and `option` one into `options` (`NO_OPTION` for
    replies); both lists are distinct, in order of first appearance. `sender` is what the records say of who sent them.
    """

    index: Int32s
    kind: NDArray[np.int8]
    ts_ms: Int64s
    event: Hashes
    account: Hashes
    poll: Int32s
    poll_ids: list[str]
    option: Int32s
    options: list[str]
    sender: Senders
    refused: list[Refused]

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True)
class _Coded:
    codes: Int32s
    names: list[str]


class Decoder:
    """Decodes batches of one deployment: its hash key (16 bytes) and its limits.

    `max_age_ms` and `max_ahead_ms` bound how far a record's `ts` may lie behind and ahead of the record's own
    timestamp in a topic; an age of None means no limit. Raises ValueError for a key of another length.
    """

    def __init__(
        self, hash_key: bytes, max_record_bytes: int, max_age_ms: int | None, max_ahead_ms: int
    ) -> None:
        if len(hash_key) != HASH_KEY_BYTES:
            raise ValueError(f"hash_key: {len(hash_key)} bytes, must be {HASH_KEY_BYTES}")
        self._hash_key = hash_key
        self._max_record_bytes = max_record_bytes
        self._max_age_ms = max_age_ms
        self._max_ahead_ms = max_ahead_ms
        self._by_kind: dict[int, EventDecoder] = {
            Kind.VOTE: msgspec.json.Decoder(Vote),
            Kind.REPLY: msgspec.json.Decoder(Reply),
        }
        self._recorded: EventDecoder = msgspec.json.Decoder(RecordedVote | RecordedReply)

    def topic(self, values: Sequence[bytes | None], kind: int, record_ms: Int64s) -> Decoded:
        """Decode the values of one topic, whose records are all of one `kind`; their own `type` is ignored.

        `record_ms[i]` is record i's own timestamp, by which its time limits are judged; negative means it has none,
        and then there are no limits.
        """
        parsed = parse(self._by_kind[kind], values, self._max_record_bytes)
        return self._columns(self._in_time(parsed, record_ms))

    def recording(self, lines: Sequence[bytes]) -> Decoded:
        """Decode lines of a recording: `type` is required and there are no time limits."""
        return self._columns(parse(self._recorded, lines, self._max_record_bytes))

    def _in_time(self, parsed: Parsed, record_ms: Int64s) -> Parsed:
        own_ms = record_ms[parsed.index]
        ahead_ms = _times(parsed) - own_ms
        early = (own_ms >= 0) & (ahead_ms > self._max_ahead_ms)
        old = np.zeros_like(early) if self._max_age_ms is None else ahead_ms < -self._max_age_ms
        out = np.flatnonzero(early | old)
        if not len(out):
            return parsed
        refused = [_out_of_time(int(parsed.index[row]), int(ahead_ms[row])) for row in out]
        keep = ~(early | old)
        events = [event for event, kept in zip(parsed.events, keep.tolist(), strict=True) if kept]
        in_order = sorted([*parsed.refused, *refused], key=lambda bad: bad.index)
        return Parsed(events, parsed.index[keep], in_order)

    def _columns(self, parsed: Parsed) -> Decoded:
        events: Sequence[Any] = parsed.events
        poll = _codes([event.poll_id for event in events])
        option = _codes([event.option for event in events])
        account_ids = [event.account_id for event in events]
        return Decoded(
            index=parsed.index,
            kind=(option.codes == NO_OPTION).astype(np.int8),
            ts_ms=_times(parsed),
            event=hash_strings([event.event_id for event in events], self._hash_key),
            account=hash_strings(account_ids, self._hash_key),
            poll=poll.codes,
            poll_ids=poll.names,
            option=option.codes,
            options=option.names,
            sender=self._sender(events, account_ids),
            refused=list(parsed.refused),
        )


    def _sender(self, events: Sequence[Any], account_ids: list[str]) -> Senders:
        return Senders(
            account_ids=strings(account_ids),
            created_ms=_numbers([event.account_created_at for event in events], NO_TIME_MS, np.int64),
            followers=_numbers([event.followers for event in events], NO_COUNT, np.int32),
            client=self._hashed([event.client for event in events]),
            network=self._hashed([event.network for event in events]),
            country=_countries([event.country for event in events]),
            referrer=self._hashed([event.referrer for event in events]),
            sketch=_sketches(events),
        )

    def _hashed(self, names: list[str | None]) -> Codes:
        """Return a keyed 32-bit hash of each name, never `NO_CODE`; `NO_CODE` where there is none."""
        coded = _codes(names)
        hashes = np.maximum(hash_strings(coded.names, self._hash_key).astype(np.uint32), 1)
        codes: Codes = np.append(hashes, np.uint32(NO_CODE))[coded.codes]
        return codes


def hash_strings(strings: Sequence[str], key: bytes) -> Hashes:
    """Keyed 64-bit SipHash of each string's UTF-8 bytes: whoever lacks the key cannot make two ids collide.

    pandas takes the key as 16 characters of text, so 96 bits of a digest of `key` are used.
    """
    text = base64.b64encode(hashlib.blake2b(key, digest_size=12).digest()).decode("ascii")
    array = np.empty(len(strings), dtype=object)
    array[:] = strings
    hashes: Hashes = hash_array(array, hash_key=text, categorize=False)
    return hashes


def _times(parsed: Parsed) -> Int64s:
    return np.fromiter([event.ts for event in parsed.events], dtype=np.int64, count=len(parsed.events))


def _codes(names: Sequence[str | None]) -> _Coded:
    known = [name for name in dict.fromkeys(names) if name is not None]
    code: dict[str | None, int] = {name: i for i, name in enumerate(known)}
    code[None] = NO_OPTION
    return _Coded(np.fromiter(map(code.__getitem__, names), dtype=np.int32, count=len(names)), known)


def _sketches(events: Sequence[Any]) -> Sketches:
    """Return the sketches of the replies' texts, zeros in between for votes; without replies, of no width."""
    replies = [row for row, event in enumerate(events) if event.option is None]
    if not replies:
        return np.zeros((len(events), 0), np.uint32)
    sketches = np.zeros((len(events), SKETCH_WIDTH), np.uint32)
    sketches[replies] = sketch([events[row].text for row in replies])
    return sketches


def _numbers(values: list[int | None], missing: int, dtype: type[np.integer[Any]]) -> Any:
    """Return a column of `dtype`; numbers too large for it become its largest."""
    whole = np.fromiter([missing if value is None else value for value in values], np.int64, len(values))
    return np.minimum(whole, np.iinfo(dtype).max).astype(dtype)


def _countries(names: list[str | None]) -> Countries:
    coded = _codes(names)
    letters = [[ord(letter) - ord("A") for letter in name.upper()] for name in coded.names]
    codes = np.array([26 * first + second for first, second in letters] + [NO_COUNTRY], np.int16)
    return codes[coded.codes]


def _out_of_time(index: int, ahead_ms: int) -> Refused:
    if ahead_ms > 0:
        return Refused(index, Refusal.IN_FUTURE, f"ts: {ahead_ms} ms after the record's own timestamp")
    return Refused(index, Refusal.TOO_OLD, f"ts: {-ahead_ms} ms before the record's own timestamp")
