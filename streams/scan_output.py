"""The files a scan writes into its folder."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from config.schema import Settings
from detectors.alert import Alert, Integrity
from detectors.cases.book import CaseBook
from detectors.cases.moderation import ModerationItem
from detectors.cases.news import Revision
from detectors.columns import Int32s, Int64s
from detectors.counted import ScoredWindows
from streams.decode import Refused
from streams.pseudonyms import pseudonyms
from streams.publish import alert, to_json
from streams.report import Accounts, Report, Timelines, look, page, wanted
from streams.report.sample import Quote, Sample
from streams.scores import ScoresFile
from streams.stages import scan_sources


class DeadLetter(msgspec.Struct):
    """One line of `dead-letter.jsonl`: where the line stood, why it was refused, and its bytes (as text if they are)."""

    topic: str
    partition: int
    offset: int
    reason: str
    message: str
    value: str | None = None
    value_base64: str | None = None


class ScanOutput:
    """Opens the files at once, so that a folder that can't be written to is known before the work."""

    def __init__(self, out: Path, settings: Settings, keep_scores: bool) -> None:
        self._pseudonyms = pseudonyms(settings.privacy)
        out.mkdir(parents=True, exist_ok=True)
        self._out = out
        self._source = settings.worker.source
        self._sources = scan_sources(settings)
        self._files = ExitStack()
        self._alerts = self._open("alerts.jsonl")
        self._moderation = self._open("moderation.jsonl")
        self._integrity = self._open("integrity.jsonl")
        self._dead_letter = self._open("dead-letter.jsonl")
        self._scores = ScoresFile(self._open("scores.csv"), settings.rate.window_ms) if keep_scores else None
        self._retired: dict[str, Integrity] = {}
        self._report = self._open("report.html")
        self._timelines = Timelines(settings.rate.window_ms)
        self._cases: dict[str, Alert] = {}
        self._accounts = Accounts()
        self._settings = settings
        self._estimates: dict[str, Integrity] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._files.close()

    def refused(self, lines: Mapping[int, bytes], refused: Sequence[Refused], source: Int32s, offset: Int64s) -> None:
        """Write the dead letters of a chunk."""
        for bad in refused:
            topic, _, partition = self._sources[source[bad.index]].rpartition("/")
            letter = DeadLetter(topic, int(partition), int(offset[bad.index]), bad.reason.value, bad.message)
            try:
                letter.value = lines[bad.index].decode()
            except UnicodeDecodeError:
                letter.value_base64 = base64.b64encode(lines[bad.index]).decode()
            self._dead_letter.write(msgspec.json.encode(letter) + b"\n")

    def revisions(self, revisions: Sequence[Revision]) -> None:
        """Write alerts; the last one of each case goes into the report."""
        for revision in revisions:
            said = alert(revision, self._source)
            self._alerts.write(to_json(said) + b"\n")
            self._cases[said.data.case_id] = said
            for poll_id in said.data.poll_ids:
                self._timelines.follow(poll_id)

    def items(self, items: Sequence[ModerationItem]) -> None:
        """Write moderation items, every revision of them."""
        for item in items:
            self._moderation.write(to_json(self._pseudonyms.item(item)) + b"\n")
            self._accounts.add(item)

    def retired(self, estimates: Sequence[Integrity]) -> None:
        """Keep the last estimate of polls that left memory; a poll that comes back replaces it."""
        self._retired.update((estimate.poll_id, estimate) for estimate in estimates)

    def scores(self, scores: Sequence[ScoredWindows]) -> None:
        """Take the scores of closed windows."""
        for windows in scores:
            self._timelines.add(windows)
            if self._scores is not None:
                self._scores.add(windows)

    def end(self, cases: CaseBook, end_ms: int) -> None:
        """Write what is known only at the end of event time, `end_ms`."""
        self._estimates = self._retired | {poll_id: cases.integrity(poll_id) for poll_id in cases.poll_ids()}
        for _, estimate in sorted(self._estimates.items()):
            self._integrity.write(to_json(estimate) + b"\n")
        if self._scores is not None:
            self._scores.end(end_ms)

    def summary(self, summary: msgspec.Struct, paths: Sequence[Path]) -> None:
        """Write `summary.json` and `report.html`; for its drawings the recordings are read once more."""
        (self._out / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary)) + b"\n")
        totals = msgspec.to_builtins(summary)
        cases = list(self._cases.values())
        found = look(paths, self._settings, wanted(cases, self._accounts))
        samples = {case_id: self._called(sample) for case_id, sample in found.items()}
        report = Report(totals, cases, self._timelines, self._estimates, samples, self._accounts.named())
        self._report.write(page(report).encode())

    def _called(self, sample: Sample) -> Sample:
        """Return a sample in which accounts are called as everywhere outside."""
        names = self._pseudonyms
        quotes = [Quote(names.of(quote.account_id), quote.at_ms, names.in_text(quote.text)) for quote in sample.quotes]
        return replace(sample, quotes=quotes)

    def _open(self, name: str) -> BinaryIO:
        return self._files.enter_context((self._out / name).open("wb"))
