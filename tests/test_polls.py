"""Polls and options as small numbers: given in the order of release, used again, and never more than there is room for."""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest
from columns_by_hand import Event, rows_of
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import Int32s, int32s, int64s
from detectors.polls import MAX_OPTIONS, OTHER, PollBook

NOBODY = int32s()
CHOICES = st.lists(
    st.tuples(st.sampled_from(["p", "q", "r"]), st.sampled_from([None, "yes", "no", "ні"])), min_size=1, max_size=40
)


def named(book: PollBook, *choices: tuple[str, str | None]) -> Int32s:
    """Return the names of (poll, option) pairs."""
    return book.names(rows_of([Event(i, 0, i, poll=poll, option=option) for i, (poll, option) in enumerate(choices)]))


def entered(book: PollBook, *choices: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    """Enter rows and return what their numbers and cells stand for."""
    polls, cells = book.enter(named(book, *choices))
    return [
        (book.poll_ids[poll], book.option_names[cell] if cell >= 0 else None)
        for poll, cell in zip(polls.tolist(), cells.tolist(), strict=True)
    ]


@given(CHOICES)
def test_numbers_and_cells_stand_for_what_the_rows_said(choices: list[tuple[str, str | None]]) -> None:
    book = PollBook()
    assert entered(book, *choices) == choices
    assert entered(book, *choices[::-1]) == choices[::-1]
    assert len(book) == len({poll for poll, _ in choices})


@given(CHOICES, st.integers(0, 10**6))
def test_numbers_depend_on_the_order_of_release_and_not_on_which_block_came_first(
    choices: list[tuple[str, str | None]], seed: int
) -> None:
    one, other = PollBook(), PollBook()
    named(other, *random.Random(seed).sample(choices, len(choices)))
    of_one, of_other = one.enter(named(one, *choices)), other.enter(named(other, *choices))
    assert [c.tolist() for c in of_one] == [c.tolist() for c in of_other]
    assert one.cell_option.tolist() == other.cell_option.tolist()


def test_options_past_the_limit_count_together() -> None:
    book = PollBook()
    found = entered(book, *[("p", f"o{i}") for i in range(3 * MAX_OPTIONS)])
    assert found[: MAX_OPTIONS - 1] == [("p", f"o{i}") for i in range(MAX_OPTIONS - 1)]
    assert set(found[MAX_OPTIONS - 1 :]) == {("p", OTHER)}
    assert len(book.tally(0)) == MAX_OPTIONS
    assert entered(book, ("q", "o99")) == [("q", "o99")], "the limit is each poll's own"


def test_a_removed_poll_leaves_nothing_and_its_number_is_used_again() -> None:
    book = PollBook()
    _, cells = book.enter(named(book, ("p", "yes"), ("q", "yes"), ("p", "no")))
    book.votes[cells] = 5
    serial = int(book.serial[0])
    book.remove(int64s([0]), NOBODY)
    assert len(book) == 1
    again, cell = book.enter(named(book, ("s", "maybe")))
    assert (again.tolist(), book.poll_ids[0], book.tally(0)) == ([0], "s", {"maybe": 0})
    assert int(book.serial[0]) != serial, "a serial stands for one poll for ever"
    assert book.cell_poll[cell].tolist() == [0]
    assert book.tally(1) == {"yes": 5}


def test_names_of_rows_that_still_wait_enter_their_poll_anew() -> None:
    book = PollBook()
    waiting = named(book, ("p", "yes"), ("p", "no"))
    book.enter(waiting)
    book.remove(int64s([0]), np.unique(waiting))
    polls, cells = book.enter(waiting)
    assert [book.poll_ids[n] for n in polls.tolist()] == ["p", "p"]
    assert [book.option_names[c] for c in cells.tolist()] == ["yes", "no"]


@given(st.integers(0, 10**6))
def test_polls_that_come_and_go_are_told_apart(seed: int) -> None:
    """A random life of many polls against a dict of tallies."""
    rng, book, oracle = random.Random(seed), PollBook(), dict[str, dict[str, int]]()
    for _ in range(60):
        if oracle and rng.random() < 0.3:
            gone = rng.sample(sorted(oracle), rng.randrange(1, len(oracle) + 1))
            book.remove(int64s([book.poll_ids.index(poll) for poll in gone]), NOBODY)
            for poll in gone:
                del oracle[poll]
        choices = [(f"p{rng.randrange(8)}", rng.choice("abc")) for _ in range(rng.randrange(1, 6))]
        _, cells = book.enter(named(book, *choices))
        np.add.at(book.votes, cells, 1)
        for poll, option in choices:
            oracle.setdefault(poll, {}).setdefault(option, 0)
            oracle[poll][option] += 1
        if rng.random() < 0.2:
            restored = PollBook()
            restored.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(book.snapshot())))
            book = restored
        assert {poll: book.tally(book.poll_ids.index(poll)) for poll in oracle} == oracle
        assert len(book) == len(oracle)
    assert len(book.poll_ids) <= 8, "numbers of polls that left are used again"


def test_the_quiet_are_found_by_their_last_row() -> None:
    book = PollBook()
    polls, _ = book.enter(named(book, ("a", "x"), ("b", "x"), ("c", None), ("d", "x")))
    book.last_ms[polls] = [400, 100, 200, 300]
    assert book.quiet_since(300).tolist() == [1, 2]
    assert [book.poll_ids[n] for n in book.longest_quiet(2).tolist()] == ["b", "c"]
    book.remove(int64s([1]), NOBODY)
    assert [book.poll_ids[n] for n in book.longest_quiet(1).tolist()] == ["c"], "who left is not the quietest"
    assert book.quiet_since(300).tolist() == [2]


@pytest.mark.parametrize("kind", ["names that never enter", "options past the limit"])
def test_names_that_lead_nowhere_do_not_pile_up(kind: str) -> None:
    """A sender may put a new id into every record: copies of one event, or a poll with a million options."""
    book = PollBook()
    for part in range(100):
        if kind == "options past the limit":
            book.enter(named(book, *[("p", f"{part}/{i}") for i in range(100)]))
        else:
            named(book, *[(f"{part}/{i}", "x") for i in range(100)])
        book.forget_names(NOBODY)
    assert book.names_held() <= 100 + MAX_OPTIONS
    assert entered(book, ("p", "0/0"), ("p", "new"))[0] == ("p", "0/0")
