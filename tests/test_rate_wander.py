"""Wander: what a busy hour lets expect of the next, spreads that bursts do not blur, and a bound of chances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.columns import Floats
from detectors.rate.wander import Wander, nats_above
from lab.volumes import wander

WINDOWS, ROWS = 4000, 20


def learned(votes: Floats, usual: float) -> Wander:
    """Learn single windows (windows x rows) of which `usual` are usual."""
    state = Wander((1, 3))
    state.make_room(votes.shape[1])
    for row in range(votes.shape[1]):
        state.begin(row)
    for window in range(2, len(votes)):
        sums = np.stack([votes[window], votes[window - 2 : window + 1].sum(axis=0)])
        age = np.full(votes.shape[1], window)
        factor = state.factor(window, votes.shape[1])
        state.learn(window, sums, np.full_like(sums, usual) * [[1], [3]], factor, age)
    return state


@pytest.mark.parametrize("seed", [1, 2])
def test_the_bound_is_never_far_below_the_chance_of_a_poisson_count_nor_above_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    expected = np.exp(rng.uniform(0, 6, 50))
    votes = np.ceil(expected + rng.uniform(3, 8, 50) * np.sqrt(expected))
    nats = nats_above(votes, expected, np.full(50, 1e-6))
    exact = -stats.poisson.logsf(votes - 1, expected)
    assert (nats <= exact + 0.01).all(), f"seed {seed}"
    assert (nats >= exact - 5).all(), f"seed {seed}"


def test_what_wanders_more_surprises_less() -> None:
    nats = nats_above(np.full(3, 60.0), np.full(3, 20.0), np.array([0.01, 0.1, 1.0]))
    assert nats[0] > nats[1] > nats[2] > 0
    assert nats_above(np.array([19.0]), np.array([20.0]), np.array([0.1])).tolist() == [0.0]


def test_a_busy_hour_lets_expect_more_where_traffic_wanders_and_nothing_where_it_does_not() -> None:
    rng = np.random.default_rng(3)
    walking = rng.poisson(50 * np.exp(0.4 * wander(rng, ROWS, WINDOWS).T)).astype(float)
    jumping = rng.poisson(50 * np.exp(0.4 * rng.normal(size=(WINDOWS, ROWS)))).astype(float)
    stays = []
    for votes in (walking, jumping):
        state = learned(votes, 50.0)
        before = np.log(votes[-25:-1].mean(axis=0) / 50.0)
        stays.append(np.polyfit(before, np.log(state.factor(WINDOWS - 1, ROWS)[0]), 1)[0])
    assert 0.4 < stays[0] < 1.3
    assert abs(stays[1]) < 0.3


def test_bursts_hardly_blur_how_far_a_poll_strays() -> None:
    rng = np.random.default_rng(4)
    calm = rng.poisson(np.full((WINDOWS, ROWS), 50.0) * np.exp(0.2 * rng.normal(size=(WINDOWS, ROWS)))).astype(float)
    bursty = np.where(rng.random(calm.shape) < 0.02, 20 * calm, calm)
    spread = [np.sqrt(np.median(learned(votes, 51.0).variance[0])) for votes in (calm, bursty)]
    assert spread[0] == pytest.approx(0.2, rel=0.15)
    assert spread[1] < 1.35 * spread[0]
