"""Invented, labelled volumes: seeded, with marks where something stands out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lab.mentions import FAMILIES, label_windows, mentions
from lab.volumes import PER_DAY


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_volumes_and_marks(family: str) -> None:
    first, second, other = (mentions(FAMILIES[family], seed, 3, 14) for seed in (5, 5, 6))
    assert np.array_equal(first.votes, second.votes)
    assert first.labels == second.labels
    assert not np.array_equal(first.votes, other.votes)


@pytest.mark.parametrize("family", FAMILIES)
def test_marks_are_few_and_a_day_apart_and_what_rises_there_is_much(family: str) -> None:
    seen = mentions(FAMILIES[family], 7, 20, 28)
    assert all(later - earlier > PER_DAY for marks in seen.labels for earlier, later in pairwise(marks))
    assert 20 <= sum(len(marks) for marks in seen.labels) <= 140
    far = [seen.votes[poll, at : at + 36].max() / max(np.median(seen.votes[poll]), 1) for poll, marks in enumerate(seen.labels) for at in marks]
    assert np.median(far) > 2.5


def test_a_tenth_of_a_series_is_shared_by_its_labels() -> None:
    assert label_windows([500, 9990], 10_000) == [(250, 750), (9740, 9999)]
    assert label_windows([], 10_000) == []
