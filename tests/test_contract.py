"""What every detector promises, each promise a check; and for each check a detector that breaks it and is caught."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import broken_watchers as broken_on_purpose
import msgspec
import numpy as np
import pytest
from ballots_by_hand import START_MS, every, fed
from broken_watchers import Busy
from contract_traffic import LENGTH_S, POLLS, attacked, people, without_fields
from watchers_under_test import SUBJECTS, Subject

from detectors.keyed_table import mix
from detectors.senders import NO_TIME_MS
from detectors.strings import strings
from detectors.watcher import MOST_MEMBERS, NO_BALLOTS, Ballots, Sighting, Watcher

UNTIL_S = LENGTH_S + 900.0
WEEK_MS = 7 * 86_400_000
SEED = 4
Check = Callable[[Subject], None]


def plain(watcher: Watcher) -> dict[str, Any]:
    """Return a snapshot as it comes back from where snapshots are kept."""
    state: dict[str, Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(watcher.snapshot()), strict=False)
    return state


def said(seen: list[Sighting]) -> list[Sighting]:
    """Return sightings without what depends on when rows arrived."""
    return [replace(sighting, arrived_ms=0) for sighting in seen]


@cache
def usual(subject: Subject) -> list[Sighting]:
    return said(fed(subject.make(), attacked(), UNTIL_S, every(60, UNTIL_S)))


def irregular() -> list[int]:
    rng = np.random.default_rng(SEED)
    return sorted({int(ms) // 250 * 250 for ms in rng.uniform(0, UNTIL_S * 1000, 150)})


def halves(at_s: float) -> tuple[Ballots, Ballots]:
    rows = attacked()
    cut = int(np.searchsorted(rows.effective_ms, START_MS + at_s * 1000))
    return rows.take(slice(0, cut)), rows.take(slice(cut, None))


def from_then_on(watcher: Watcher, rows: Ballots, at_s: float) -> list[Sighting]:
    return fed(watcher, rows, UNTIL_S, [ms for ms in every(60, UNTIL_S) if ms > at_s * 1000])


def it_speaks_of_the_attack_it_is_made_for(subject: Subject) -> None:
    loud = [seen for seen in usual(subject) if seen.score > 1]
    assert loud
    assert not subject.accuses or any(seen.lean == "coordinated" for seen in loud)


def the_same_rows_however_cut_give_the_same_sightings(subject: Subject) -> None:
    expected = usual(subject)
    assert said(fed(subject.make(), attacked(), UNTIL_S)) == expected
    assert said(fed(subject.make(), attacked(), UNTIL_S, irregular())) == expected, f"seed {SEED}"


def a_restored_snapshot_continues_identically(subject: Subject) -> None:
    for at_s in (430.25, 1_030.0, 1_250.5, 2_050.0, 2_900.0):
        first, second = halves(at_s)
        original, restored = subject.make(), subject.make()
        fed(original, first, at_s)
        restored.restore(plain(original))
        assert from_then_on(original, second, at_s) == from_then_on(restored, second, at_s), at_s


def a_snapshot_is_not_changed_by_what_follows(subject: Subject) -> None:
    first, second = halves(2_050.0)
    original, restored = subject.make(), subject.make()
    fed(original, first, 2_050.0)
    state = original.snapshot()
    before = msgspec.msgpack.encode(state)
    fed(original, second, 2_110.0)
    assert msgspec.msgpack.encode(state) == before
    restored.restore(state)
    fed(restored, second, 2_110.0)
    assert msgspec.msgpack.encode(state) == before


def a_poll_that_left_is_nothing_to_the_one_that_gets_its_number(subject: Subject) -> None:
    for at_s in (1_015.0, 2_030.0):
        watcher = subject.make()
        fed(watcher, halves(at_s)[0], at_s)
        watcher.forget(np.arange(POLLS))
        later = people().take(people().effective_ms >= START_MS + at_s * 1000)
        strangers = replace(later, account=later.account + np.uint64(1 << 40))
        heard = from_then_on(watcher, strangers, at_s)
        assert not [seen for seen in heard if seen.lean == "coordinated" and seen.phase != "calm"], at_s


def strangers_in_new_polls(rounds: int) -> Iterator[Ballots]:
    rows = people()
    for number in range(rounds):
        later = WEEK_MS // 168 * number
        account = mix(rows.account, number)
        ids = strings([f"account-{number}-{name}" for name in account.tolist()])
        yield replace(
            rows,
            effective_ms=rows.effective_ms + later,
            ts_ms=rows.ts_ms + later,
            account=account,
            sender=replace(rows.sender, account_ids=ids),
        )


def memory_is_bounded_for_ever_new_polls_and_accounts(subject: Subject) -> None:
    watcher = subject.small()
    for number, rows in enumerate(strangers_in_new_polls(12)):
        end_ms = START_MS + (number + 1) * WEEK_MS // 168
        low = rows.take(rows.effective_ms < end_ms)
        watcher.observe(low, end_ms)
        watcher.forget(np.arange(POLLS))
    size = len(pickle.dumps(watcher))
    assert size <= subject.most_bytes, f"{size:,} bytes"


def what_it_is_given_is_not_written_to(subject: Subject) -> None:
    rows = attacked().take(np.arange(len(attacked())))
    before = pickle.dumps(rows)
    fed(subject.make(), rows, UNTIL_S, every(60, UNTIL_S))
    assert pickle.dumps(rows) == before


def numbers_are_in_range(subject: Subject) -> None:
    for seen in usual(subject):
        assert 0 <= seen.score < np.inf
        assert 0 <= seen.p_value <= 1
        assert np.isfinite([seen.observed, seen.expected]).all()
        assert seen.start_ms <= seen.end_ms <= seen.at_ms
        assert len(seen.members) <= MOST_MEMBERS
        assert all(0 <= member.score <= 1 and member.reasons for member in seen.members)
        for of in seen.suspects:
            assert 0 <= of.low <= of.votes <= of.high
            assert sum(of.options.values()) <= of.votes * 1.001 + 1e-6
            assert all(votes >= 0 for votes in of.options.values())


def what_is_said_comes_in_order_and_never_before_its_time(subject: Subject) -> None:
    watcher, rows, until_ms = subject.make(), attacked(), START_MS
    while until_ms < START_MS + UNTIL_S * 1000:
        from_ms, until_ms = until_ms, until_ms + 45_250
        given = (rows.effective_ms >= from_ms) & (rows.effective_ms < until_ms)
        times = [seen.at_ms for seen in watcher.observe(rows.take(given), until_ms)]
        assert times == sorted(times)
        assert all(at_ms <= until_ms for at_ms in times)


def an_accusation_has_evidence_for_both_sides(subject: Subject) -> None:
    for seen in usual(subject):
        if seen.lean == "coordinated" and seen.phase != "calm":
            assert {evidence.direction for evidence in seen.evidence} == {"coordinated", "organic"}
        assert all(evidence.sentence.strip() for evidence in seen.evidence)


def only_what_was_given_is_spoken_of(subject: Subject) -> None:
    rows = attacked()
    options = set(zip(rows.poll.tolist(), rows.option.tolist(), strict=True))
    ids = np.array(rows.sender.account_ids.texts())
    for seen in usual(subject):
        known = set(ids[rows.effective_ms < seen.at_ms].tolist())
        polls = {seen.poll, *(of.poll for of in seen.suspects)}
        assert polls <= set(range(POLLS))
        assert {(of.poll, option) for of in seen.suspects for option in of.options} <= options
        assert {member.account_id for member in seen.members} | set(seen.cleared) <= known


def accused(subject: Subject, rows: Ballots) -> list[Sighting]:
    return [s for s in fed(subject.make(), rows, UNTIL_S, every(60, UNTIL_S)) if s.lean == "coordinated" and s.score > 1]


def people_are_not_accused(subject: Subject) -> None:
    assert not accused(subject, people())


def missing_fields_accuse_nobody(subject: Subject) -> None:
    rows = people()
    some = np.random.default_rng(SEED).random(len(rows)) < 0.5
    in_the_crowd = rows.poll == POLLS - 1
    everybody = np.ones(len(rows), np.bool_)
    for which in (everybody, some, in_the_crowd, in_the_crowd & some):
        assert not accused(subject, without_fields(rows, which)), f"seed {SEED}"


def nothing_is_said_of_nothing(subject: Subject) -> None:
    watcher = subject.make()
    assert fed(watcher, NO_BALLOTS, LENGTH_S, every(60, LENGTH_S)) == []
    restored = subject.make()
    restored.restore(plain(watcher))
    assert restored.observe(NO_BALLOTS, START_MS + (LENGTH_S + 60) * 1000) == []


def later(rows: Ballots, by_ms: int) -> Ballots:
    born = rows.sender.created_ms
    sender = replace(rows.sender, created_ms=np.where(born == NO_TIME_MS, born, born + by_ms))
    times = {name: getattr(rows, name) + by_ms for name in ("effective_ms", "ts_ms", "arrived_ms")}
    return replace(rows, sender=sender, **times)


def core(seen: Sighting, by_ms: int = 0) -> tuple[Any, ...]:
    """Return what a sighting says but for its times, its names and its words."""
    times = (seen.at_ms - by_ms, seen.start_ms - by_ms, seen.end_ms - by_ms)
    members = sorted((member.account_id, member.score) for member in seen.members)
    return (*times, seen.poll, seen.option, seen.phase, seen.lean, seen.score, seen.p_value, seen.suspects, members)


def a_week_later_the_same_is_seen(subject: Subject) -> None:
    watcher, stops = subject.make(), every(60, UNTIL_S)
    rows, low, heard = later(attacked(), WEEK_MS), 0, []
    for stop_ms in [*stops, round(UNTIL_S * 1000)]:
        high = int(np.searchsorted(rows.effective_ms, START_MS + WEEK_MS + stop_ms))
        heard += watcher.observe(rows.take(slice(low, high)), START_MS + WEEK_MS + stop_ms)
        low = high
    assert [core(seen, WEEK_MS) for seen in heard] == [core(seen) for seen in usual(subject)]


def other_names_change_only_the_names(subject: Subject) -> None:
    rows = attacked()
    account = mix(rows.account, 77)
    renamed = replace(rows, account=account, sender=replace(rows.sender, account_ids=strings([f"x{a}" for a in account])))
    name_of = dict(zip(renamed.sender.account_ids.texts(), rows.sender.account_ids.texts(), strict=True))
    heard = fed(subject.make(), renamed, UNTIL_S, every(60, UNTIL_S))
    back = [replace(s, members=tuple(msgspec.structs.replace(m, account_id=name_of[m.account_id]) for m in s.members)) for s in heard]
    assert [core(seen) for seen in back] == [core(seen) for seen in usual(subject)]


CHECKS: dict[Check, list[type[Busy]]] = {
    it_speaks_of_the_attack_it_is_made_for: [broken_on_purpose.IsMute],
    the_same_rows_however_cut_give_the_same_sightings: [broken_on_purpose.DependsOnCuts],
    a_restored_snapshot_continues_identically: [broken_on_purpose.ForgetsInSnapshots],
    a_snapshot_is_not_changed_by_what_follows: [broken_on_purpose.SharesItsState, broken_on_purpose.TakesStateAsItsOwn],
    a_poll_that_left_is_nothing_to_the_one_that_gets_its_number: [broken_on_purpose.NeverForgets],
    memory_is_bounded_for_ever_new_polls_and_accounts: [broken_on_purpose.Hoards],
    what_it_is_given_is_not_written_to: [broken_on_purpose.WritesToItsInput],
    numbers_are_in_range: [broken_on_purpose.GoesBeyondOne, broken_on_purpose.HasItsIntervalBeside],
    what_is_said_comes_in_order_and_never_before_its_time: [broken_on_purpose.LooksIntoTheFuture],
    an_accusation_has_evidence_for_both_sides: [broken_on_purpose.TellsOneSide],
    only_what_was_given_is_spoken_of: [broken_on_purpose.NamesStrangers],
    people_are_not_accused: [broken_on_purpose.AccusesCrowds],
    missing_fields_accuse_nobody: [broken_on_purpose.AccusesTheUnknown],
    nothing_is_said_of_nothing: [broken_on_purpose.SpeaksOfNothing],
    a_week_later_the_same_is_seen: [broken_on_purpose.LikesADay],
    other_names_change_only_the_names: [broken_on_purpose.JudgesByNames],
}
BROKEN = [(check, broken) for check, all_broken in CHECKS.items() for broken in all_broken]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SUBJECTS)
def test_contract(name: str, check: Check) -> None:
    check(SUBJECTS[name])


@pytest.mark.parametrize(("check", "broken"), BROKEN, ids=lambda one: one.__name__)
def test_who_breaks_the_contract_is_caught(check: Check, broken: type[Busy]) -> None:
    with pytest.raises(AssertionError):
        check(Subject(broken, broken, SUBJECTS["busy"].most_bytes))
