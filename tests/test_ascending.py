"""A walk finds what a binary search for each number finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.ascending import not_larger

NUMBERS = st.lists(st.integers(-9, 9) | st.integers(-(2**62), 2**62), max_size=60).map(sorted)


@given(NUMBERS, NUMBERS)
def test_it_tells_for_each_number_how_many_are_not_larger(ordered: list[int], asked: list[int]) -> None:
    found = not_larger(np.array(ordered, np.int64), np.array(asked, np.int64))
    assert found.tolist() == [sum(one <= number for one in ordered) for number in asked]


def test_few_are_found_among_many_and_many_among_few() -> None:
    rng = np.random.default_rng(5)
    for size, many in ((100_000, 7), (7, 100_000), (50_000, 50_000)):
        ordered, asked = (np.sort(rng.integers(0, 10**6, count)) for count in (size, many))
        assert (not_larger(ordered, asked) == ordered.searchsorted(asked, "right")).all()


def test_columns_with_gaps_are_read_as_they_are_meant() -> None:
    ordered = np.arange(100)
    assert not_larger(ordered[::2], np.array([9, 0, 1, 98])[1:]).tolist() == [1, 1, 50]
