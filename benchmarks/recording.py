"""The recording all contestants read: seeded, made as columns, encoded a line at a time. Knows no Kafka.

A few hundred polls of very different size, votes spread over some tens of minutes, each account at most once in a
poll but for 1 % of revotes, one scripted flood, one crowd sent by a link, a thousand replies. Arrival is up to a
second or so behind event time, as it is on real networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detectors.columns import Int32s, Int64s
from lab.arrivals import crowd, scripted
from lab.people import People, account_ids, audience, script_accounts

SCRIPTED_ACCOUNTS = 20_000
_BEGIN_MS = 1_664_812_800_000  # 3 October 2022, 16:00 UTC
_COUNTRIES = {"US": 0.3, "DE": 0.12, "GB": 0.1, "IN": 0.14, "TR": 0.08, "BR": 0.1, "PL": 0.06, "NL": 0.04, "IT": 0.06}
_OPTIONS = (b"yes", b"no", b"undecided", b"never")
_ENCODED_AT_ONCE = 65_536
_VOCABULARY = [(b"%05d" % number).translate(bytes.maketrans(b"0123456789", b"aeiounrstk")) for number in range(20_000)]
_MOST_WORDS = 24


@dataclass(frozen=True, slots=True)
class Traffic:
    """How much of what; `minutes` of event time, `flood_votes` and `crowd_votes` are among the `votes`."""

    votes: int = 2_000_000
    replies: int = 1_000
    polls: int = 300
    accounts: int = 400_000
    minutes: int = 40
    seed: int = 3

    @property
    def flood_votes(self) -> int:
        """Votes of the script."""
        return min(self.votes // 100, SCRIPTED_ACCOUNTS)

    @property
    def crowd_votes(self) -> int:
        """Votes of people sent by one link."""
        return self.votes // 100


@dataclass(frozen=True, slots=True)
class Events:
    """One row for each event in order of arrival; `option` indexes the answers, `account` the people."""

    ts_ms: Int64s
    poll: Int32s
    option: Int32s
    account: Int32s

    def __len__(self) -> int:
        return len(self.ts_ms)

    def between(self, start: int, end: int) -> Events:
        """Return the rows [start, end)."""
        return Events(self.ts_ms[start:end], self.poll[start:end], self.option[start:end], self.account[start:end])


@dataclass(frozen=True, slots=True)
class Recording:
    """Votes and replies, and who acts; `texts` are those of the replies."""

    votes: Events
    replies: Events
    texts: list[bytes]
    account_ids: list[str]
    people: list[bytes]

    def standing_votes(self) -> int:
        """How many votes count in the end: one for each account and poll."""
        pair = self.votes.poll.astype(np.int64) * len(self.people) + self.votes.account
        return len(np.unique(pair))


def record(traffic: Traffic) -> Recording:
    """Return the recording of this traffic; equal traffic gives equal bytes."""
    rng = np.random.default_rng(traffic.seed)
    people = people_of(rng, traffic.accounts)
    end_ms = _BEGIN_MS + traffic.minutes * 60_000
    votes = _arrived(rng, [ordinary(rng, traffic, end_ms), _flood(rng, traffic), _crowd(rng, traffic, end_ms)])
    reply_ms = np.sort(rng.integers(_BEGIN_MS, end_ms, traffic.replies))
    who = rng.integers(0, traffic.accounts, traffic.replies).astype(np.int32)
    where = rng.integers(0, traffic.polls, traffic.replies).astype(np.int32)
    replies = Events(reply_ms, where, np.full(traffic.replies, -1, np.int32), who)
    return Recording(votes, replies, _texts(rng, traffic.replies), people.account_id.tolist(), encoded_people(people))


def people_of(rng: np.random.Generator, accounts: int) -> People:
    """Return so many ordinary accounts, and after them those of the script."""
    ids = account_ids(rng, accounts + SCRIPTED_ACCOUNTS)
    real = audience(rng, ids[:accounts], _COUNTRIES, _BEGIN_MS)
    script = script_accounts(rng, ids[accounts:], _BEGIN_MS)
    return People(*(np.concatenate([getattr(real, c), getattr(script, c)]) for c in People.__slots__))


def ordinary(rng: np.random.Generator, traffic: Traffic, end_ms: int) -> Events:
    """Return votes of people who come one by one, in no order of time."""
    size = traffic.votes - traffic.flood_votes - traffic.crowd_votes
    weight = 1 / (np.arange(traffic.polls) + 8.0)
    poll = rng.choice(traffic.polls, size, p=weight / weight.sum()).astype(np.int32)
    return Events(rng.integers(_BEGIN_MS, end_ms, size), poll, _choices(rng, poll), _voters(rng, poll, traffic.accounts))


def _voters(rng: np.random.Generator, poll: Int32s, accounts: int) -> Int32s:
    """Give the votes of each poll to distinct accounts, but for 1 % that go to the voter before."""
    order = np.argsort(poll, kind="stable")
    first = np.searchsorted(poll[order], poll[order])
    turn = np.empty(len(poll), np.int64)
    turn[order] = np.arange(len(poll)) - first
    again = rng.random(len(poll)) < 0.01
    seat = (turn - again) % accounts
    # an affine map of a prime-like odd step visits every account once before any twice
    step, start = _coprime_to(accounts), rng.integers(0, accounts, int(poll.max(initial=0)) + 1)
    return ((seat * step + start[poll]) % accounts).astype(np.int32)


def _coprime_to(number: int) -> int:
    return next(step for step in range(number // 2 + 1, 2 * number + 3) if np.gcd(step, number) == 1)


def _choices(rng: np.random.Generator, poll: Int32s) -> Int32s:
    options = 2 + poll % 3
    return (rng.beta(1.5, 2, len(poll)) * options).astype(np.int32)


def _flood(rng: np.random.Generator, traffic: Traffic) -> Events:
    start_ms = _BEGIN_MS + traffic.minutes * 30_000
    ts_ms = scripted(rng, start_ms, start_ms + 90_000, traffic.flood_votes)
    account = traffic.accounts + np.arange(traffic.flood_votes, dtype=np.int32)
    return _in_one_poll(ts_ms, traffic.polls // 8, account)


def _crowd(rng: np.random.Generator, traffic: Traffic, end_ms: int) -> Events:
    start_ms = _BEGIN_MS + traffic.minutes * 20_000
    ts_ms = crowd(rng, start_ms, traffic.crowd_votes, 20_000, 90_000, 40)
    ts_ms = np.where(ts_ms < end_ms, ts_ms, rng.integers(start_ms, end_ms, len(ts_ms)))
    account = rng.permutation(traffic.accounts)[: traffic.crowd_votes].astype(np.int32)
    return _in_one_poll(ts_ms, traffic.polls // 5, account)


def _texts(rng: np.random.Generator, count: int) -> list[bytes]:
    """Return so many texts, two of three a short one that thousands write, the others words that nobody else strings together."""
    word = rng.integers(0, len(_VOCABULARY), (count, _MOST_WORDS))
    words = rng.integers(_MOST_WORDS // 2, _MOST_WORDS, count)
    return [
        b"No." if number % 3 else b" ".join(_VOCABULARY[code] for code in row[:length])
        for number, (row, length) in enumerate(zip(word.tolist(), words.tolist(), strict=True))
    ]


def _in_one_poll(ts_ms: Int64s, poll: int, account: Int32s) -> Events:
    return Events(ts_ms, np.full(len(ts_ms), poll, np.int32), np.zeros(len(ts_ms), np.int32), account)


def _arrived(rng: np.random.Generator, parts: list[Events]) -> Events:
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in Events.__slots__]
    order = np.argsort(columns[0] + rng.exponential(120, len(columns[0])), kind="stable")
    return Events(*(column[order] for column in columns))


def encoded_people(people: People) -> list[bytes]:
    """Return the end of each account's lines: the fields that are the same in all of them."""
    columns = (getattr(people, name).tolist() for name in People.__slots__)
    return [
        (
            f'"account_id": "{who}", "account_created_at": {created}, "followers": {followers}, '
            f'"client": "{client}", "network": "{network}", "country": "{country}"}}'
        ).encode()
        for who, created, followers, client, network, country in zip(*columns, strict=True)
    ]


