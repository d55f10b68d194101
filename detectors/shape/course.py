"""What is said of a surge's course: that it faded as people do, or was switched off. It judges nothing."""

from __future__ import annotations

from detectors.cases.sentences import clock, span
from detectors.findings import Evidence, Lean, Phase
from detectors.shape.clock import DETECTOR
from detectors.shape.surge import Course, News, frames_ms
from detectors.watcher import Sighting

_SUPPORTS = 0.5
"""The score of evidence that is given to whoever speaks of the poll, but opens nothing."""


def course_sighting(news: News, at_ms: int, arrived_ms: int) -> Sighting:
    """Say how a surge went."""
    surge, now = news.surge, news.profile
    fades = surge.course == Course.FADING
    lean: Lean = "organic" if fades else "none"
    phase: Phase = "calm" if news.ended else "opened"
    return Sighting(
        at_ms=at_ms,
        poll=surge.poll,
        detector=DETECTOR,
        kind="rate_shape",
        phase=phase,
        cluster=f"surge-{frames_ms(surge, 0)}",
        lean=lean,
        score=_SUPPORTS,
        p_value=1.0,
        observed=round(now.tail, 1),
        expected=0.0,
        start_ms=frames_ms(surge, now.high_from),
        end_ms=frames_ms(surge, len(surge.votes)),
        evidence=_faded(news) if fades else _switched(news),
        arrived_ms=arrived_ms,
    )


def _faded(news: News) -> tuple[Evidence, ...]:
    surge, now = news.surge, news.profile
    half_ms, end_ms = frames_ms(surge, now.high_to), frames_ms(surge, len(surge.votes))
    crowd = (
        f"The surge fades as people's do who pass something on: in {span(half_ms, end_ms)} after it had halved at "
        f"{clock(half_ms)}, {now.tail:,.0f} of its {now.surge:,.0f} votes came, fewer and fewer."
    )
    script = "A script can be made to fade as well."
    return (
        Evidence(DETECTOR, "organic", crowd, round(now.tail, 1), 0.0, None),
        Evidence(DETECTOR, "coordinated", script, None, None, None),
    )


def _switched(news: News) -> tuple[Evidence, ...]:
    surge, now = news.surge, news.profile
    on_ms, off_ms = frames_ms(surge, now.high_from), frames_ms(surge, now.high_to)
    script = (
        f"The surge was switched on and off: {now.surge:,.0f} votes at an even rate from {clock(on_ms)} to "
        f"{clock(off_ms)}, then {max(0.0, now.tail):,.0f} more than usual."
    )
    crowd = "What a broadcast sends can begin and end at once as well."
    return (
        Evidence(DETECTOR, "coordinated", script, round(max(0.0, now.tail), 1), None, None),
        Evidence(DETECTOR, "organic", crowd, None, None, None),
    )
