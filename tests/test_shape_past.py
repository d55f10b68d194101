"""What is known of a poll's past: chance is uneven at any rate, even spreading is not, and a clock does not erase it."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.columns import Int64s
from detectors.shape.frames import frame_votes
from detectors.shape.halves import SERIES_MS
from detectors.shape.params import FRAME_MS, SLOTS
from detectors.shape.past import Pasts

SEED = 3


def told(times: list[Int64s], frames_a_call: int = 1) -> Pasts:
    """Return what is known of polls whose votes came at these times."""
    pasts = Pasts()
    pasts.grow(len(times))
    frames = max(int(ms.max()) for ms in times) // FRAME_MS + 1
    for low in range(0, frames, frames_a_call):
        tell(pasts, times, low, min(low + frames_a_call, frames))
    return pasts


def tell(pasts: Pasts, times: list[Int64s], from_frame: int, to_frame: int) -> None:
    """Let these frames be learned."""
    base_ms = from_frame * FRAME_MS
    inside = [(poll, ms[(ms >= base_ms) & (ms < to_frame * FRAME_MS)]) for poll, ms in enumerate(times)]
    keys = np.concatenate([poll * SLOTS * SERIES_MS + ms - base_ms for poll, ms in inside])
    votes = frame_votes(keys, base_ms, from_frame, to_frame)
    past = pasts.look_at(votes, keys, base_ms)
    for entries in votes.each(from_frame, to_frame):
        pasts.learn(votes.series[entries] // SLOTS, past.pairs[entries], past.variation[entries])


def by_chance(per_s: float, length_s: float) -> Int64s:
    rng = np.random.default_rng(SEED)
    return np.sort(rng.integers(0, round(length_s * 1000), rng.poisson(per_s * length_s)))


def test_chance_is_uneven_at_any_rate_and_even_spreading_at_none() -> None:
    chance = [by_chance(per_s, 3_600) for per_s in (0.01, 0.1, 1, 10)]
    even = [np.arange(0, 3_600_000, step_ms) for step_ms in (100_000, 10_000, 1_000, 100)]
    pasts = told(chance + even)
    assert [pasts.is_uneven(poll) for poll in range(8)] == [True] * 4 + [False] * 4, f"seed {SEED}"
    variation = pasts.variation / pasts.pairs
    assert np.all(np.abs(variation[1:4] - 1000) < 250), f"seed {SEED}: {variation}"
    assert np.all(variation[4:] < 10)


def test_two_pairs_of_a_frame_count_wherever_frames_begin() -> None:
    ms = by_chance(0.05, 3_600)
    gaps, terms = np.diff(ms).tolist(), []
    for vote in range(2, len(ms)):
        a, b = gaps[vote - 1], gaps[vote - 2]
        if np.count_nonzero(ms[:vote] >= ms[vote] // FRAME_MS * FRAME_MS) < 2:
            terms.append(3_000 * (a - b) ** 2 // (a + b) ** 2)
    pasts = told([ms])
    assert pasts.pairs[0] == len(terms)
    assert pasts.variation[0] == sum(terms)


def test_a_clock_of_some_frames_does_not_outweigh_few_votes_of_people() -> None:
    people = by_chance(0.05, 320)
    assert told([np.concatenate([people, np.arange(320_000, 416_000, 133)])]).is_uneven(0), f"seed {SEED}"


@pytest.mark.parametrize("frames_a_call", [2, 7, 1_000])
def test_several_frames_at_once_teach_the_same(frames_a_call: int) -> None:
    times = [by_chance(per_s, 3_600) for per_s in (0.01, 0.1, 1, 10)]
    one, several = told(times), told(times, frames_a_call)
    assert several.snapshot() == one.snapshot(), f"seed {SEED}"


def test_a_silence_of_months_is_no_more_than_one_of_hours() -> None:
    ms = np.array([0, 1_000, 10_000_000_000])
    pasts = Pasts()
    pasts.grow(1)
    for frame in (0, 312_500):
        tell(pasts, [ms], frame, frame + 1)
    assert 2_900 < pasts.variation[0] <= 3_000


def test_a_poll_that_left_leaves_nothing_behind() -> None:
    pasts = told([by_chance(1, 600)])
    pasts.forget(np.array([0]))
    assert not pasts.is_uneven(0)
    tell(pasts, [np.array([710_000, 710_100, 711_000, 711_900])], 22, 23)
    assert not pasts.is_uneven(0)
