"""Copies of an event are found while they must be, and forgotten when they may."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import hashes, int64s
from detectors.recent_ids import RecentIds

HORIZON_MS = 600_000
MANY = 1_000_000
ROWS = st.lists(st.tuples(st.integers(0, 12 * HORIZON_MS // 10), st.integers(0, 30)), max_size=120).map(sorted)


def recent_ids(horizon_ms: int, most: int = MANY) -> RecentIds:
    return RecentIds(horizon_ms, most)


def is_new(recent: RecentIds, *rows: tuple[int, int]) -> list[bool]:
    """Tell for each (time, event) whether it is new."""
    times, events = [at for at, _ in rows], [event for _, event in rows]
    return recent.first_seen(hashes(events), int64s(times)).tolist()  # type: ignore[no-any-return]


def remembered(recent: RecentIds) -> list[tuple[int, set[int]]]:
    """Return the ids of each generation."""
    return [(g, set(np.frombuffer(ids, np.uint64).tolist())) for g, ids in recent.snapshot()]


@pytest.mark.parametrize("horizon_ms", [HORIZON_MS, 60_001, 99_999])
@given(start_ms=st.integers(0, 10**7), share=st.floats(0, 1))
def test_a_copy_within_the_horizon_is_found(horizon_ms: int, start_ms: int, share: float) -> None:
    recent = recent_ids(horizon_ms)
    assert is_new(recent, (start_ms, 1)) == [True]
    assert is_new(recent, (start_ms + round(share * horizon_ms), 1)) == [False]


@pytest.mark.parametrize("horizon_ms", [HORIZON_MS, 60_001])
def test_a_copy_exactly_as_old_as_the_horizon_is_found_wherever_it_falls(horizon_ms: int) -> None:
    for start_ms in range(horizon_ms - 5, horizon_ms + 5):
        recent = recent_ids(horizon_ms)
        assert is_new(recent, (start_ms, 1), (start_ms + horizon_ms, 1)) == [True, False], start_ms


@given(start_ms=st.integers(0, 10**7))
def test_after_two_horizons_an_id_is_new_again(start_ms: int) -> None:
    recent = recent_ids(HORIZON_MS)
    is_new(recent, (start_ms, 1))
    assert is_new(recent, (start_ms + 2 * HORIZON_MS, 1)) == [True]


def test_memory_is_forgotten_by_event_time() -> None:
    recent, rng = recent_ids(HORIZON_MS), np.random.default_rng(3)
    for minute in range(200):
        at_ms = np.full(100, minute * 60_000)
        recent.first_seen(rng.integers(0, 2**63, 100, dtype=np.uint64), at_ms)
        assert len(recent) <= 100 * 20, f"minute {minute}: 10 minutes are to be remembered, 20 at most"
    assert len(recent) >= 100 * 10


@given(ROWS)
def test_of_equal_events_exactly_the_first_is_new(rows: list[tuple[int, int]]) -> None:
    seen: dict[int, int] = {}
    for (at_ms, event), new in zip(rows, is_new(recent_ids(HORIZON_MS * 3), *rows), strict=True):
        assert new == (event not in seen)
        seen.setdefault(event, at_ms)


@given(ROWS, st.lists(st.integers(0, 120), max_size=6), st.sampled_from([2, 6, 20, MANY]))
def test_how_rows_are_split_changes_nothing(rows: list[tuple[int, int]], cuts: list[int], most: int) -> None:
    whole, parts = RecentIds(60_000, most), RecentIds(60_000, most)
    expected = is_new(whole, *rows)
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    found = [new for a, b in pairwise(bounds) for new in is_new(parts, *rows[a:b])]
    assert found == expected
    assert remembered(parts) == remembered(whole)


@given(ROWS, st.integers(0, 120), st.sampled_from([6, MANY]))
def test_a_restored_memory_goes_on_as_if_nothing_had_happened(rows: list[tuple[int, int]], cut: int, most: int) -> None:
    one, other = RecentIds(60_000, most), RecentIds(60_000, most)
    is_new(one, *rows[:cut])
    other.restore(one.snapshot())
    assert is_new(other, *rows[cut:]) == is_new(one, *rows[cut:])
    assert remembered(other) == remembered(one)


@given(ROWS, st.integers(1, 12))
def test_never_more_are_remembered_than_may_be_and_the_last_half_always_is(rows: list[tuple[int, int]], half: int) -> None:
    recent = RecentIds(HORIZON_MS * 3, 2 * half)
    last: list[int] = []
    for at_ms, event in rows:
        (new,) = is_new(recent, (at_ms, event))
        assert not new or event not in last[-half:]
        assert len(recent) <= 2 * half
        last += [event] if new else []
    assert recent.take_early() == len(last) - len(recent)
    assert recent.take_early() == 0
