"""Votes and replies as columns, and the refused ones with a reason. Knows no Kafka; what a good record is, others decide."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from detectors.columns import Int64s
from streams.bytes_column import Bytes, bytes_column
from streams.decode_batch import RUN_RECORDS, Parsed, parse, parse_run
from streams.decode_columns import Columns, Decoded, Kind, times
from streams.decode_names import NameHashes, hash_bytes, hash_strings
from streams.decode_record import EventDecoder, RecordedReply, RecordedVote, Refusal, Refused, Reply, Vote
from streams.vote_lines import VoteLines, vote_lines

__all__ = ["Decoded", "Decoder", "Kind", "Refusal", "Refused", "hash_strings"]

HASH_KEY_BYTES = 16
_NOTHING = Parsed([], np.zeros(0, np.int32), [])


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
        self._hash_bytes = hash_bytes(hash_key)
        self._names = {column: NameHashes(hash_key) for column in ("client", "network", "referrer")}
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
        columns = Columns(self._hash_key, self._names)
        values = values if isinstance(values, Bytes) else bytes_column(values)
        for start in range(0, max(1, len(values)), RUN_RECORDS):
            run = values[start : start + RUN_RECORDS]
            lines = self._plain_votes(run, record_ms[start : start + RUN_RECORDS]) if kind == Kind.VOTE else None
            if lines is None:
                columns.add(self._in_time(parse_run(self._by_kind[kind], list(run), start, self._max_record_bytes), record_ms))
            else:
                columns.add_lines(start, lines)
        return columns.decoded()

    def _plain_votes(self, run: Bytes, record_ms: Int64s) -> VoteLines | None:
        """Return the columns of a run of votes if there is nothing unusual about any of them, and none is to be refused."""
        lines = vote_lines(run, self._hash_bytes, self._max_record_bytes)
        return lines if lines is not None and self._out_of_time(lines.ts_ms, record_ms)[0].size == 0 else None

    def recording(self, lines: Sequence[bytes]) -> Decoded:
        """Decode lines of a recording: `type` is required and there are no time limits."""
        columns = Columns(self._hash_key, self._names)
        for run in parse(self._recorded, lines, self._max_record_bytes):
            columns.add(run)
        return columns.decoded()

    def _in_time(self, parsed: Parsed, record_ms: Int64s) -> Parsed:
        out, ahead_ms = self._out_of_time(times(parsed.events), record_ms[parsed.index])
        if not len(out):
            return parsed
        refused = [_refused(int(parsed.index[row]), int(ahead_ms[row])) for row in out]
        keep = np.ones(len(parsed.events), np.bool_)
        keep[out] = False
        events = [event for event, kept in zip(parsed.events, keep.tolist(), strict=True) if kept]
        in_order = sorted([*parsed.refused, *refused], key=lambda bad: bad.index)
        return Parsed(events, parsed.index[keep], in_order)

    def _out_of_time(self, ts_ms: Int64s, own_ms: Int64s) -> tuple[Int64s, Int64s]:
        """Return the rows beyond the limits of time, and how far each row is ahead of its record's own timestamp."""
        ahead_ms = ts_ms - own_ms
        early = (own_ms >= 0) & (ahead_ms > self._max_ahead_ms)
        old = np.zeros_like(early) if self._max_age_ms is None else ahead_ms < -self._max_age_ms
        return np.flatnonzero(early | old), ahead_ms


def _refused(index: int, ahead_ms: int) -> Refused:
    if ahead_ms > 0:
        return Refused(index, Refusal.IN_FUTURE, f"ts: {ahead_ms} ms after the record's own timestamp")
    return Refused(index, Refusal.TOO_OLD, f"ts: {-ahead_ms} ms before the record's own timestamp")
