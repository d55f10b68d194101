"""The most active polls on the metrics page: a fixed number of slots, so that no label ever holds the id of a poll."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan

from detectors.alert import Integrity
from streams.meters import Meters, Open
from streams.metric_labels import Bound
from streams.top_slots import TopSlots


class TopPolls:
    """The gauges of `size` slots; the series of a slot end when its poll leaves and none takes its place."""

    def __init__(self, meters: Meters, size: int) -> None:
        self._slots: TopSlots[str] = TopSlots(size)
        slot = {"slot": Open.VALUES}
        self._votes = meters.gauge(
            "top_poll_votes_per_second", "Votes of one of the most active polls, by slot, over about ten seconds.", **slot
        )
        self._expected = meters.gauge(
            "top_poll_expected_votes_per_second",
            "Votes that the past of the poll in the slot lets expect; NaN where there is nothing to compare with.",
            **slot,
        )
        self._score = meters.gauge(
            "top_poll_score", "Rate score of the poll in the slot; above 1 is anomalous.", **slot
        )
        self._suspect = meters.gauge(
            "top_poll_suspect_ratio",
            "Share of the votes of the poll in the slot that open cases make suspect: the estimate and its 95 % interval.",
            **slot,
            bound=Bound,
        )

    def show(self, votes_per_s: Mapping[str, float], estimate_of: Callable[[str], Integrity]) -> None:
        """Show the most active of all polls that vote now; about once a second. Only of those the estimate is asked for."""
        changes = self._slots.update(votes_per_s)
        for slot in map(str, changes.cleared):
            for gauge in (self._votes, self._expected, self._score):
                gauge.remove(slot)
            for bound in Bound:
                self._suspect.remove(slot, bound)
        for number, poll in enumerate(self._slots.polls):
            if poll is not None:
                self._show(str(number), votes_per_s[poll], estimate_of(poll))

    def _show(self, slot: str, votes_per_s: float, estimate: Integrity) -> None:
        self._votes.labels(slot).set(votes_per_s)
        self._expected.labels(slot).set(nan if estimate.expected_per_s is None else estimate.expected_per_s)
        self._score.labels(slot).set(estimate.rate_score)
        self._suspect.labels(slot, Bound.LOW).set(estimate.suspect_share_low)
        self._suspect.labels(slot, Bound.POINT).set(estimate.suspect_votes / max(1, estimate.votes))
        self._suspect.labels(slot, Bound.HIGH).set(estimate.suspect_share_high)

    @property
    def slots(self) -> tuple[str | None, ...]:
        """The poll in each slot, for pages that may name it."""
        return self._slots.polls
