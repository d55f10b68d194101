"""The probabilities lockstep reckons with hold where people meet by chance, and its settings are checked."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.lockstep.chance import WIDTHS_MS, crowd_share, discoveries, fisher, tail
from detectors.lockstep.params import LockstepParams


def test_the_tail_is_the_sum_over_its_law() -> None:
    whole = [tail(k, 12, 0.3) - tail(k + 1, 12, 0.3) for k in range(13)]
    assert sum(whole) == pytest.approx(1)
    mean = sum(k * p for k, p in enumerate(whole))
    assert mean == pytest.approx(12 * 0.3)


def test_the_tail_stays_exact_where_it_is_tiny() -> None:
    log_p = sum(math.log((8 + i) / (40 + i)) for i in range(200))
    assert math.log(tail(200, 200, 0.2)) == pytest.approx(log_p)


@pytest.mark.parametrize("width_ms", WIDTHS_MS)
def test_crowds_whose_tightness_varies_rarely_look_like_scripts(width_ms: int) -> None:
    rng = np.random.default_rng(1)
    share = crowd_share(width_ms) ** 2
    crowds = np.clip(rng.normal(share, 0.06, 4_000), 0, 1)
    p = np.array([tail(int(rng.binomial(60, one)), 60, share) for one in crowds])
    for level in (0.05, 0.01, 0.001):
        assert np.mean(p <= level) <= 1.5 * level + 1e-3, f"level {level}"


def test_false_discoveries_are_held_at_their_level_when_all_is_chance() -> None:
    rng = np.random.default_rng(2)
    any_found = [discoveries(rng.random(50), 0.05).any() for _ in range(4_000)]
    assert np.mean(any_found) == pytest.approx(0.05, abs=0.012)


def test_many_true_discoveries_let_weaker_ones_pass() -> None:
    p = np.array([1e-9] * 9 + [0.04])
    assert discoveries(p, 0.05).tolist() == [True] * 10
    assert discoveries(p[8:], 0.05).tolist() == [True, True]
    assert discoveries(np.array([0.04, 0.9]), 0.05).tolist() == [False, False]


def test_tests_taken_together_are_uniform_when_each_is() -> None:
    rng = np.random.default_rng(3)
    together = np.array([fisher(rng.random(5).tolist()) for _ in range(4_000)])
    assert np.mean(together <= 0.1) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"false_groups_per_poll_day": 0.0}, "false_groups_per_poll_day must be above 0"),
        ({"min_accounts": 2}, "min_accounts must be at least 3"),
        ({"max_votes": 10}, "max_votes must be at least 1000"),
        ({"quiet_ms": 1}, "quiet_ms must be at least 600000"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        LockstepParams(**setting)  # type: ignore[arg-type]
