"""Names as numbers: a name's hash is the same whether it is looked up or worked out, and little is remembered."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pandas.util import hash_array

from detectors.columns import NO_OPTION
from detectors.senders import NO_CODE, NO_COUNTRY, country_name
from streams.decode_names import InOrder, NameHashes, country_codes, hash_bytes, hash_strings

KEY = bytes(range(16))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40)), st.binary(min_size=16, max_size=16))
def test_hashes_are_those_of_pandas(names: list[str], key: bytes) -> None:
    expected = hash_array(np.array(names, dtype=object), hash_key=hash_bytes(key).decode(), categorize=False)
    assert hash_strings(names, key).tolist() == expected.tolist()


def test_a_name_has_the_same_hash_remembered_or_not() -> None:
    names = [f"n{i % 3_000}" for i in range(10_000)]
    expected = np.maximum(hash_strings(names, KEY).astype(np.uint32), 1).tolist()
    hashes = NameHashes(KEY)
    for size in (1, 10, 10_000):
        for start in range(0, len(names), size):
            assert hashes.codes(names[start : start + size]).tolist() == expected[start : start + size]


def test_a_name_that_is_not_said_has_no_hash() -> None:
    hashes = NameHashes(KEY)
    codes = hashes.codes([None, "web", None, ""]).tolist()
    assert codes[0] == codes[2] == NO_CODE
    assert NO_CODE not in (codes[1], codes[3])
    assert codes[1] != codes[3]
    assert hashes.codes(["", None, "web"]).tolist() == [codes[3], NO_CODE, codes[1]]
    assert hashes.codes([]).tolist() == []


def test_no_more_than_a_thousand_short_names_are_remembered() -> None:
    hashes = NameHashes(KEY)
    for start in range(0, 5_000, 700):
        hashes.codes([f"n{start + i}" for i in range(700)] + ["x" * 1_000_000])
    remembered = [name for name in hashes._code if name is not None]
    assert len(remembered) == 1_000
    assert max(map(len, remembered)) <= 128


def test_names_are_numbered_in_order_of_first_appearance_over_many_calls() -> None:
    order = InOrder()
    assert order.numbers(["b", None, "a", "b"]).tolist() == [0, NO_OPTION, 1, 0]
    assert order.numbers(["c", "a", None]).tolist() == [2, 1, NO_OPTION]
    assert order.names() == ["b", "a", "c"]


def test_countries_read_the_same_in_capitals_or_not() -> None:
    codes = country_codes(["UA", "ua", None, "Zz"])
    assert codes.tolist()[:3] == [codes[1], codes[0], NO_COUNTRY]
    assert country_name(int(codes[3])) == "ZZ"
