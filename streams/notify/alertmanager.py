"""Cases as alerts of Alertmanager's API v2: said again while they are open, ended when they are over.

Alertmanager knows an alert by its labels alone. Two open cases with equal labels would be one alert to it, and the end of one would
end both; so each open case has a slot, a number from 0 to 1,023 that follows from its id. What else there is to know stands in
annotations. State: the open cases that were delivered, at most 1,024, about 5 kB each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from config.target import OfSeverity, OfVerdict
from detectors.findings import Kind
from streams.notify.message import Alert, CaseData, Message
from streams.notify.quiet import quiet
from streams.notify.request import Request, as_json, as_time

ALERTNAME = "PollwatchCase"
SLOTS = 1_024
AGAIN_EVERY_MS = 60_000
"""Alertmanager's own documentation asks for 30 seconds to 3 minutes."""
_LASTS = 4
"""An alert that was not said again for so many times ends by itself, as Prometheus has it."""
_KINDS = frozenset(Kind.__args__)  # type: ignore[attr-defined]
_SEVERITIES, _VERDICTS = frozenset(OfSeverity), frozenset(OfVerdict)
_MOST_SUMMARY, _MOST_SENTENCE, _MOST_SENTENCES, _MOST_POLLS, _MOST_NAME = 600, 300, 8, 20, 130

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Open:
    """A case as Alertmanager was told of it; after `until_ms` it is no longer said, since its end may never be heard of."""

    slot: int
    labels: Labels
    annotations: Labels
    opened_ms: int
    until_ms: int


class Alertmanager:
    """Puts alerts as Alertmanager wants them and remembers what is open there."""

    def __init__(self, again_every_ms: int = AGAIN_EVERY_MS) -> None:
        self._every_ms = again_every_ms
        self._open: dict[str, _Open] = {}
        self._said_ms = 0

    def requests(self, message: Message, now_ms: int) -> list[Request]:
        """Return one request: the case as it stands now, and the end of what it was before if its labels changed."""
        assert isinstance(message.said, Alert)
        before, now = self._open.get(message.said_case), self._as_open(message.said, message.at_ms)
        alerts = [self._alert(now, now_ms, _is_over(message.said))]
        if before is not None and before.labels != now.labels:
            alerts.insert(0, self._alert(before, now_ms, True))
        return [Request(message.key, as_json(alerts))]

    def delivered(self, message: Message) -> None:
        """Remember what is open now; where 1,024 cases are, the one heard of longest ago is no longer said."""
        assert isinstance(message.said, Alert)
        now = self._as_open(message.said, message.at_ms)
        self._open.pop(message.said_case, None)
        if not _is_over(message.said):
            if len(self._open) >= SLOTS:
                del self._open[next(iter(self._open))]
            self._open[message.said_case] = now

    def again(self, now_ms: int) -> Request | None:
        """Return all that is open if it was not said for so long; asking counts as saying."""
        self._open = {case_id: one for case_id, one in self._open.items() if now_ms < one.until_ms}
        if not self._open or now_ms - self._said_ms < self._every_ms:
            return None
        self._said_ms = now_ms
        return Request(f"open:{now_ms}", as_json([self._alert(one, now_ms, False) for one in self._open.values()]))

    def _as_open(self, alert: Alert, at_ms: int) -> _Open:
        data = alert.data
        known = self._open.get(data.case_id)
        slot = self._free_slot(data.case_id) if known is None else known.slot
        # for as long as what it recommends holds, counted from when the broker took it: event time may be long past
        until_ms = at_ms + max(0, data.recommended.expires_ms - data.updated_ms)
        return _Open(slot, _labels(data, slot), _annotations(alert), data.opened_ms, until_ms)

    def _free_slot(self, case_id: str) -> int:
        """Return the case's own number, or the next one that no open case has."""
        taken = {one.slot for one in self._open.values()}
        own = int(case_id, 16) % SLOTS
        return next((slot for step in range(SLOTS) if (slot := (own + step) % SLOTS) not in taken), own)

    def _alert(self, one: _Open, now_ms: int, is_over: bool) -> dict[str, object]:
        ends_ms = now_ms if is_over else now_ms + _LASTS * self._every_ms
        # what ends before it began is refused, and event time may be ahead of this clock
        return {
            "labels": one.labels,
            "annotations": one.annotations,
            "startsAt": as_time(min(one.opened_ms, now_ms)),
            "endsAt": as_time(ends_ms),
        }


def _is_over(alert: Alert) -> bool:
    return alert.news in ("resolved", "retracted")


def _labels(data: CaseData, slot: int) -> Labels:
    return {
        "alertname": ALERTNAME,
        "severity": _one_of([data.severity], _SEVERITIES),
        "verdict": _one_of([data.verdict], _VERDICTS),
        "kind": _one_of(data.kinds, _KINDS),
        "slot": str(slot),
    }


def _one_of(values: Iterable[str], known: frozenset[str]) -> str:
    """Return known values in order, joined; a newer worker's others are no label of ours."""
    return ",".join(sorted(set(values) & known)) or "other"


def _annotations(alert: Alert) -> Labels:
    data = alert.data
    sentences = [f"{one.direction}: {one.sentence}" for one in data.evidence[:_MOST_SENTENCES]]
    withdrawn = "Withdrawn, nobody is accused any more. " if alert.news == "retracted" else ""
    told = {
        "summary": withdrawn + quiet(data.summary, _MOST_SUMMARY),
        "description": "\n".join(quiet(sentence, _MOST_SENTENCE) for sentence in sentences),
        "case_id": data.case_id,
        "revision": str(data.revision),
        "polls": ", ".join(quiet(poll_id, _MOST_NAME) for poll_id in data.poll_ids[:_MOST_POLLS]),
        "score": f"{data.score:.3g}",
        "confidence": f"{data.confidence:.2f}",
        "suspect_votes": str(sum(poll.suspect.votes for poll in data.polls)),
        "merged_into": quiet(data.merged_into or "", _MOST_NAME),
        "review": quiet(f"{data.review.decision}, says {data.review.by}", _MOST_NAME) if data.review else "",
    }
    return {name: text for name, text in told.items() if text}
