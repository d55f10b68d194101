"""The console's own metrics. No label ever holds an id."""

from __future__ import annotations

import math
from typing import get_args

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from detectors.alert import DecisionKind
from streams.console.board import Board
from streams.console.feed import Standing
from streams.meters import Meters


class ConsoleMeters:
    """All of them on a registry of their own, with every decision at 0 from the start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        meters = Meters(self.registry)
        self._read = meters.counter("console_records_read_total", "Records read from the output topics, repeats too.")
        self._unreadable = meters.counter("console_records_unreadable_total", "Records that were not what their topic holds.")
        self._told = (0, 0)
        self._behind = meters.gauge("console_behind_records", "Records that are there and not yet read; NaN while not known.")
        self._live = meters.gauge("console_live", "1 while Kafka answers and its topics are read, 0 otherwise.")
        self._cases = meters.gauge("console_cases", "Cases in memory.")
        self._polls = meters.gauge("console_polls", "Polls in memory.")
        self._streams = meters.gauge("console_streams", "Pages that are open and updated live.")
        self.sent = meters.counter(
            "console_decisions_sent_total", "Decisions that the brokers took.", decision=get_args(DecisionKind)
        )
        self.refused = meters.counter("console_sign_ins_refused_total", "Sign-ins with a wrong token, or after too many of them.")
        self.descriptions = tuple(meters.descriptions)
        ProcessCollector(registry=self.registry)

    def page(self, board: Board, standing: Standing, streams: int) -> bytes:
        """Return the metrics as Prometheus reads them, as of now; `streams` are the pages that are open."""
        self._read.inc(board.read - self._told[0])
        self._unreadable.inc(board.unreadable - self._told[1])
        self._told = (board.read, board.unreadable)
        self._behind.set(math.nan if standing.behind is None or standing.problem else standing.behind)
        self._live.set(0 if standing.problem else 1)
        self._cases.set(len(board.cases))
        self._polls.set(len(board.polls))
        self._streams.set(streams)
        return generate_latest(self.registry)
