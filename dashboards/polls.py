"""The most active polls, slot by slot: what came, what was expected, and how much of it is suspect."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards.frame import CASE_MARKS, FIRING_MARKS, frame, row, slot_variable
from dashboards.panels import Ask, Column, graph, limited, listing
from dashboards.queries import by, of

VOTES, EXPECTED = "pollwatch_top_poll_votes_per_second", "pollwatch_top_poll_expected_votes_per_second"
SCORE, SUSPECT = "pollwatch_top_poll_score", "pollwatch_top_poll_suspect_ratio"
BOUNDS = ("low", "point", "high")
CHOSEN = 'slot=~"$slot"'
NAMELESS = "No metric names a poll; the console does."


def dashboard() -> Dashboard:
    """All slots together, then the chosen ones, a row for each."""
    made = frame(
        "pollwatch-polls",
        f"The most active polls by slot: votes against what was expected, score, suspect share. {NAMELESS}",
        FIRING_MARKS, *CASE_MARKS,
    ).with_variable(slot_variable())  # fmt: skip
    _all_slots(made)
    _each_slot(made)
    return made


def _all_slots(made: Dashboard) -> None:
    row(
        made, "All slots",
        graph(
            "Votes", "eps",
            f"Votes of the most active polls. A slot keeps its poll while that is active. {NAMELESS}",
            Ask(_slots(VOTES), "slot {{slot}}"), width=12, alert="PollwatchRateSurgeUnexplained",
        ),
        limited(graph(
            "Score", "none",
            "How far a poll is from what its past explains; above 1 is anomalous.",
            Ask(_slots(SCORE), "slot {{slot}}"), width=12,
        ), 1.0),
        listing(
            "Slots now",
            f"A row for each poll that is shown. {NAMELESS} The share of suspect votes comes with its 95 % interval.",
            Column("votes", _slots(VOTES), "eps"), Column("expected", _slots(EXPECTED), "eps"), Column("score", _slots(SCORE), "none"),
            *(Column(f"suspect, {bound}", _slots(SUSPECT, _bound(bound)), "percentunit") for bound in BOUNDS),
            rows=("slot",),
        ),
    )  # fmt: skip


def _each_slot(made: Dashboard) -> None:
    row(
        made, "Slot $slot",
        _dashed(graph(
            "Votes against expected", "eps",
            "Votes of the poll, and what the rate detector expects of it now (dashed). Nothing is expected before it knows the poll.",
            Ask(_slots(VOTES, CHOSEN), "votes"), Ask(_slots(EXPECTED, CHOSEN), "expected"),
        ), "expected"),
        limited(graph(
            "Score of the slot", "none",
            "How far the poll is from what its past explains; above 1 is anomalous.",
            Ask(_slots(SCORE, CHOSEN), "score"),
        ), 1.0),
        _band(graph(
            "Suspect share", "percentunit",
            "Share of the poll's votes that open cases make suspect: the best estimate, in its 95 % interval.",
            *(Ask(_slots(SUSPECT, CHOSEN, _bound(bound)), bound) for bound in BOUNDS), alert="PollwatchCoordinatedActivity",
        )),
        for_each="slot",
    )  # fmt: skip


def _slots(metric: str, *conditions: str) -> str:
    # one worker holds the cases; while they move to another, both may show a slot
    return by("slot", of(metric, *conditions), "max")


def _bound(bound: str) -> str:
    return f'bound="{bound}"'


def _dashed(panel: timeseries.Panel, name: str) -> timeseries.Panel:
    return panel.override_by_name(name, [_custom("lineStyle", {"fill": "dash", "dash": [8, 6]}), _custom("fillOpacity", 0)])


def _band(panel: timeseries.Panel) -> timeseries.Panel:
    """Fill what lies between `low` and `high`, and draw only `point` as a line."""
    return (
        panel.max(1)
        .override_by_name("high", [_custom("lineWidth", 0), _custom("fillBelowTo", "low")])
        .override_by_name("low", [_custom("lineWidth", 0), _custom("fillOpacity", 0)])
        .override_by_name("point", [_custom("lineWidth", 2), _custom("fillOpacity", 0)])
    )


def _custom(option: str, value: object) -> DynamicConfigValue:
    return DynamicConfigValue(f"custom.{option}", value)
