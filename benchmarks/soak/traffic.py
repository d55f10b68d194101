"""Live traffic without end whose outcome is known: how many votes each poll must have, which floods were planted.

Six hundred large polls at a time: every few seconds new ones take their place, and the old ones are quiet from then
on. Beside them, small polls that last, a vote a second each, with half an hour of past; each is flooded once at most. A slot
of 50 ms always has the same number of lines, whatever is in them. Knows no Kafka.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.chaos.feeding import Lot
from benchmarks.recording import Events, Traffic, encoded_people, ordinary, people_of, vote_line
from detectors.columns import Int32s
from streams.decode import Kind

SLOT_MS = 50
QUIET_POLLS = 96
MOST_FLOODS = 60
"""So many groups of accounts are among those of the script: 8 in each of 40 slots."""
_QUIET_A_SLOT = 5
_FLOOD_A_SLOT, _FLOOD_SLOTS = 8, 40
_HISTORY_S = 1_800
_FIRST_QUIET = 90_000
_REFUSED_EVERY_SLOTS = 4
_HISTORY_LOT = 2_500
_TAIL_SLOTS, _LEAD_SLOTS = 200, 400


@dataclass(frozen=True, slots=True)
class Flood:
    """What a script does to one poll, event time [begin_ms, end_ms)."""

    poll_id: str
    begin_ms: int
    end_ms: int


@dataclass
class Sent:
    """What has been sent: votes that count by poll, lines that must be refused, and floods."""

    votes: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    floods: list[Flood] = field(default_factory=list)


@dataclass(frozen=True)
class SoakTraffic:
    """`lines_per_s` for so long; the large polls change every `cycle_s`."""

    seconds: float
    lines_per_s: int = 50_000
    cycle_s: int = 20
    polls: int = 600
    accounts: int = 200_000
    seed: int = 1
    sent: Sent = field(default_factory=Sent)

    def lots(self, partition_of: Int32s, people: Sequence[bytes]) -> Iterator[Lot]:
        """Yield the past of the quiet polls, then slot after slot, each made when it is asked for.

        `partition_of` and `people` have an entry for each account: the partition of its votes and the end of its lines.
        """
        return _Lots(self, partition_of, people).all()

    def people(self) -> list[bytes]:
        """Return the end of each account's lines, those of the script last."""
        return encoded_people(people_of(np.random.default_rng(self.seed), self.accounts))

    @property
    def slots(self) -> int:
        return int(self.seconds * 1000) // SLOT_MS

    @property
    def lines_a_slot(self) -> int:
        return self.lines_per_s * SLOT_MS // 1000

    def flood_slots(self) -> dict[int, tuple[int, int]]:
        """Return which quiet poll is flooded in which slots, and the how manieth slot of the flood it is: one at a time."""
        room = self.slots - _LEAD_SLOTS - _TAIL_SLOTS
        count = max(0, min(MOST_FLOODS, room // (_FLOOD_SLOTS + 1)))
        starts = [_LEAD_SLOTS + number * room // count for number in range(count)]
        return {start + turn: (poll, turn) for poll, start in enumerate(starts) for turn in range(_FLOOD_SLOTS)}


class _Lots:
    """One run through the traffic."""

    def __init__(self, traffic: SoakTraffic, partition_of: Int32s, people: Sequence[bytes]) -> None:
        self._traffic = traffic
        self._partition = partition_of.tolist()
        self._people = people
        self._rng = np.random.default_rng(traffic.seed + 1)
        self._cycle, self._row = -1, 0
        self._serial = 0
        self._last_account = 0
        self._voters: dict[int, set[int]] = defaultdict(set)
        size = traffic.lines_per_s * traffic.cycle_s
        columns = Traffic(size, 0, traffic.polls, traffic.accounts)
        drawn = ordinary(self._rng, columns, 2**41)
        order = np.argsort(drawn.ts_ms)
        self._template = Events(*(getattr(drawn, name)[order] for name in Events.__slots__))
        self._next_cycle()

    def all(self) -> Iterator[Lot]:
        now_ms = time.time_ns() // 1_000_000
        yield from self._history(now_ms)
        begin_ms, flooded = time.time_ns() // 1_000_000, self._traffic.flood_slots()
        before = b""
        for slot in range(self._traffic.slots):
            ts_ms = begin_ms + slot * SLOT_MS
            lines, accounts = self._slot(slot, ts_ms, flooded.get(slot), before)
            before = lines[-1]
            yield self._lot(lines, accounts, ts_ms, ts_ms)
        self._end_cycle(self._row)
        self._traffic.sent.votes.update({_poll_id(poll): len(who) for poll, who in self._voters.items()})

    def _history(self, now_ms: int) -> Iterator[Lot]:
        size = QUIET_POLLS * _HISTORY_S
        times = np.sort(self._rng.integers(now_ms - _HISTORY_S * 1000, now_ms, size)).tolist()
        for start in range(0, size, _HISTORY_LOT):
            part = times[start : start + _HISTORY_LOT]
            lines, accounts = self._quiet(part)
            yield self._lot(lines, accounts, part[0], part[-1])

    def _slot(self, slot: int, ts_ms: int, flooded: tuple[int, int] | None, before: bytes) -> tuple[list[bytes], list[int]]:
        lines, accounts = self._quiet([ts_ms] * _QUIET_A_SLOT)
        if flooded is not None:
            self._flood(*flooded, ts_ms, lines, accounts)
        if slot % _REFUSED_EVERY_SLOTS == 0:
            lines.append(b'{"poll_id": "poll-%d"' % slot)
            accounts.append(slot % self._traffic.accounts)
            self._traffic.sent.refused += 1
        elif before:
            # the same event once more
            lines.append(before)
            accounts.append(self._last_account)
        self._dense(self._traffic.lines_a_slot - len(lines), ts_ms, lines, accounts)
        self._last_account = accounts[-1]
        return lines, accounts

    def _quiet(self, times_ms: list[int]) -> tuple[list[bytes], list[int]]:
        polls = (_FIRST_QUIET + self._rng.integers(0, QUIET_POLLS, len(times_ms))).tolist()
        accounts = self._rng.integers(0, self._traffic.accounts, len(times_ms)).tolist()
        lines = [self._vote(poll, 0, ts_ms, account) for poll, ts_ms, account in zip(polls, times_ms, accounts, strict=True)]
        for poll, account in zip(polls, accounts, strict=True):
            self._voters[poll].add(account)
        return lines, accounts

    def _flood(self, quiet: int, turn: int, ts_ms: int, lines: list[bytes], accounts: list[int]) -> None:
        """Add what a script sends in one slot; its accounts vote in no other poll."""
        poll, floods = _FIRST_QUIET + quiet, self._traffic.sent.floods
        first = self._traffic.accounts + (quiet * _FLOOD_SLOTS + turn) * _FLOOD_A_SLOT
        for account in range(first, first + _FLOOD_A_SLOT):
            lines.append(self._vote(poll, 0, ts_ms, account))
            accounts.append(account)
            self._voters[poll].add(account)
        begin_ms = floods.pop().begin_ms if turn else ts_ms
        floods.append(Flood(_poll_id(poll), begin_ms, ts_ms + SLOT_MS))

    def _dense(self, count: int, ts_ms: int, lines: list[bytes], accounts: list[int]) -> None:
        while count:
            part = slice(self._row, min(self._row + count, len(self._template)))
            rows = zip(self._polls[part], self._options[part], self._accounts[part], strict=True)
            lines += [self._vote(poll, option, ts_ms, account) for poll, option, account in rows]
            accounts += self._accounts[part]
            count -= part.stop - part.start
            self._row = part.stop
            if self._row == len(self._template):
                self._end_cycle(self._row)
                self._next_cycle()

    def _next_cycle(self) -> None:
        """Give the same votes to new polls and other people: who met in one cycle does not meet again in the next."""
        self._cycle, self._row = self._cycle + 1, 0
        people = self._rng.permutation(self._traffic.accounts)
        self._polls = (self._template.poll + self._cycle * self._traffic.polls).tolist()
        self._options = self._template.option.tolist()
        self._accounts = people[self._template.account].tolist()

    def _end_cycle(self, rows: int) -> None:
        part = self._template.between(0, rows)
        pairs = np.unique(part.poll.astype(np.int64) * self._traffic.accounts + part.account)
        polls, votes = np.unique(pairs // self._traffic.accounts, return_counts=True)
        first = self._cycle * self._traffic.polls
        counted = zip((polls + first).tolist(), votes.tolist(), strict=True)
        self._traffic.sent.votes.update({_poll_id(poll): count for poll, count in counted})

    def _vote(self, poll: int, option: int, ts_ms: int, account: int) -> bytes:
        self._serial += 1
        return vote_line(self._serial, poll, option, ts_ms, self._people[account])

    def _lot(self, lines: list[bytes], accounts: list[int], first_ms: int, latest_ms: int) -> Lot:
        partitions = [self._partition[account] for account in accounts]
        return Lot(lines, [Kind.VOTE] * len(lines), partitions, first_ms, latest_ms)


def _poll_id(poll: int) -> str:
    return f"poll-{poll:05d}"
