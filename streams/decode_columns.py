"""From parsed records to columns, a run at a time: its records are dropped while they are still in the processor's cache."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import NO_OPTION, Bools, Hashes, Int32s, Int64s
from detectors.senders import NO_COUNT, NO_TIME_MS, Senders, senders
from detectors.sketch import sketch
from detectors.strings import Strings, strings
from streams.decode_batch import Parsed
from streams.decode_names import InOrder, NameHashes, country_codes, hash_column, hash_strings
from streams.decode_record import Event, Refused
from streams.vote_lines import VoteLines


class Kind(enum.IntEnum):
    """What a record is; the values of the column `kind`."""

    VOTE = 0
    REPLY = 1


@dataclass(frozen=True, slots=True)
class Decoded:
    """The accepted records of a batch as columns of one length, in the batch's order, and the refused ones by index.

    `index` is the position in the batch, `kind` a `Kind`, `ts_ms` the event time, `event` and `account` are keyed
    64-bit hashes of the ids, `poll` is an index into `poll_ids` and `option` one into `options` (`NO_OPTION` for
    replies); both lists are distinct, in order of first appearance. `sender` is what the records say of who sent them,
    with thin columns.
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
class _Run:
    """The columns of some records that follow on each other, as in `Decoded`."""

    index: Int32s
    ts_ms: Int64s
    event: Hashes
    account: Hashes
    poll: Int32s
    option: Int32s
    sender: Senders


class Columns:
    """The columns of a batch while its runs are added, in order."""

    def __init__(self, hash_key: bytes, names: Mapping[str, NameHashes]) -> None:
        self._hash_key = hash_key
        self._names = names
        self._polls, self._options = InOrder(), InOrder()
        self._runs: list[_Run] = []
        self._refused: list[Refused] = []
        self._texts: list[str] = []

    def add(self, parsed: Parsed) -> None:
        """Add the next records."""
        events: Sequence[Any] = parsed.events
        account_ids = strings([event.account_id for event in events])
        option = self._options.numbers([event.option for event in events])
        if (option == NO_OPTION).any():
            self._texts += [event.text for event in events if event.option is None]
        run = _Run(
            index=parsed.index,
            ts_ms=times(events),
            event=hash_strings([event.event_id for event in events], self._hash_key),
            account=hash_column(account_ids, self._hash_key),
            poll=self._polls.numbers([event.poll_id for event in events]),
            option=option,
            sender=self._sender(events, account_ids),
        )
        self._runs.append(run)
        self._refused += parsed.refused

    def add_lines(self, start: int, lines: VoteLines) -> None:
        """Add the next records, the first of them number `start` of the batch, which are columns already."""
        index = np.arange(start, start + len(lines), dtype=np.int32)
        poll = self._polls.numbers(lines.poll_ids)[lines.poll]
        option = self._options.numbers(lines.options)[lines.option]
        self._runs.append(_Run(index, lines.ts_ms, lines.event, lines.account, poll, option, lines.sender))

    def decoded(self) -> Decoded:
        """Return the columns of all that was added."""
        option = self._all("option")
        sender = _with_texts(senders([run.sender for run in self._runs]), self._texts, option == NO_OPTION)
        return Decoded(
            index=self._all("index"),
            kind=(option == NO_OPTION).astype(np.int8),
            ts_ms=self._all("ts_ms"),
            event=self._all("event"),
            account=self._all("account"),
            poll=self._all("poll"),
            poll_ids=self._polls.names(),
            option=option,
            options=self._options.names(),
            sender=sender,
            refused=self._refused,
        )

    def _all(self, name: str) -> Any:
        return np.concatenate([getattr(run, name) for run in self._runs])

    def _sender(self, events: Sequence[Any], account_ids: Strings) -> Senders:
        return Senders(
            account_ids=account_ids,
            created_ms=_numbers([event.account_created_at for event in events], NO_TIME_MS, np.int64),
            followers=_numbers([event.followers for event in events], NO_COUNT, np.int32),
            client=self._names["client"].codes([event.client for event in events]),
            network=self._names["network"].codes([event.network for event in events]),
            country=country_codes([event.country for event in events]),
            referrer=self._names["referrer"].codes([event.referrer for event in events]),
            sketch=np.zeros((len(events), 0), np.uint32),
        )


def times(events: Sequence[Event]) -> Int64s:
    """Return the event time of each record."""
    return np.fromiter([event.ts for event in events], np.int64, len(events))


def _numbers(values: list[Any], missing: int, dtype: type[np.integer[Any]]) -> Any:
    """Return a column of `dtype`; numbers too large for it become its largest."""
    try:
        whole = np.fromiter(values, np.int64, len(values))
    except TypeError:
        whole = np.fromiter([missing if value is None else value for value in values], np.int64, len(values))
    return np.minimum(whole, np.iinfo(dtype).max).astype(dtype, copy=False)


def _with_texts(sender: Senders, texts: list[str], is_reply: Bools) -> Senders:
    """Return the rows with sketches of the replies' texts, and none for votes; without replies, of no width."""
    if not texts:
        return sender
    distinct = InOrder()  # every third reply says what another one said
    place = np.full(len(sender), -1, np.int32)
    place[is_reply] = distinct.numbers(texts)
    return replace(sender, sketch=sketch(distinct.names()), sketch_row=place)
