"""`pollwatch scan`: the detectors of the worker over a recording, without Kafka.

Lines go to the same source partitions that `replay` sends them to, are cut by the same cutters, and the same shards
and cases work on them, so a scan and a stream of one recording end alike.
"""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from config.schema import Settings
from detectors.block import Block
from detectors.cases.book import CaseBook
from detectors.columns import Int32s, Int64s
from detectors.counted import Counted
from detectors.findings import Report
from streams.control import Control, closing, opening
from streams.cutter import NOTHING_DECODED, Cutter, ShardOf, SourceRange, take
from streams.scan_input import Chunk, is_large, read
from streams.scan_output import ScanOutput
from streams.scan_silence import Silence
from streams.shard_team import ShardTeam
from streams.stages import build_cases, scan_sources


class Summary(msgspec.Struct):
    """`summary.json`."""

    events: int = 0
    votes: int = 0
    replies: int = 0
    rejected: int = 0
    duplicates: int = 0
    late: int = 0
    polls: int = 0
    cases: int = 0
    seconds: float = 0.0
    events_per_second: float = 0.0
    peak_rss_bytes: int = 0


def scan(paths: list[Path], settings: Settings, out: Path, keep_scores: bool, tell: Callable[[int], None]) -> Summary:
    """Scan recordings one after the other as one, and write the files of a scan into the folder `out`.

    `tell` is called with the number of lines read so far. Raises `streams.recording.RecordingError` for a file that
    can't be read to its end, after everything before that point was written.
    """
    started = time.perf_counter()
    summary = Summary()
    large = is_large(paths)
    with ScanOutput(out, settings, keep_scores) as output, contextlib.closing(
        ShardTeam(settings, divided=large)
    ) as team:
        stages = _Stages(settings, team, output, summary)
        try:
            for chunk in read(paths, settings, apart=large):
                stages.work(chunk)
                tell(summary.events)
        finally:
            stages.end()
            summary.seconds = round(time.perf_counter() - started, 3)
            summary.events_per_second = round(summary.events / max(summary.seconds, 1e-9), 1)
            summary.peak_rss_bytes = _peak_rss_bytes()
            output.summary(summary, paths)
    return summary


def _peak_rss_bytes() -> int:
    """Return the most memory this process held, and the one that read for it, together at most."""
    whom = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_maxrss for who in whom) * 1024


class _Stages:
    """Intake, shards and cases, called in that order."""

    def __init__(self, settings: Settings, team: ShardTeam, output: ScanOutput, summary: Summary) -> None:
        self._window_ms = settings.rate.window_ms
        shard_of = ShardOf(settings.topics.partitions)
        self._cutters = [Cutter(name, shard_of, recorded=True) for name in scan_sources(settings)]
        self._silence = Silence(self._cutters)
        self._next_offset = np.zeros(len(self._cutters), np.int64)
        self._team = team
        self._cases: CaseBook = build_cases(settings, "replay")
        self._latest_ms = 0
        self._output = output
        self._summary = summary

    def work(self, chunk: Chunk) -> None:
        """Work through the next lines."""
        decoded = chunk.decoded
        if len(decoded):
            if not self._latest_ms:
                self._control(opening(int(decoded.ts_ms.min())))
            self._latest_ms = max(self._latest_ms, int(decoded.ts_ms.max()))
        self._summary.events += chunk.lines
        self._summary.rejected += len(decoded.refused)
        offset = self._offsets(chunk.source)
        self._output.refused(chunk.refused, decoded.refused, chunk.source, offset)
        for blocks in self._cut(chunk, offset):
            self._silence.hear(blocks)
            self._team.accept(blocks)
        for blocks in self._silence.end_chunk():
            self._team.accept(blocks)
        self._advance()

    def end(self) -> None:
        """Let all of event time pass up to the end of the last window."""
        control = closing(self._latest_ms, self._window_ms)
        self._control(control)
        self._advance()
        self._output.end(self._cases, control.watermark_ms)

    def _offsets(self, source: Int32s) -> Int64s:
        order = np.argsort(source, kind="stable")
        counts = np.bincount(source, minlength=len(self._cutters))
        firsts = np.repeat(np.cumsum(counts) - counts, counts)
        offset = np.empty(len(source), np.int64)
        offset[order] = np.arange(len(source)) - firsts + np.repeat(self._next_offset, counts)
        self._next_offset += counts
        return offset

    def _cut(self, chunk: Chunk, offset: Int64s) -> Iterator[list[Block]]:
        rows_at = chunk.decoded.index
        row_source, row_offset = chunk.source[rows_at], offset[rows_at]
        order = np.argsort(row_source, kind="stable")
        bounds = np.searchsorted(row_source[order], np.arange(len(self._cutters) + 1))
        lines_of = np.bincount(chunk.source, minlength=len(self._cutters))
        for number, cutter in enumerate(self._cutters):
            rows = order[bounds[number] : bounds[number + 1]]
            end = int(self._next_offset[number])
            start = end - int(lines_of[number])
            if end > start:
                part = take(chunk.decoded, rows)
                yield cutter.cut(SourceRange(start, end, row_offset[rows], part.ts_ms, part))

    def _control(self, control: Control) -> None:
        for number, cutter in enumerate(self._cutters):
            offset = int(self._next_offset[number])
            self._next_offset[number] += 1
            self._team.accept(cutter.cut(_control_only(offset, control)))

    def _advance(self) -> None:
        for report, counted in self._team.advance():
            self._report(report, counted)
        step = self._cases.advance()
        self._summary.cases += sum(revision.data.revision == 1 for revision in step.revisions)
        self._output.revisions(step.revisions)
        self._output.items(step.items)
        self._output.retired(step.retired)

    def _report(self, report: Report, counted: Counted) -> None:
        self._cases.accept(report)
        self._output.scores(counted.scores)
        self._summary.votes += counted.votes
        self._summary.replies += counted.replies
        self._summary.duplicates += counted.duplicates
        self._summary.late += counted.late
        self._summary.polls += counted.polls_entered


def _control_only(offset: int, control: Control) -> SourceRange:
    nothing = np.zeros(0, np.int64)
    return SourceRange(offset, offset + 1, nothing, nothing, NOTHING_DECODED, [(offset, control)])
