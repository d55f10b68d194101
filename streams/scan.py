"""`pollwatch scan`: the detectors of the worker over a recording, without Kafka.

Lines go to the same source partitions that `replay` sends them to, are cut by the same cutters, and the same shards
and cases work on them, so a scan and a stream of one recording end alike.
"""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from config.schema import Settings
from detectors.block import Block
from detectors.cases.book import CaseBook
from detectors.columns import Int32s, Int64s, int64s
from detectors.counted import Counted
from detectors.findings import Report
from streams.control import Control, closing, opening
from streams.cut import ShardOf, cut, without_rows
from streams.cutter import NOTHING_DECODED, Cutter, Read, SourceRange, take
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
        self._shard_of = ShardOf(settings.topics.partitions)
        self._cutters = [Cutter(name, recorded=True) for name in scan_sources(settings)]
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
        blocks = self._cut(chunk, offset)
        self._silence.hear(blocks[0].parts)
        self._team.accept(blocks)
        if silent := self._silence.end_chunk():
            self._team.accept(without_rows(silent, self._shard_of.shards))
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

    def _cut(self, chunk: Chunk, offset: Int64s) -> list[Block]:
        rows_at = chunk.decoded.index
        order = np.argsort(chunk.source[rows_at], kind="stable")
        ends = np.cumsum(np.bincount(chunk.source[rows_at], minlength=len(self._cutters))).tolist()
        lines_of = np.bincount(chunk.source, minlength=len(self._cutters)).tolist()
        decoded = take(chunk.decoded, order)
        ranges = []
        for cutter, rows, end, lines in zip(self._cutters, pairwise([0, *ends]), self._next_offset.tolist(), lines_of, strict=True):
            if lines:
                ranges.append((cutter, SourceRange(end - lines, end, slice(*rows))))
        return cut(self._shard_of, Read(offset[rows_at[order]], decoded.ts_ms, decoded), ranges)

    def _control(self, control: Control) -> None:
        nothing = Read(int64s(), int64s(), NOTHING_DECODED)
        parts = []
        for cutter, offset in zip(self._cutters, self._next_offset.tolist(), strict=True):
            parts.append(cutter.part(nothing, SourceRange(offset, offset + 1, slice(0), [(offset, control)])))
        self._next_offset += 1
        self._team.accept(without_rows(parts, self._shard_of.shards))

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
