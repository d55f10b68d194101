"""Spans of time say what a set of times would say, however they were added."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detectors.spans import Spans

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)))


def times(spans: list[tuple[int, int]]) -> set[int]:
    return {ms for start, end in spans for ms in range(start, end)}


@given(SPANS, st.integers(-1, 61), st.integers(-1, 61))
def test_spans_are_a_set_of_times(spans: list[tuple[int, int]], low: int, high: int) -> None:
    held, covered = Spans(spans), times(spans)
    assert [ms for ms in range(-1, 62) if held.covers(ms)] == sorted(covered)
    assert times(held.within(low, high)) == {ms for ms in covered if low <= ms < high}
    assert all(start < end for start, end in held.within(low, high))
    edges = [ms for ms in range(low + 1, 62) if (ms in covered) != (ms - 1 in covered)]
    assert held.edge_after(low) == min(edges, default=None)
    held.forget_before(low)
    assert {ms for ms in times(list(held)) if ms >= low} == {ms for ms in covered if ms >= low}
    assert all(end > low for _, end in held)


@given(SPANS, st.randoms(use_true_random=False))
def test_in_which_order_they_were_added_leaves_no_trace(spans: list[tuple[int, int]], rng: object) -> None:
    shuffled = list(spans)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert list(Spans(shuffled)) == list(Spans(spans)) == list(Spans(list(Spans(spans))))
