"""Rows that wait come out when they are due, in order, however they came and however many wait behind them."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from detectors import waiting_rows
from detectors.senders import Senders, unknown_senders, with_sketches
from detectors.strings import strings
from detectors.waiting_rows import MOST_PIECES, Sequence, WaitingRows


def piece(rng: np.random.Generator, rows: int, from_ms: int, span_ms: int) -> Sequence:
    """Rows of distinct events, in no order of time, each with the account that its event says."""
    effective = from_ms + rng.integers(0, span_ms, rows)
    event = rng.integers(0, 1 << 62, rows).astype(np.uint64)
    names = (event % np.uint64(7)).astype(np.int32)
    return Sequence(effective, effective - 5, event, event + np.uint64(1), names, effective + 9, unknown_senders(strings(ids(event))))


def ids(event: np.ndarray) -> list[str]:
    return [f"account-{number}" for number in event.tolist()]


def bare(sender: Senders) -> Senders:
    return with_sketches(sender, 0)


def told(rows: Sequence) -> list[tuple[int, int, str]]:
    return list(zip(rows.effective_ms.tolist(), rows.event.tolist(), rows.sender.account_ids.texts(), strict=True))


@given(st.integers(0, 2**32), st.integers(1, 40), st.booleans())
@example(1, 700, False)  # more pieces than are kept
def test_what_is_due_comes_out_in_order_as_if_all_of_it_lay_in_one_list(seed: int, steps: int, restarts: bool) -> None:
    rng = np.random.default_rng(seed)
    waiting, listed, until_ms = WaitingRows(bare), list[tuple[int, int, str]](), 0
    for _ in range(steps):
        new = piece(rng, int(rng.integers(0, 30)), until_ms + int(rng.integers(0, 3_000)), int(rng.integers(1, 4_000)))
        waiting.add(new)
        listed += told(new)
        until_ms += int(rng.integers(0, 300))
        due = sorted(row for row in listed if row[0] < until_ms)
        listed = [row for row in listed if row[0] >= until_ms]
        assert told(waiting.release(until_ms)) == due
        assert len(waiting) == len(listed)
        assert waiting.names().tolist() == sorted({event % 7 for _, event, _ in listed})
        assert sorted(waiting.effective_ms().tolist()) == sorted(row[0] for row in listed)
        assert len(waiting._pieces) <= MOST_PIECES
        if restarts:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(waiting.snapshot()))
            waiting = WaitingRows(bare)
            waiting.restore(state, 0)
    assert told(waiting.release(1 << 50)) == sorted(listed)


def test_what_is_not_due_is_not_touched_however_much_of_it_there_is() -> None:
    rng, waiting, touched = np.random.default_rng(5), WaitingRows(bare), list[int]()
    for number in range(100):
        waiting.add(piece(rng, 1_000, 1_000_000 + number, 1_000))
    waiting.add(piece(rng, 10, 0, 1_000))
    pieces = [one.rows for one in waiting._pieces]
    take = Sequence.take

    def noted(rows: Sequence, which: Any) -> Sequence:
        touched.append(len(rows))
        return take(rows, which)

    Sequence.take = noted  # type: ignore[method-assign, assignment]
    try:
        assert len(waiting.release(500_000)) == 10
    finally:
        Sequence.take = take  # type: ignore[method-assign]
    assert sum(touched) <= 2 * 10
    assert all(one.rows is before for one, before in zip(waiting._pieces, pieces, strict=False))


def test_rows_that_stay_do_not_hold_on_to_those_that_went() -> None:
    rng, waiting = np.random.default_rng(6), WaitingRows(bare)
    waiting.add(piece(rng, 10_000, 0, 1_000))
    for until_ms in range(100, 1_000, 100):
        waiting.release(until_ms)
        (left,) = waiting._pieces
        assert len(left.rows) <= 2 * len(waiting) + 1
        assert len(left.rows.sender.account_ids.data) <= 2 * sum(map(len, left.left().sender.account_ids.texts())) + 20


def test_a_row_is_copied_a_few_times_at_most_however_small_the_pieces_are() -> None:
    rng, waiting, copied = np.random.default_rng(7), WaitingRows(bare), [0]
    joined = waiting_rows.joined

    def counted(parts: list[Sequence]) -> Sequence:
        copied[0] += sum(map(len, parts))
        return joined(parts)

    waiting_rows.joined = counted
    try:
        for _ in range(20_000):
            waiting.add(piece(rng, 3, 1_000, 60_000))
    finally:
        waiting_rows.joined = joined
    assert copied[0] <= 3 * len(waiting)
