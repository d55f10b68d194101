"""What every detector promises of an account that is to be forgotten; for each promise a detector that breaks it and is caught."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import cache

import broken_watchers as broken_on_purpose
import msgspec
import numpy as np
import pytest
from ballots_by_hand import START_MS, fed
from broken_watchers import Busy
from contract_traffic import attacked
from test_contract import UNTIL_S, Check, from_then_on, halves, plain
from watchers_under_test import SUBJECTS, Subject

from detectors.erasure import Erasure
from detectors.keyed_table import mix
from detectors.watcher import Ballots, Sighting, Watcher

SALT = 0x5EED
ERASED = ((1_300.25, 200_000), (2_062.5, 100_000), (2_500.0, 300_000), (2_900.0, 400_000), (UNTIL_S, 300_000))
"""When one is erased, and where the numbers begin of those it is one of: the clock, the flood, in lockstep, the swarm."""


@cache
def hashed() -> Ballots:
    """Return the attacked hour with accounts as hashes, so that none is found by chance in bytes that mean something else."""
    rows = attacked()
    return replace(rows, account=mix(rows.account, 77))


def split(at_s: float, first: int) -> tuple[Ballots, Erasure, Ballots]:
    """Return the rows before a time, the account of the latest row of an attack there, and what others did after it."""
    rows, number = hashed(), attacked().account
    before = rows.effective_ms < START_MS + at_s * 1000
    at = int(np.flatnonzero(before & (number >= first) & (number < first + 100_000))[-1])
    erasure = Erasure(int(rows.account[at]), f"account-{number[at]}", SALT)
    return rows.take(before), erasure, rows.take(~before & ~erasure.of(rows.account))


def traces(watcher: Watcher, erasure: Erasure) -> list[str]:
    """Return where an account still stands: its id or its hash, in a snapshot or anywhere in the object itself."""
    places = {"snapshot": msgspec.msgpack.encode(watcher.snapshot()), "memory": pickle.dumps(watcher)}
    marks = {"id": erasure.account_id.encode(), "hash": erasure.account.to_bytes(8, "little")}
    number = {"hash in a message": msgspec.msgpack.encode(erasure.account)}
    return [f"{mark} in {place}" for place, held in places.items() for mark, it in (marks | number).items() if it in held]


def members(seen: list[Sighting]) -> dict[str, set[str]]:
    """Return who is named in the end, by cluster; those without an id are nobody."""
    named: dict[str, set[str]] = {}
    for one in seen:
        of = named.setdefault(f"{one.poll if one.detector == 'crowd' else ''} {one.cluster}", set())
        of |= {member.account_id for member in one.members if member.score >= 0.5}
        of -= {member.account_id for member in one.members if member.score < 0.5} | set(one.cleared) | {""}
    return named


def an_erased_account_is_found_nowhere(subject: Subject) -> None:
    were_there = 0
    for at_s, first in ERASED:
        before, erasure, others = split(at_s, first)
        watcher = subject.make()
        fed(watcher, before, at_s)
        were_there += bool(traces(watcher, erasure))
        watcher.erase(erasure)
        assert traces(watcher, erasure) == [], f"{erasure.account_id} at {at_s} s"
        told = from_then_on(watcher, others, at_s)
        assert all(erasure.account_id not in (*(m.account_id for m in one.members), *one.cleared) for one in told)
    assert were_there or not subject.holds_accounts, "nobody was there to be erased"


def erasing_one_takes_nobody_else_along(subject: Subject) -> None:
    for at_s, first in ERASED:
        before, erasure, others = split(at_s, first)
        kept, erased = subject.make(), subject.make()
        seen = fed(kept, before, at_s)
        erased.restore(plain(kept))
        erased.erase(erasure)
        undisturbed, told = (members(seen + from_then_on(watcher, others, at_s)) for watcher in (kept, erased))
        for cluster, named in undisturbed.items():
            assert named - {erasure.account_id} == told.get(cluster, set()) - {erasure.account_id}, f"{cluster} at {at_s} s"


def to_erase_a_stranger_changes_nothing(subject: Subject) -> None:
    first, second = halves(2_062.5)
    kept, erased = subject.make(), subject.make()
    for watcher in (kept, erased):
        fed(watcher, first, 2_062.5)
    erased.erase(Erasure(1 << 60, "nobody", SALT))
    assert msgspec.msgpack.encode(erased.snapshot()) == msgspec.msgpack.encode(kept.snapshot())
    assert from_then_on(erased, second, 2_062.5) == from_then_on(kept, second, 2_062.5)


def erased_and_restored_is_restored_and_erased(subject: Subject) -> None:
    for at_s, first in ERASED[1:4]:
        before, erasure, others = split(at_s, first)
        original, restored, later = subject.make(), subject.make(), subject.make()
        fed(original, before, at_s)
        restored.restore(plain(original))
        restored.erase(erasure)
        original.erase(erasure)
        later.restore(plain(original))
        heard = [from_then_on(watcher, others, at_s) for watcher in (original, restored, later)]
        assert heard[0] == heard[1] == heard[2]


CHECKS: dict[Check, type[Busy]] = {
    an_erased_account_is_found_nowhere: broken_on_purpose.NeverErases,
    erasing_one_takes_nobody_else_along: broken_on_purpose.ForgetsAllForOne,
    to_erase_a_stranger_changes_nothing: broken_on_purpose.ForgetsAllForOne,
    erased_and_restored_is_restored_and_erased: broken_on_purpose.ForgetsInSnapshots,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SUBJECTS)
def test_contract_of_erasing(name: str, check: Check) -> None:
    check(SUBJECTS[name])


@pytest.mark.parametrize(("check", "broken"), CHECKS.items(), ids=lambda one: one.__name__)
def test_who_breaks_the_contract_of_erasing_is_caught(check: Check, broken: type[Busy]) -> None:
    with pytest.raises(AssertionError):
        check(Subject(broken, broken, SUBJECTS["busy"].most_bytes))
