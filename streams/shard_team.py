"""The shards of a scan, half of them in a process of their own when there is enough to do for two."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from config.schema import Settings
from detectors.block import Block
from detectors.counted import Counted
from detectors.findings import Report
from detectors.shard import Shard
from streams.ahead import START
from streams.stages import build_shard, scan_sources, shards

Advanced = list[tuple[Report, Counted]]


class ShardTeam:
    """All shards of a scan; `divided` says whether to share them with another process. Close it when done."""

    def __init__(self, settings: Settings, divided: bool) -> None:
        numbers = list(range(shards(settings)))
        self._here = len(numbers) - (len(numbers) // 2 if divided else 0)
        self._shards = _built(settings, numbers[: self._here])
        self._given: list[Sequence[Block]] = []
        self._there: _Elsewhere | None = None
        if self._here < len(numbers):
            self._there = _Elsewhere(settings, numbers[self._here :])

    def accept(self, blocks: Sequence[Block]) -> None:
        """Give each shard its block, in order of shards."""
        for shard, block in zip(self._shards, blocks[: self._here], strict=True):
            shard.accept(block)
        self._given.append(blocks[self._here :])

    def advance(self) -> Advanced:
        """Let all shards work through what they were given; return what they report, in order of shards."""
        given, self._given = self._given, []
        if self._there is None:
            return _advanced(self._shards)
        self._there.ask(given)
        return _advanced(self._shards) + self._there.answer()

    def close(self) -> None:
        """End the other process."""
        if self._there is not None:
            self._there.close()


class _Elsewhere:
    """Shards in a process of their own: asked and answered once for each advance."""

    def __init__(self, settings: Settings, numbers: list[int]) -> None:
        context: Any = multiprocessing.get_context(START)
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(settings, numbers, theirs), daemon=True)
        self._child.start()
        theirs.close()

    def ask(self, given: list[Sequence[Block]]) -> None:
        self._pipe.send(given)

    def answer(self) -> Advanced:
        try:
            advanced, error = self._pipe.recv()
        except EOFError:
            raise RuntimeError("a process of the scan was killed: is there enough memory?") from None
        if error is not None:
            raise error
        return advanced  # type: ignore[no-any-return]

    def close(self) -> None:
        self._pipe.close()
        self._child.terminate()
        self._child.join()


def _serve(settings: Settings, numbers: list[int], pipe: Connection) -> None:
    shards = _built(settings, numbers)
    while True:
        try:
            given = pipe.recv()
        except EOFError:
            return
        try:
            for blocks in given:
                for shard, block in zip(shards, blocks, strict=True):
                    shard.accept(block)
            pipe.send((_advanced(shards), None))
        except Exception as error:  # noqa: BLE001  whatever it was, it is raised on the other side
            pipe.send(([], error))


def _built(settings: Settings, numbers: list[int]) -> list[Shard]:
    return [build_shard(number, settings, scan_sources(settings), keep_scores=True) for number in numbers]


def _advanced(shards: list[Shard]) -> Advanced:
    advanced = (shard.advance() for shard in shards)
    return [one for one in advanced if one is not None]
