"""The stages of the worker in memory, second by second on the brokers' clock: who sends what, when, and with which clock."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cut_by_hand import ReadOfOne, cut_one, only

from config import Settings, with_overrides
from detectors.alert import CaseData
from detectors.block import Block
from streams.cut import without_rows
from streams.cutter import Cutter
from streams.decode import Decoder
from streams.stages import build_cases, build_shard, shards
from streams.wire import decode_block, decode_report, encode_block, encode_report

PARTITIONS = 4
DECODER = Decoder(b"0123456789abcdef", 1_000_000, None, 300_000)


@dataclass
class Told:
    """A revision, and when on the brokers' clock it was said."""

    at_ms: int
    data: CaseData


@dataclass
class _Source:
    cutter: Cutter
    waiting: list[tuple[int, bytes]] = field(default_factory=list)
    stated_ms: int = 0
    arrived_ms: int = 0
    offset: int = 0


class Deployment:
    """Four partitions of votes, their shards and the cases; `now_ms` is what the brokers' clock says."""

    def __init__(self, now_ms: int, max_waiting_rows: int = 500_000) -> None:
        settings = with_overrides(
            Settings(), topics={"partitions": PARTITIONS}, polls={"max_waiting_rows": max_waiting_rows}
        )
        self._idle_after_ms = settings.intake.idle_after_ms
        names = [f"poll.votes/{number}" for number in range(PARTITIONS)]
        self._sources = [_Source(Cutter(name), stated_ms=now_ms) for name in names]
        for source in self._sources:
            nothing = np.zeros(0, np.int64)
            source.cutter.warm_up(nothing, nothing, nothing, 0, waiting=True)
        self._shards = [build_shard(number, settings, names) for number in range(shards(settings))]
        self._cases = build_cases(settings, "replay")
        self._settings = settings
        self.now_ms = now_ms
        self.told: list[Told] = []
        self.counted: dict[str, int] = defaultdict(int)
        self.left_behind: set[str | None] = set()

    def send(self, arrives_ms: float, line: bytes, account: str, partition: int | None = None) -> None:
        """Let a record arrive at the brokers, in the partition of its account unless another is told."""
        chosen = zlib.crc32(account.encode()) % PARTITIONS if partition is None else partition
        self._sources[chosen].waiting.append((round(arrives_ms), line))

    def run(self, until_ms: float, step_ms: int = 1_000) -> None:
        """Let the brokers' clock go on; workers read each step's records at its end."""
        for source in self._sources:
            source.waiting.sort(key=lambda record: record[0])
        while self.now_ms < until_ms:
            self.now_ms += step_ms
            for source in self._sources:
                self._take_in(source)
            self._advance()

    def _take_in(self, source: _Source) -> None:
        due = [record for record in source.waiting if record[0] < self.now_ms]
        source.waiting = source.waiting[len(due) :]
        if due:
            decoded = DECODER.recording([line for _, line in due])
            arrived = np.array([at for at, _ in due], np.int64)[decoded.index]
            start, source.offset = source.offset, source.offset + len(due)
            part = ReadOfOne(start, source.offset, decoded.index.astype(np.int64) + start, arrived, decoded)
            blocks = cut_one(source.cutter, part, PARTITIONS)
            source.arrived_ms = due[-1][0]
            source.stated_ms = self.now_ms if len(only(blocks[0]).steps.ms) else source.stated_ms
            self._exchange(blocks)
        if self.now_ms - source.stated_ms >= self._idle_after_ms:
            idle = source.cutter.idle(self.now_ms - source.arrived_ms)
            self._exchange(without_rows([idle], PARTITIONS) if idle else [])

    def _exchange(self, blocks: list[Block]) -> None:
        for shard, block in zip(self._shards, blocks, strict=bool(blocks)):
            shard.accept(decode_block(encode_block(block)))

    def _advance(self) -> None:
        for shard in self._shards:
            advanced = shard.advance()
            if advanced is not None:
                report, counted = advanced
                self._cases.accept(decode_report(encode_report(report)))
                self.left_behind |= {counted.left_behind} - {None}
                for name in ("votes", "late", "duplicates", "early"):
                    self.counted[name] += getattr(counted, name)
        step = self._cases.advance()
        self.told += [Told(self.now_ms, revision.data) for revision in step.revisions]

    def snapshot(self) -> dict[str, Any]:
        """Return all there is, so that many tests may go on from here."""
        return {
            "now_ms": self.now_ms,
            "shards": [shard.snapshot() for shard in self._shards],
            "cases": self._cases.snapshot(),
            "sources": [
                (source.stated_ms, source.arrived_ms, source.offset, source.cutter._clock) for source in self._sources
            ],
        }

    @classmethod
    def go_on(cls, state: dict[str, Any], max_waiting_rows: int = 500_000) -> Deployment:
        """Return a deployment in the state of a snapshot."""
        made = cls(state["now_ms"], max_waiting_rows)
        for shard, its in zip(made._shards, state["shards"], strict=True):
            shard.restore(its)
        made._cases.restore(state["cases"])
        for source, (stated_ms, arrived_ms, offset, clock) in zip(made._sources, state["sources"], strict=True):
            source.stated_ms, source.arrived_ms, source.offset = stated_ms, arrived_ms, offset
            source.cutter.warm_up(clock._offset, clock._ts_ms, clock._arrived_ms, offset, waiting=True)
        return made

    def tally(self, poll_id: str) -> dict[str, int]:
        """Return how a poll stands."""
        return self._cases.integrity(poll_id).options

    def first_words(self) -> dict[str, Told]:
        """Return the first word of each case, by the poll it is on."""
        return {told.data.poll_ids[0]: told for told in self.told if told.data.revision == 1}
