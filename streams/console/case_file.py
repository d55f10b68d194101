"""All that is known of one case: its revisions, whom it names, and what was decided. Pure.

A revision is kept as packed JSON (about 1 kB), the latest MOST_REVISIONS of them; decisions are the latest MOST_DECISIONS.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from detectors.alert import Alert
from detectors.cases.decision import Decision
from streams.console import reading
from streams.console.named import Named

MOST_REVISIONS = 40
MOST_DECISIONS = 50


class State(StrEnum):
    """How a case stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    RETRACTED = "retracted"
    MERGED = "merged"


@dataclass(slots=True)
class CaseFile:
    """A case by its id; `latest` is None until its first alert has come. `version` grows with every change.

    `retracted_ms` is when it was last taken back (event time), None where it never was.
    """

    case_id: str
    latest: Alert | None = None
    retracted_ms: int | None = None
    named: Named = field(default_factory=Named)
    decisions: list[Decision] = field(default_factory=list)
    decisions_told: int = 0
    version: int = 0
    _packed: dict[int, bytes] = field(default_factory=dict)

    def add_alert(self, alert: Alert) -> bool:
        """Take a revision and tell whether it was news: one that was taken before is a repeat."""
        revision = alert.data.revision
        if revision in self._packed or (len(self._packed) >= MOST_REVISIONS and revision < min(self._packed)):
            return False
        self._packed[revision] = zlib.compress(msgspec.json.encode(alert), 1)
        if len(self._packed) > MOST_REVISIONS:
            del self._packed[min(self._packed)]
        if self.latest is None or revision > self.latest.data.revision:
            self.latest = alert
        if alert.type == "pollwatch.alert.retracted.v1":
            self.retracted_ms = max(alert.data.updated_ms, self.retracted_ms or 0)
        self.version += 1
        return True

    def add_decision(self, decision: Decision) -> bool:
        """Take a decision and tell whether it was news."""
        is_full = len(self.decisions) >= MOST_DECISIONS
        if decision in self.decisions or (is_full and decision.ts < self.decisions[0].ts):
            return False  # the latter may have been taken and left
        self.decisions_told += 1
        self.decisions.append(decision)
        self.decisions.sort(key=lambda one: (one.ts, one.by, one.decision))
        del self.decisions[:-MOST_DECISIONS]
        self.version += 1
        return True

    def revisions(self) -> list[Alert]:
        """Return the revisions that are kept, the first one first."""
        return [reading.alert(zlib.decompress(packed)) for _, packed in sorted(self._packed.items())]

    @property
    def state(self) -> State:
        """Return how it stands; a case that was taken back stays so until it accuses again."""
        assert self.latest is not None
        data = self.latest.data
        if data.merged_into is not None:
            return State.MERGED
        if self.latest.type == "pollwatch.alert.retracted.v1":
            return State.RETRACTED
        if self.retracted_ms is not None and data.verdict not in ("coordinated", "mixed"):
            return State.RETRACTED
        return State.RESOLVED if self.latest.type == "pollwatch.alert.resolved.v1" else State.OPEN

    @property
    def is_decided(self) -> bool:
        """Tell whether somebody decided on it, as the decisions or as the worker says."""
        return bool(self.decisions) or (self.latest is not None and self.latest.data.review is not None)
