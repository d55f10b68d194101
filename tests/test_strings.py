"""A column of strings is a list of strings, whatever is taken from it and put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import int64s
from detectors.strings import Strings, joined, strings

TEXTS = st.lists(st.text(max_size=6), max_size=12)


@given(TEXTS, st.data())
def test_what_is_taken_is_what_a_list_would_give(texts: list[str], data: st.DataObject) -> None:
    column = strings(texts)
    assert column.texts() == texts
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=9)) if texts else []
    assert column.take(rows).texts() == [texts[row] for row in rows] if rows else True
    start, stop = data.draw(st.integers(0, 14)), data.draw(st.integers(0, 14))
    assert column.take(slice(start, stop)).texts() == texts[start:stop]
    assert column.view(rows).texts() == column.take(rows).texts() if rows else True
    assert column.take(slice(start, None)).take(slice(None, 2)).texts() == texts[start:][:2]


@given(st.lists(TEXTS, max_size=4))
def test_columns_joined_are_their_strings_one_after_the_other(parts: list[list[str]]) -> None:
    assert joined([strings(part) for part in parts]).texts() == [text for part in parts for text in part]


@given(st.lists(st.integers(0, 99), max_size=12), st.data())
def test_strings_of_one_length_are_picked_like_any_others(numbers: list[int], data: st.DataObject) -> None:
    texts = [f"u{number:02d}" for number in numbers]
    column = joined([strings(texts), strings(data.draw(st.sampled_from([[], ["x"], ["u77"]])))])
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=9)) if texts else []
    assert column.view(np.array(rows, np.int64)).contiguous().texts() == [texts[row] for row in rows]


def test_a_string_that_does_not_lie_in_its_column_is_not_read() -> None:
    for starts, ends in ([-1], [1]), ([0], [4]), ([2], [1]), ([0, 3], [3, 6]):
        column = Strings(np.zeros(3, np.uint8), int64s(ends), int64s(starts))
        with pytest.raises(ValueError, match=r"does not lie in its column|negative dimensions"):
            column.contiguous()
