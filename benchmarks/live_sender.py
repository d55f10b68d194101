"""Sends live traffic at its pace, everything encoded beforehand but id and time; a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
import time

import msgspec

from benchmarks.live_traffic import SLOT_MS, LiveTraffic
from benchmarks.load import Sender, new_producer, partitions_of_accounts
from benchmarks.processes import say
from benchmarks.recording import Events, Recording, vote_line
from config import Settings, TopicRole, load

_HISTORY_SERIALS, _QUIET_SERIALS = 1 << 44, 1 << 45


class LiveSender:
    """One run of live traffic."""

    def __init__(self, traffic: LiveTraffic, settings: Settings) -> None:
        self._traffic = traffic
        self._settings = settings
        self._crowd: Recording = traffic.crowd()
        self._keys = [account_id.encode() for account_id in self._crowd.account_ids]
        self._partition = partitions_of_accounts(self._crowd.people, settings).tolist()
        self._columns = [column.tolist() for column in (self._crowd.votes.poll, self._crowd.votes.option)]
        self._accounts = self._crowd.votes.account.tolist()
        self.sent = 0
        self.behind_ms = 0

    async def run(self) -> None:
        """Send the history, wait for the word to go on, then send slot after slot; time of a vote is that of its slot."""
        async with new_producer(self._settings) as producer:
            sender = Sender(producer, self._settings.topics.name(TopicRole.VOTES))
            history, slots = self._traffic.history(_now_ms()), self._traffic.quiet()
            await self._send(sender, history, history.ts_ms.tolist(), _HISTORY_SERIALS)
            await sender.settle()
            say("history", votes=_standing(history))
            self.sent = 0
            await asyncio.to_thread(sys.stdin.readline)
            begin_ms = _now_ms()
            say("begin", at_ms=begin_ms)
            for number, quiet in enumerate(slots):
                await self._slot(sender, number, begin_ms + number * SLOT_MS, quiet)
            await sender.settle()
            say("end", sent=self.sent, behind_ms=self.behind_ms, cpu_s=time.process_time())

    async def _slot(self, sender: Sender, number: int, due_ms: int, quiet: Events) -> None:
        wait_ms = due_ms - _now_ms()
        if wait_ms > 0:
            await asyncio.sleep(wait_ms / 1000)
        else:
            self.behind_ms = max(self.behind_ms, -wait_ms)
            await asyncio.sleep(0)
        now_ms = _now_ms()
        await self._send(sender, quiet, [now_ms] * len(quiet), _QUIET_SERIALS + self.sent)
        await self._send_crowd(sender, number * self._traffic.votes_per_slot, now_ms)
        await sender.send_all()

    async def _send_crowd(self, sender: Sender, first: int, now_ms: int) -> None:
        polls, options = self._columns
        people, size = self._crowd.people, len(self._accounts)
        for serial in range(first, first + self._traffic.votes_per_slot):
            row = serial % size
            account = self._accounts[row]
            line = vote_line(serial, polls[row], options[row], now_ms, people[account])
            await sender.add(self._partition[account], self._keys[account], line)
        self.sent += self._traffic.votes_per_slot

    async def _send(self, sender: Sender, events: Events, times_ms: list[int], serial: int) -> None:
        rows = zip(times_ms, events.poll.tolist(), events.option.tolist(), events.account.tolist(), strict=True)
        for number, (ts_ms, poll, option, account) in enumerate(rows, serial):
            line = vote_line(number, poll, option, ts_ms, self._crowd.people[account])
            await sender.add(self._partition[account], self._keys[account], line)
        self.sent += len(events)


def _standing(events: Events) -> int:
    return len(set(zip(events.poll.tolist(), events.account.tolist(), strict=True)))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[1], type=LiveTraffic)
    asyncio.run(LiveSender(given, load(None, os.environ)).run())
