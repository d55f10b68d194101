"""The score of the Numenta benchmark: what silence, a perfect detector and false alarms are worth."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.nab_scoring import PROFILES, Series, judge, score

WINDOWS = [(400, 499), (800, 899)]


def scored(*rows: int, profile: int = 0) -> float:
    alarm = np.zeros(1000, np.bool_)
    alarm[list(rows)] = True
    return score([judge(Series("one", alarm, WINDOWS))], PROFILES[profile])


def test_silence_is_worth_nothing_and_the_first_row_of_every_window_everything() -> None:
    assert scored() == pytest.approx(0)
    assert scored(400, 800) == pytest.approx(100)


def test_later_is_worth_less_and_only_the_first_in_a_window_counts() -> None:
    assert 50 < scored(499, 800) < scored(450, 800) < scored(410, 800) < 100
    assert scored(400, 450, 800) == pytest.approx(100)


def test_false_alarms_cost_their_weight_and_less_just_after_a_window() -> None:
    whole = 100 / (2 * len(WINDOWS))
    assert scored(300, 400, 800) == pytest.approx(100 - 0.11 * whole)
    assert scored(300, 400, 800, profile=1) == pytest.approx(100 - 0.22 * whole)
    assert 100 - 0.11 * whole < scored(400, 505, 800) < 100


def test_a_missed_window_costs_more_where_misses_weigh_more() -> None:
    assert scored(400) == pytest.approx(50)
    assert scored(400, profile=2) == pytest.approx(50)
    assert scored(300, 400, profile=2) > scored(300, 400)


def test_the_first_rows_are_not_scored() -> None:
    assert scored(149, 400, 800) == pytest.approx(100)
    assert scored(150, 400, 800) < 100
