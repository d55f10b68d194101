"""The accounts of a case, drawn: how old they are beside the others', and how they met in poll after poll."""

from __future__ import annotations

import math
from typing import Any

from detectors.cases.sentences import span
from streams.report.drawing import CROWD, SUSPECT, Spec, drawing, times
from streams.report.sample import Sample, Vote
from streams.terminal import visible

_DOTS_HEIGHT, _STRIP_HEIGHT, _TICK_HEIGHT = 190, 30, 9
MOST_STRIPS = 12
_LEAST_OTHERS = 30
_POLL_CHARS = 22
_DAY_MS = 86_400_000
_LEAST_DAYS = 1 / 1440
_AGES_DAYS = [1 / 1440, 1 / 24, 1, 7, 30, 365, 3650]
_AGE_WORDS = (
    "datum.value < 0.01 ? '1 min' : datum.value < 0.5 ? '1 h' : datum.value < 3 ? '1 day' : datum.value < 20 ? '1 week'"
    " : datum.value < 100 ? '1 month' : datum.value < 1000 ? '1 year' : '10 years'"
)
_COLOUR = {
    "field": "named",
    "type": "nominal",
    "scale": {"domain": [False, True], "range": [CROWD, SUSPECT]},
}


def ages_chart(sample: Sample, poll_id: str) -> str:
    """Return a drawing with a dot for each vote in one poll, by time and age of its account.

    "" when no age is said, or when several polls are in the case and the ages of the named accounts tell nothing.
    """
    known = [vote for vote in sample.votes if vote.poll_id == poll_id and vote.created_ms is not None]
    if not any(vote.named for vote in known) or (len(sample.near) > 1 and not _are_narrower(known)):
        return ""
    near = sample.near.get(poll_id)
    beside = [vote for vote in known if near is not None and near.holds(vote.at_ms)]
    if sum(not vote.named for vote in beside) >= _LEAST_OTHERS:
        known = beside
    dots = [{"at": v.at_ms, "days": _age_days(v), "named": v.named} for v in known]
    dots.sort(key=lambda dot: (dot["named"], dot["at"]))
    start_ms, end_ms = min(vote.at_ms for vote in known), max(vote.at_ms for vote in known) + 1
    y = {
        "field": "days",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False, "domain": [_lowest(dots), 7300]},
        "axis": {"title": None, "values": _AGES_DAYS, "labelExpr": _AGE_WORDS, "domain": False, "ticks": False},
    }
    spec: Spec = {
        "height": _DOTS_HEIGHT,
        "data": {"values": dots},
        "mark": {"type": "square", "size": 9, "opacity": 0.75},
        "encoding": {"x": {"field": "at", **times(start_ms, end_ms)}, "y": y, "color": _COLOUR},
    }
    named = sorted(dot["days"] for dot in dots if dot["named"])
    words = f"{len(named)} of {len(dots)} dots are named accounts, aged {_days(named[0])} to {_days(named[-1])}"
    return drawing(spec, "Age of the accounts at each vote", words)


def meetings_chart(sample: Sample) -> str:
    """Return a drawing with a strip for each poll, and on it a tick for each vote; "" for fewer than two polls."""
    firsts = _first_named_ms(sample)
    if len(firsts) < 2:
        return ""
    shown = sorted(firsts, key=firsts.__getitem__)[:MOST_STRIPS]
    lasting_ms = _lasting_ms(sample, firsts)
    apart = lasting_ms < 600_000
    after_ms = max(2 * lasting_ms, 10_000)
    label = {poll: f"{number}. {visible(poll, _POLL_CHARS)}" for number, poll in enumerate(shown, 1)}
    ticks: list[dict[str, Any]] = []
    for vote in sample.votes:
        since_ms = vote.at_ms - firsts.get(vote.poll_id, 0)
        if vote.poll_id in label and (not apart or -after_ms // 2 <= since_ms <= after_ms):
            at = since_ms / 1000 if apart else vote.at_ms
            ticks.append({"poll": label[vote.poll_id], "at": at, "named": vote.named})
    ticks.sort(key=lambda tick: tick["named"])
    if apart:
        title = "seconds after the first named account voted there"
        x: Spec = {"type": "quantitative", "axis": {"title": title, "grid": False, "tickCount": 6}}
    else:
        x = times(min(v.at_ms for v in sample.votes), max(v.at_ms for v in sample.votes) + 1)
    words = f"In {len(firsts)} polls named accounts voted within {span(0, max(1, round(lasting_ms, -3)))} of each other"
    return drawing(_strips(ticks, list(label.values()), x), "The same accounts, poll after poll", words)


def _strips(ticks: list[dict[str, Any]], labels: list[str], x: Spec) -> Spec:
    return {
        "height": {"step": _STRIP_HEIGHT, "for": "position"},
        "data": {"values": ticks},
        "mark": {"type": "tick", "thickness": 1.2, "height": _TICK_HEIGHT, "opacity": 0.8},
        "encoding": {
            "x": {"field": "at", **x},
            "y": {
                "field": "poll",
                "type": "nominal",
                "sort": labels,
                "scale": {"domain": labels},
                "axis": {"title": None, "grid": True, "domain": False, "ticks": False, "labelLimit": 150},
            },
            "yOffset": {"field": "named", "type": "nominal", "scale": {"domain": [True, False]}},
            "color": _COLOUR,
        },
    }


def _are_narrower(votes: list[Vote]) -> bool:
    """Tell whether the middle half of the named accounts' ages spans less than half of that of the others, in logs."""
    spans = []
    for side in (True, False):
        ages = sorted(math.log(_age_days(vote)) for vote in votes if vote.named == side)
        spans.append(ages[len(ages) * 3 // 4] - ages[len(ages) // 4] if ages else 0.0)
    return spans[0] < spans[1] / 2


def _first_named_ms(sample: Sample) -> dict[str, int]:
    firsts: dict[str, int] = {}
    for vote in sample.votes:
        if vote.named:
            firsts[vote.poll_id] = min(vote.at_ms, firsts.get(vote.poll_id, vote.at_ms))
    return firsts


def _lasting_ms(sample: Sample, firsts: dict[str, int]) -> int:
    """Return how long nine of ten named votes take after the first, in the middle one of the polls."""
    lasts = []
    for poll_id, first_ms in firsts.items():
        after = sorted(vote.at_ms - first_ms for vote in sample.votes if vote.named and vote.poll_id == poll_id)
        lasts.append(after[len(after) * 9 // 10])
    return sorted(lasts)[len(lasts) // 2]


def _age_days(vote: Vote) -> float:
    return max(_LEAST_DAYS, (vote.at_ms - (vote.created_ms or 0)) / _DAY_MS)


def _lowest(dots: list[dict[str, Any]]) -> float:
    """Return where the axis begins: at an hour, or at a minute where accounts are younger."""
    return 1 / 48 if min(dot["days"] for dot in dots) > 1 / 48 else _LEAST_DAYS


def _days(days: float) -> str:
    return f"{days:.1f} days" if days < 60 else f"{days / 365:.1f} years"
