"""A column of byte strings is the list of them."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from streams.bytes_column import Bytes, ByteStrings, bytes_column, joined

LISTS = st.lists(st.none() | st.binary(max_size=4), max_size=12)


@given(LISTS, st.slices(12))
def test_it_holds_what_it_was_made_of_and_is_cut_like_a_list(values: list[bytes | None], part: slice) -> None:
    column = bytes_column(values)
    assert list(column) == values
    assert list(column[part]) == values[part]
    assert [column[at] for at in range(-len(values), len(values))] == values + values
    assert column.lengths().tolist() == [len(value or b"") for value in values]
    with pytest.raises(IndexError):
        column[len(values)]


@given(st.lists(LISTS, max_size=4))
def test_columns_one_after_the_other_are_one(parts: list[list[bytes | None]]) -> None:
    assert list(joined(list(map(bytes_column, parts)))) == [value for part in parts for value in part]


@given(st.lists(LISTS | st.none() | st.binary(max_size=4), max_size=8), st.slices(20))
def test_it_grows_by_strings_and_by_columns_however_they_follow(steps: list[list[bytes | None] | bytes | None], part: slice) -> None:
    growing, expected = ByteStrings(), list[bytes | None]()
    for step in steps:
        if isinstance(step, list):
            growing.add(bytes_column(step))
            expected += step
        else:
            growing.append(step)
            expected.append(step)
        assert len(growing) == len(expected)
    assert list(growing) == list(growing.column()) == expected
    assert isinstance(growing.column(), Bytes)
    assert list(growing[part]) == expected[part]
