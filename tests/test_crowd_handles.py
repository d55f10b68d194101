"""Names that one generator made tell a script; names that people chose and numbers that a platform gave never do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from ballots_by_hand import START_MS, every, fed, together
from crowd_traffic import (
    BEGINS_S,
    DAY_MS,
    LENGTH_S,
    SCRIPT,
    SURGING,
    campus,
    celebrity,
    newcomers,
    one_client,
    ordinary,
    people,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.columns import Bools
from detectors.crowd.detector import Crowd
from detectors.crowd.handle_book import HandleBook
from detectors.crowd.handles import KINDS, SAYS_NOTHING, codes, read_handles
from detectors.crowd.params import CrowdParams
from detectors.findings import Reason
from detectors.strings import strings
from detectors.watcher import Ballots, Sighting
from lab.handles import GENERATORS, chosen
from lab.people import Names

Traffic = Callable[[np.random.Generator], Ballots]
Naming = Callable[[np.random.Generator, int], Names]
UNTIL_S = LENGTH_S + 60


def bought(rng: np.random.Generator) -> Ballots:
    """Return 700 accounts of any age on anybody's networks, which one client works for ten minutes."""
    n = 700
    rows = people(rng, np.sort(rng.uniform(BEGINS_S, BEGINS_S + 600, n)), SURGING, client=np.full(n, 13, np.uint32))
    return replace(rows, account=SCRIPT + rows.account, option=np.ones(n, np.int32))


def called(rows: Ballots, which: Bools, names: Names) -> Ballots:
    """Return rows with these names where `which` says so, made distinct by letters if need be."""
    ids = rows.sender.account_ids.texts()
    seen: set[str] = set(ids)
    for row, name in zip(np.flatnonzero(which).tolist(), names.tolist(), strict=True):
        while name in seen:
            name += "ae"
        seen.add(name)
        ids[row] = name
    return replace(rows, sender=replace(rows.sender, account_ids=strings(ids)))


def hour(seed: int, traffic: Traffic, names: Naming, of_script: Naming | None = None) -> Ballots:
    """Return 50 minutes of ordinary polls and some traffic, all called by `names`, scripts by `of_script`."""
    rng = np.random.default_rng(seed)
    rows = together([ordinary(rng), traffic(rng)])
    scripted = rows.account >= SCRIPT
    rows = called(rows, ~scripted, names(rng, int(np.count_nonzero(~scripted))))
    return called(rows, scripted, (of_script or names)(rng, int(np.count_nonzero(scripted))))


def accusations(seen: list[Sighting]) -> list[Sighting]:
    return [sighting for sighting in seen if sighting.lean == "coordinated" and sighting.score > 1]


def named(seen: list[Sighting]) -> dict[str, list[Reason]]:
    """Return the accounts that are named in the end, with their reasons."""
    names: dict[str, list[Reason]] = {}
    for sighting in seen:
        names |= {member.account_id: member.reasons for member in sighting.members if member.score >= 0.5}
        names = {name: reasons for name, reasons in names.items() if name not in sighting.cleared}
    return names


def watched(rows: Ballots) -> list[Sighting]:
    return fed(Crowd(CrowdParams()), rows, UNTIL_S)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("generator", sorted(GENERATORS))
def test_a_script_that_only_its_client_and_its_handles_betray_is_found_with_its_members(generator: str, seed: int) -> None:
    rows = hour(seed, bought, chosen, GENERATORS[generator])
    ids = np.array(rows.sender.account_ids.texts())
    guilty = set(ids[rows.account >= SCRIPT].tolist())
    seen = watched(rows)
    members = named(seen)
    assert len(guilty & members.keys()) >= 0.95 * len(guilty), f"seed {seed}"
    assert len(members.keys() - guilty) <= 0.015 * len(members), f"seed {seed}"
    assert sum("generated_handle" in of for of in members.values()) >= 0.95 * len(members)
    told = [e for e in accusations(seen)[-1].evidence if "whose handles" in e.sentence]
    assert [evidence.direction for evidence in told] == ["coordinated"]
    measured = told[0].observed, told[0].expected, told[0].p_value
    observed, expected, chance = (-1.0 if number is None else number for number in measured)
    assert observed > 4 * expected >= 0, f"seed {seed}"
    assert 0 <= chance < 1e-8, f"seed {seed}"


@pytest.mark.parametrize("seed", range(2))
def test_a_script_of_everybodys_client_that_a_crowd_hides_is_found_by_its_handles(seed: int) -> None:
    def hidden(rng: np.random.Generator) -> Ballots:
        rows = bought(rng)
        usual = replace(rows.sender, client=np.full(len(rows), 12, np.uint32))
        return together([replace(rows, sender=usual), celebrity(rng)])

    rows = hour(seed, hidden, chosen, GENERATORS["word_lists"])
    guilty = set(np.array(rows.sender.account_ids.texts())[rows.account >= SCRIPT].tolist())
    names = named(watched(rows))
    assert len(guilty & names.keys()) >= 0.9 * len(guilty), f"seed {seed}"
    assert len(names.keys() - guilty) <= 0.05 * len(names), f"seed {seed}"


@pytest.mark.parametrize("seed", range(3))
def test_the_same_script_with_names_like_peoples_is_one_client_alone_and_not_accused(seed: int) -> None:
    assert not accusations(watched(hour(seed, bought, chosen))), f"seed {seed}"


