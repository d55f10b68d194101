"""Event time in the sources of a scan from which nothing comes: without it a recording of votes alone would wait for
replies to its end, all of it in memory. In a stream the clock on the wall does the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detectors.block import Block
from detectors.watermark import UNKNOWN_MS
from streams.cutter import Cutter


class Silence:
    """Says that time has passed in each source that did not say so itself in a whole chunk, or said only what is past.

    It passes up to where all that did say so were a chunk before: a line in a silent source is late only if it stands
    a chunk behind its time.
    """

    def __init__(self, cutters: Sequence[Cutter]) -> None:
        self._cutters = cutters
        self._highest_ms: dict[str, int] = {}
        self._stated_ms: dict[str, int] = {}
        self._before_ms = UNKNOWN_MS

    def hear(self, blocks: Sequence[Block]) -> None:
        """Take the blocks that one source's lines of the chunk became."""
        source, stated = blocks[0].source, blocks[0].steps.ms
        highest_ms = int(stated.max()) if len(stated) else UNKNOWN_MS
        if highest_ms > self._highest_ms.get(source, UNKNOWN_MS):
            self._highest_ms[source] = self._stated_ms[source] = highest_ms

    def end_chunk(self) -> Iterator[list[Block]]:
        """Yield blocks for each source that stated no time in the chunk that ends here."""
        if self._before_ms != UNKNOWN_MS and self._stated_ms:
            silent = [cutter for cutter in self._cutters if cutter.source not in self._stated_ms]
            yield from (cutter.pass_to(self._before_ms) for cutter in silent)
        self._before_ms = min(self._stated_ms.values(), default=self._before_ms)
        self._stated_ms = {}
