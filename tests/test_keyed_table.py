"""The table of 64-bit keys against a dict."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import Bools, Hashes, Int64s, hashes, int64s
from detectors.keyed_table import KeyedTable, mix

RESERVED = 2**64 - 1
KEYS = st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 2))
STEPS = st.lists(st.lists(KEYS, max_size=60), max_size=12)


def put(table: KeyedTable, keys: Hashes, values: Int64s) -> None:
    """Write a value for each of these distinct keys, old or new."""
    slots = table.find(keys)
    new = slots < 0
    slots[new] = table.insert(keys[new])
    slots[~new] = table.find(keys[~new])
    table.values["value"][slots] = values


def contents(table: KeyedTable) -> dict[int, int]:
    keys, values = table.entries()
    return dict(zip(keys.tolist(), values["value"].tolist(), strict=True))


@given(STEPS)
def test_it_holds_what_a_dict_holds(steps: list[list[int]]) -> None:
    table, oracle = KeyedTable({"value": "i8"}), dict[int, int]()
    for number, keys in enumerate(steps):
        distinct = sorted(set(keys))
        put(table, hashes(distinct), int64s(range(number, number + len(distinct))))
        oracle.update(zip(distinct, range(number, number + len(distinct)), strict=True))
        asked = [*keys, *range(50)]
        assert table.contains(hashes(asked)).tolist() == [key in oracle for key in asked]
    assert len(table) == len(oracle)
    assert contents(table) == oracle


@given(STEPS)
def test_of_keys_that_enter_those_are_new_that_were_absent(steps: list[list[int]]) -> None:
    table, oracle = KeyedTable({"value": "i8"}), dict[int, int]()
    for number, step in enumerate(steps):
        keys = list(dict.fromkeys(step))
        slots, new = table.enter(hashes(keys))
        assert new.tolist() == [key not in oracle for key in keys]
        assert table.values["value"][slots].tolist() == [oracle.get(key, 0) for key in keys]
        table.values["value"][slots] = number + 1
        oracle.update(dict.fromkeys(keys, number + 1))
    assert len(table) == len(oracle)
    assert contents(table) == oracle


@given(st.lists(st.lists(KEYS, max_size=40), max_size=8))
def test_of_equal_keys_that_enter_together_the_first_alone_is_new(steps: list[list[int]]) -> None:
    table, known = KeyedTable(), set[int]()
    for keys in steps:
        slots, new = table.enter(hashes(keys))
        assert new.tolist() == [key not in known and key not in keys[:at] for at, key in enumerate(keys)]
        assert len({*zip(keys, slots.tolist(), strict=True)}) == len(set(keys))
        known.update(keys)
    assert len(table) == len(known)


@given(st.integers(0, 2**32))
def test_it_grows_and_loses_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = np.unique(rng.integers(0, 2**63, 20_000, dtype=np.uint64))
    rng.shuffle(keys)
    table = KeyedTable({"value": "i8"})
    for part in np.array_split(keys, 7):
        put(table, part, part.astype(np.int64))
    assert len(table) == len(keys)
    assert table.contains(keys).all()
    assert (table.values["value"][table.find(keys)] == keys.astype(np.int64)).all(), "values moved to other keys"
    strangers = rng.integers(2**63, 2**64 - 1, 1_000, dtype=np.uint64)
    assert not table.contains(strangers).any()


def test_a_key_costs_between_11_and_18_bytes_once_the_table_has_grown() -> None:
    table = KeyedTable()
    rng = np.random.default_rng(1)
    for _ in range(200):
        table.insert(rng.integers(0, 2**63, 1_000, dtype=np.uint64))
        if len(table) > 2_000:
            assert 11 <= table.nbytes / len(table) <= 18, len(table)


INVERSE = pow(0x9E37_79B9_7F4A_7C15, -1, 2**64)


def crafted(count: int, bits: int, rng: np.random.Generator) -> Hashes:
    """Return keys that a stranger chose, 2**bits hashes for each: in a new table all want the first of so many parts."""
    chosen = np.unique(rng.integers(0, 2 ** (64 - bits), count, dtype=np.uint64)) * np.uint64(INVERSE)
    rng.shuffle(chosen)
    return chosen


class Counting(KeyedTable):
    """A table that counts the places it looks at beyond the first."""

    steps = 0

    def _find(self, *asked: Any) -> tuple[Int64s, int]:
        before = self._strain
        found = super()._find(*asked)
        self.steps += self._strain - before
        return found

    def _enter(self, *asked: Any) -> tuple[Int64s, Bools, int]:
        before = self._strain
        entered = super()._enter(*asked)
        self.steps += self._strain - before
        return entered


@pytest.mark.parametrize("bits", [2, 4, 12, 32])
@pytest.mark.parametrize("at_once", [300, 12_000])
def test_keys_chosen_to_want_one_place_cost_hardly_more_than_others(bits: int, at_once: int) -> None:
    rng = np.random.default_rng(1)
    table = Counting({"value": "i8"})
    keys = crafted(20_000, bits, rng)
    for start in range(0, len(keys), at_once):
        part = keys[start : start + at_once]
        slots, new = table.enter(part)
        assert new.all()
        table.values["value"][slots] = part.view(np.int64)
    assert table.steps < 20 * len(keys)
    table.steps = 0
    assert (table.values["value"][table.find(keys)] == keys.view(np.int64)).all()
    others = crafted(20_000, bits + 1, rng)
    assert (table.contains(others) == np.isin(others, keys)).all()
    assert table.steps < 20 * len(keys)


def test_a_table_that_is_only_asked_is_laid_out_anew_too() -> None:
    rng = np.random.default_rng(2)
    table = Counting()
    table.replace(crafted(20_000, 8, rng), {})
    asked = [crafted(500, 8, rng) for _ in range(100)]
    for keys in asked:
        assert not table.contains(keys).any()
    assert table.steps < 10 * 50_000


@given(STEPS, st.integers(0, 2**32))
def test_in_whatever_way_it_was_filled_it_says_the_same(steps: list[list[int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = np.unique(np.concatenate([crafted(3_000, 6, rng), *(hashes(step) for step in steps)]))
    one, other = KeyedTable({"value": "i8"}), KeyedTable({"value": "i8"})
    put(one, keys, keys.view(np.int64))
    rng.shuffle(keys)
    for part in np.array_split(keys, 9):
        put(other, part, part.view(np.int64))
    assert contents(one) == contents(other)


def test_the_reserved_key_is_found_as_its_neighbour() -> None:
    table = KeyedTable({"value": "i8"})
    assert not table.contains(hashes([RESERVED])).any()
    put(table, hashes([RESERVED, 7]), int64s([5, 6]))
    assert table.contains(hashes([RESERVED, RESERVED - 1, 7])).all()
    assert contents(table) == {RESERVED - 1: 5, 7: 6}


@given(STEPS, st.lists(KEYS, max_size=30, unique=True))
def test_replacing_forgets_everything_else(steps: list[list[int]], kept: list[int]) -> None:
    table = KeyedTable({"value": "i8"})
    for keys in steps:
        put(table, hashes(sorted(set(keys))), int64s([1] * len(set(keys))))
    table.replace(hashes(kept), {"value": int64s(range(len(kept)))})
    assert contents(table) == {key: number for number, key in enumerate(kept)}


@given(STEPS, st.integers(1, 5))
def test_what_is_kept_stays_and_the_rest_is_forgotten(steps: list[list[int]], divisor: int) -> None:
    table, oracle = KeyedTable({"value": "i8"}), dict[int, int]()
    for number, keys in enumerate(steps):
        put(table, hashes(sorted(set(keys))), int64s([number] * len(set(keys))))
        oracle.update(dict.fromkeys(keys, number))
    table.keep(table.values["value"] % divisor == 0)
    kept = {key: value for key, value in oracle.items() if value % divisor == 0}
    assert contents(table) == kept
    assert len(table) == len(kept)
    assert table.contains(hashes(list(oracle))).tolist() == [key in kept for key in oracle]


def test_keys_at_the_end_of_a_table_that_grows_go_on_at_its_start() -> None:
    last = [((2**64 - 1 - low) * INVERSE) % 2**64 for low in range(700)]  # all belong in the last place
    table = KeyedTable({"value": "i8"})
    for start in range(0, 2_100, 300):
        more = last[start : start + 300]
        put(table, hashes(more), int64s(range(start, start + len(more))))
        put(table, hashes(range(start, start + 300)), int64s(range(start, start + 300)))
    assert table.values["value"][table.find(hashes(last))].tolist() == list(range(700))
    assert table.contains(hashes(range(2_100))).all()


def test_packed_columns_hold_the_entries() -> None:
    table = KeyedTable({"value": "i8"})
    put(table, hashes([1, 5, 9]), int64s([2, 6, 10]))
    packed = table.packed()
    keys, values = np.frombuffer(packed["key"], np.uint64), np.frombuffer(packed["value"], np.int64)
    assert dict(zip(keys.tolist(), values.tolist(), strict=True)) == {1: 2, 5: 6, 9: 10}


def test_entries_are_copies() -> None:
    table = KeyedTable({"value": "i8"})
    put(table, hashes([1]), int64s([2]))
    keys, values = table.entries()
    keys[0], values["value"][0] = 9, 9
    assert contents(table) == {1: 2}


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=200), st.integers(0, 2**62))
def test_mixing_with_one_salt_keeps_keys_apart(keys: list[int], salt: int) -> None:
    assert len(set(mix(hashes(keys), salt).tolist())) == len(keys)


def test_the_salt_changes_every_key() -> None:
    keys = hashes(range(1_000))
    assert not (mix(keys, 1) == mix(keys, 2)).any()
    assert (mix(keys, int64s([3] * 1_000)) == mix(keys, 3)).all()
