"""What the demo says at its end of each surge of its story."""

from __future__ import annotations

import pytest
from demo_pictures import alert, picture

from streams.demo.outcome import Fate, all_found, outcomes
from streams.demo.plot import LENGTH_MS, Surge
from streams.demo.run import story_start_ms

CROWD = Surge("a", 60_000, "a crowd", is_opening=False, is_script=False)
SCRIPT = Surge("a", 100_000, "a script", is_opening=False, is_script=True)


def test_a_script_is_found_only_by_an_accusation_on_its_poll_within_a_minute_of_it() -> None:
    shown = picture(SCRIPT)
    for other in (
        alert("coordinated", "b", 101_000),
        alert("mixed", "a", 161_000),
        alert("coordinated", "a", 99_000),
        alert("insufficient", "a", 101_000),
    ):
        shown.alert(other)
        assert [outcome.fate for outcome in outcomes(shown)] == [Fate.MISSED]
    assert not all_found(outcomes(shown))
    shown.alert(alert("mixed", "a", 103_500))
    assert [(outcome.fate, outcome.after_ms) for outcome in outcomes(shown)] == [(Fate.TOLD_SCRIPT, 3_500)]
    assert all_found(outcomes(shown))


@pytest.mark.parametrize(
    ("verdicts", "fate"),
    [
        (["insufficient", "organic"], Fate.TOLD_CROWD),
        (["insufficient"], Fate.UNDECIDED),
        (["coordinated", "organic"], Fate.ACCUSED),
        ([], Fate.MISSED),
    ],
)
def test_of_a_crowd_counts_what_was_said_before_a_script_came(verdicts: list[str], fate: Fate) -> None:
    shown = picture(CROWD, SCRIPT)
    for second, verdict in enumerate(verdicts, 61):
        shown.alert(alert(verdict, "a", second * 1_000))
    shown.alert(alert("mixed", "a", 102_000))
    assert outcomes(shown)[0].fate is fate


def test_a_crowd_that_begins_its_poll_need_not_be_seen() -> None:
    shown = picture(Surge("new", 70_000, "an opening", is_opening=True, is_script=False))
    assert [outcome.fate for outcome in outcomes(shown)] == [Fate.NO_PAST]
    assert all_found(outcomes(shown))


@pytest.mark.parametrize("speed", [1.0, 12.0])
def test_the_story_begins_on_a_whole_minute_and_never_runs_ahead_of_the_clock(speed: float) -> None:
    now_ms = 1_790_000_044_134
    start_ms = story_start_ms(now_ms, speed)
    assert start_ms % 60_000 == 0
    assert now_ms - 60_000 < start_ms + LENGTH_MS * (1 - 1 / speed) <= now_ms
