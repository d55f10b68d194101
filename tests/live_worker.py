"""A worker process on a real Kafka, what goes into it, and what comes out; for tests that watch it from outside."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from alert_schema import valid_alert

from benchmarks import deployment
from benchmarks.ending import Ending, of_topics
from benchmarks.waiting import PATIENCE_S, wait_until
from benchmarks.worker_process import ROOT, WorkerProcess
from streams.control import closing, opening
from streams.placing import place
from streams.replay_sender import Sender
from streams.stages import build_decoder

__all__ = ["PATIENCE_S", "ROOT", "Deployment", "Feed", "WorkerProcess", "wait_until"]


class Deployment(deployment.Deployment):
    """Topics and a group of their own, whose alerts must be what their schema promises."""

    def ending(self) -> Ending:
        """Return what it has said so far; fail when it said what nobody may say."""
        found = of_topics(self, valid_alert)
        assert found.wrong == []
        return found

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Return each alert once, by id."""
        return self.ending().alerts

    def items(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Return each moderation item once, by id and revision."""
        return self.ending().items

    def estimates(self) -> dict[str, dict[str, Any]]:
        """Return the last estimate of each poll."""
        return self.ending().estimates


class Feed:
    """Sends the lines of one recording as `replay` does, in as many parts as a test wants."""

    def __init__(self, deployment: Deployment, lines: Sequence[bytes]) -> None:
        self._settings = deployment.settings
        self._decoder = build_decoder(self._settings)
        decoded = self._decoder.recording(lines)
        self.lines = lines
        self._at = 0
        self._last_ms = int(decoded.ts_ms.max())
        with Sender(self._settings) as sender:
            sender.control(opening(int(decoded.ts_ms.min())))

    def leave_out(self, account_ids: Collection[str]) -> None:
        """Send nothing more of these accounts."""
        rest = [line for line in self.lines[self._at :] if json.loads(line)["account_id"] not in account_ids]
        self.lines = [*self.lines[: self._at], *rest]

    def send(self, until: float) -> None:
        """Send what comes before this share of the recording; at 1 also that it is over."""
        end = round(len(self.lines) * until)
        lines, self._at = self.lines[self._at : end], end
        decoded = self._decoder.recording(lines)
        with Sender(self._settings) as sender:
            placed = place(lines, decoded, self._decoder, *sender.partitions.values())
            for kind, partition, line in zip(placed.kind.tolist(), placed.partition.tolist(), lines, strict=True):
                sender.send(kind, partition, b"key", line)
            sender.flush()
            if until >= 1:
                sender.control(closing(self._last_ms, self._settings.rate.window_ms))
