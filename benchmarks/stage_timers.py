"""CPU time by stage of a running worker: wraps the steps named in a table. Knows their names and nothing else.

Time is CPU time of the calling thread, without what a wrapped step calls that is wrapped itself. A step handles
hundreds of rows or more, so the wrapper's own microsecond does not show.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

STEPS = {
    "intake: decode JSON, hash ids": ("streams.decode:Decoder.topic", "streams.decode:Decoder.recording"),
    "intake: cut into blocks": ("streams.intake:cut",),
    "intake: encode blocks": ("streams.intake:encode_block",),
    "shards: decode blocks": ("streams.shards:decode_block",),
    "shards: names of polls and options": ("detectors.polls:PollBook.names", "detectors.polls:PollBook.enter"),
    "shards: take a block in": ("detectors.shard:Shard.accept",),
    "shards: merge, sort, release rows": ("detectors.inbox:Inbox.release",),
    "shards: duplicates": ("detectors.recent_ids:RecentIds.first_seen",),
    "shards: tally, revotes": ("detectors.tally:Tally.count",),
    "shards: cells for the rate": ("detectors.shard:Shard._vote_cells",),
    "shards: rate": ("detectors.rate.detector:RateDetector.advance",),
    "shards: composition (crowd)": ("detectors.crowd.detector:Crowd.observe",),
    "shards: rhythm (shape)": ("detectors.shape.detector:Shape.observe",),
    "shards: lockstep": ("detectors.lockstep.detector:Lockstep.observe",),
    "shards: copied replies": ("detectors.copies.detector:CopiedReplies.observe",),
    "shards: everything else of a step": ("detectors.shard:Shard.advance",),
    "reports: encode, decode": ("streams.shards:encode_report", "streams.case_stage:decode_report"),
    "cases": ("detectors.cases.book:CaseBook.accept", "detectors.cases.book:CaseBook.advance"),
    "cases: estimates": ("detectors.cases.book:CaseBook.integrity", "streams.case_stage:to_json"),
    "snapshots: take": ("detectors.shard:Shard.snapshot", "detectors.cases.book:CaseBook.snapshot"),
    "snapshot threads: encode": ("streams.snapshots:next_chunk",),
    "metrics, gauges": ("streams.shards:Shards.show", "streams.shards:Shards._count", "streams.intake:Intake._count"),
    "fetch thread: records out of batches": (
        "streams.transport.batches:LenientBatch.columns", "streams.transport.records:Records.extend", "streams.transport.records:Records.add",
    ),
}
"""Label to `module:name` of what is wrapped. A name is where it is looked up, so that imports by name are seen."""


_IN_THREADS = ("fetch thread", "snapshot threads")


@dataclass
class Timers:
    """CPU seconds and calls of each step, of all threads."""

    cpu_s: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    _inside: threading.local = field(default_factory=threading.local)

    def install(self) -> None:
        """Wrap every step of the table. Names that do not exist (any more) end up in `missing`."""
        for label, places in STEPS.items():
            for place in places:
                self._wrap(label, place)

    def _wrap(self, label: str, place: str) -> None:
        module, _, path = place.partition(":")
        *owners, name = path.split(".")
        try:
            owner: Any = importlib.import_module(module)
            for part in owners:
                owner = getattr(owner, part)
            setattr(owner, name, self._timed(label, getattr(owner, name)))
        except (ImportError, AttributeError):
            self.missing.append(place)

    def _timed(self, label: str, step: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(step)
        def timed(*arguments: Any, **named: Any) -> Any:
            with self._clock(label):
                return step(*arguments, **named)

        return timed

    @contextmanager
    def _clock(self, label: str) -> Iterator[None]:
        stack: list[float] = self._inside.__dict__.setdefault("stack", [])
        stack.append(0.0)
        begin_s = time.thread_time()
        try:
            yield
        finally:
            whole_s = time.thread_time() - begin_s
            inner_s = stack.pop()
            if stack:
                stack[-1] += whole_s
            self.cpu_s[label] = self.cpu_s.get(label, 0.0) + whole_s - inner_s
            self.calls[label] = self.calls.get(label, 0) + 1


def table(timers: Timers, votes: int, main_s: float, all_s: float) -> str:
    """Return microseconds a vote by stage; `main_s` is the event loop's thread, `all_s` the whole process."""
    lines = ["| stage | µs / vote | share | calls |", "|---|---|---|---|"]
    for label in STEPS:
        spent_s = timers.cpu_s.get(label, 0.0)
        lines.append(_row(label, spent_s, votes, all_s, f"{timers.calls.get(label, 0):,}"))
    threads_s = sum(s for label, s in timers.cpu_s.items() if label.startswith(_IN_THREADS))
    named_s = sum(timers.cpu_s.values()) - threads_s
    lines.append(_row("event loop: Faust, producer, waiting and all unnamed", main_s - named_s, votes, all_s, ""))
    lines.append(_row("other threads: aiokafka, sockets and all unnamed", all_s - main_s - threads_s, votes, all_s, ""))
    lines.append(_row("**all**", all_s, votes, all_s, ""))
    return "\n".join(lines + [f"\nnot found, not timed: {', '.join(timers.missing)}"] * bool(timers.missing))


def _row(label: str, spent_s: float, votes: int, all_s: float, calls: str) -> str:
    return f"| {label} | {spent_s / votes * 1e6:.2f} | {spent_s / all_s:.0%} | {calls} |"