def encode_votes(recording: Recording, serial: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (first row, lines) of all votes in order; event ids count from `serial`."""
    for start in range(0, len(recording.votes), _ENCODED_AT_ONCE):
        part = recording.votes.between(start, start + _ENCODED_AT_ONCE)
        rows = zip(part.ts_ms.tolist(), part.poll.tolist(), part.option.tolist(), part.account.tolist(), strict=True)
        yield start, [
            vote_line(number, poll, option, ts_ms, recording.people[account])
            for number, (ts_ms, poll, option, account) in enumerate(rows, serial + start)
        ]


def vote_line(serial: int, poll: int, option: int, ts_ms: int, person: bytes) -> bytes:
    """Return one vote as the votes topic has it."""
    return b'{"event_id": "%012x", "poll_id": "poll-%05d", "option": "%b", "ts": %d, "referrer": "post-%d", %b' % (
        serial, poll, _OPTIONS[option], ts_ms, poll, person
    )  # fmt: skip


def encode_replies(recording: Recording) -> list[bytes]:
    """Return the lines of all replies in order."""
    part = recording.replies
    rows = zip(part.ts_ms.tolist(), part.poll.tolist(), part.account.tolist(), recording.texts, strict=True)
    return [
        b'{"event_id": "r%011x", "poll_id": "poll-%05d", "text": "%b", "ts": %d, %b'
        % (number, poll, text, ts_ms, recording.people[account])
        for number, (ts_ms, poll, account, text) in enumerate(rows)
    ]
