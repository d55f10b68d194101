"""Event time in the sources of a scan from which nothing comes: without it a recording of votes alone would wait for
replies to its end, all of it in memory. In a stream the clock on the wall does the same."""

from __future__ import annotations

from collections.abc import Sequence

from detectors.block import Part
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

    def hear(self, parts: Sequence[Part]) -> None:
        """Take what the lines of the chunk say of their sources' time."""
        for part in parts:
            highest_ms = int(part.steps.ms.max()) if len(part.steps.ms) else UNKNOWN_MS
            if highest_ms > self._highest_ms.get(part.source, UNKNOWN_MS):
                self._highest_ms[part.source] = self._stated_ms[part.source] = highest_ms

    def end_chunk(self) -> list[Part]:
        """Return what lets time pass in each source that stated none in the chunk that ends here."""
        silent: list[Part] = []
        if self._before_ms != UNKNOWN_MS and self._stated_ms:
            silent = [one.pass_to(self._before_ms) for one in self._cutters if one.source not in self._stated_ms]
        self._before_ms = min(self._stated_ms.values(), default=self._before_ms)
        self._stated_ms = {}
        return silent