def numbers(rng: np.random.Generator, size: int) -> Names:
    return np.array([f"u{number}" for number in rng.choice(900_000, size, replace=False) + 100_000], dtype=object)


def user_ids(rng: np.random.Generator, size: int) -> Names:
    return np.array([f"user-{number:08d}" for number in rng.choice(10**8, size, replace=False).tolist()], dtype=object)


def hexadecimal(rng: np.random.Generator, size: int) -> Names:
    return np.array([f"u{number:012x}" for number in rng.integers(2**47, 2**48, size).tolist()], dtype=object)


def longer_numbers(rng: np.random.Generator, size: int) -> Names:
    return np.array([f"u{number}" for number in range(1_000_000, 1_000_000 + size)], dtype=object)


def longer_user_ids(rng: np.random.Generator, size: int) -> Names:
    return np.array([f"user-{number}" for number in range(100_000_000, 100_000_000 + size)], dtype=object)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("crowd", [celebrity, campus, newcomers, one_client], ids=lambda crowd: crowd.__name__)
@pytest.mark.parametrize(
    ("names", "new_names"),
    [(chosen, None), (numbers, longer_numbers), (user_ids, longer_user_ids), (hexadecimal, None)],
    ids=["chosen", "numbers", "user_ids", "hexadecimal"],
)
def test_a_crowd_is_never_accused_for_its_names(crowd: Traffic, names: Naming, new_names: Naming | None, seed: int) -> None:
    def marked(rng: np.random.Generator) -> Ballots:
        rows = crowd(rng)
        return replace(rows, account=rows.account + SCRIPT)

    seen = watched(hour(seed, marked, names, new_names))
    assert not accusations(seen), f"seed {seed}"


@pytest.mark.parametrize("seed", range(2))
def test_newcomers_with_the_names_that_the_platform_gives_new_accounts_are_not_accused(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = together([ordinary(rng), newcomers(rng)])
    young = rows.effective_ms - rows.sender.created_ms < 30 * DAY_MS
    rows = called(rows, ~young, chosen(rng, int(np.count_nonzero(~young))))
    rows = called(rows, young, GENERATORS["user_numbers"](rng, int(np.count_nonzero(young))))
    assert not accusations(watched(rows)), f"seed {seed}"


def test_votes_with_generated_handles_however_cut_give_the_same_answer_also_after_a_restart() -> None:
    rows = hour(1, bought, chosen, GENERATORS["word_lists"])
    whole = watched(rows)
    assert accusations(whole)
    assert fed(Crowd(CrowdParams()), rows, UNTIL_S, every(3.25, UNTIL_S)) == whole
    crowd, other = Crowd(CrowdParams()), Crowd(CrowdParams())
    middle = int(rows.effective_ms.searchsorted(START_MS + (BEGINS_S + 200) * 1_000))
    first, second = (rows.take(part) for part in (slice(0, middle), slice(middle, None)))
    seen = fed(crowd, first, BEGINS_S + 200)
    other.restore(crowd.snapshot())
    assert seen + fed(other, second, UNTIL_S) == whole


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=12), st.integers(0, 12))
def test_a_handles_codes_do_not_depend_on_its_neighbours(ids: list[str], first: int) -> None:
    handles = read_handles(strings(ids))
    assert len(handles) == len(ids)
    assert read_handles(strings(ids).view(slice(first, None))).tolist() == handles[first:].tolist()


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("user8371623", "user12", ["stem"]),
        ("user8371623", "user0000001", ["stem", "shape", "pattern"]),
        ("anna_k_0001", "olga_p_0822", ["shape", "pattern"]),
        ("quiet_otter_4821", "wild_magpie_1034", ["pattern"]),
        ("7maria", "12maria", ["stem"]),
        ("maria.k", "maria_k", []),
        ("Марія17", "марія17", ["shape", "pattern"]),
        ("Maria17", "mARIA17", ["stem", "shape", "pattern"]),
    ],
)
def test_handles_share_what_their_letters_and_digits_share(one: str, other: str, shared: list[str]) -> None:
    handles = read_handles(strings([one, other]))
    alike = [codes(handles[:1], kind) == codes(handles[1:], kind) for kind in range(len(KINDS))]
    assert [name for name, same in zip(KINDS, alike, strict=True) if same] == shared


@pytest.mark.parametrize("handle", ["", "17", "u123456", "a-1-b-2", "____"])
def test_a_handle_without_three_letters_says_nothing(handle: str) -> None:
    handles = read_handles(strings(["maria", handle, "ivan"]))
    assert [codes(handles, kind)[1] for kind in range(len(KINDS))] == [SAYS_NOTHING] * len(KINDS)


def test_of_handles_a_shard_knows_no_more_than_it_says_and_finds_it_again() -> None:
    rng, book, other = np.random.default_rng(5), HandleBook(), HandleBook()
    for _ in range(20):
        book.learn(read_handles(strings(chosen(rng, 2_000).tolist())), rng.random(2_000) < 0.1)
    assert book.tell
    assert sum(len(part) for part in book.snapshot().values()) < 400_000
    other.restore(book.snapshot())
    stems = codes(read_handles(strings(["maria", "maria_k_0001"])), 0)
    for young in (False, True):
        assert other.usual(0, stems, young).tolist() == book.usual(0, stems, young).tolist()
