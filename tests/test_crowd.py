"""A crowd is told from a script inside one poll, by who voted: scripts with their members, crowds never."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from ballots_by_hand import START_MS, every, fed, together
from crowd_traffic import (
    BEGINS_S,
    LENGTH_S,
    POLLS,
    SCRIPT,
    SURGING,
    campus,
    celebrity,
    drip,
    flood,
    newcomers,
    one_client,
    ordinary,
    people,
    pulse,
    script,
    television,
    undercover,
    without,
)

from detectors.columns import Int64s
from detectors.crowd.detector import Crowd
from detectors.crowd.params import CrowdParams
from detectors.watcher import MOST_MEMBERS, Ballots, Sighting

Traffic = Callable[[np.random.Generator], Ballots]
UNTIL_S = LENGTH_S + 60


def hour(seed: int, *more: Traffic) -> Ballots:
    rng = np.random.default_rng(seed)
    return together([ordinary(rng), *(traffic(rng) for traffic in more)])


def watched(rows: Ballots, stops_ms: Iterable[int] = ()) -> list[Sighting]:
    return fed(Crowd(CrowdParams()), rows, UNTIL_S, stops_ms)


def named(seen: list[Sighting]) -> set[int]:
    """Return the numbers of accounts that are named in the end."""
    names: dict[tuple[int, str], set[str]] = {}
    for sighting in seen:
        of = names.setdefault((sighting.poll, sighting.cluster), set())
        of |= {member.account_id for member in sighting.members if member.score >= 0.5}
        of -= set(sighting.cleared)
    return {int(name.removeprefix("account-")) for of in names.values() for name in of}


def accusations(seen: list[Sighting]) -> list[Sighting]:
    return [sighting for sighting in seen if sighting.lean == "coordinated" and sighting.score > 1]


def scripted(rows: Ballots) -> Int64s:
    numbers: Int64s = rows.account[rows.account >= SCRIPT].astype(np.int64)
    return numbers


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("attack", "cover", "recall", "within_s"),
    [(flood, None, 0.97, 10), (undercover, celebrity, 0.95, 30), (pulse, None, 0.95, 60), (drip, None, 0.7, 1_200)],
    ids=["flood", "undercover", "pulse", "drip"],
)
def test_a_script_is_told_soon_with_its_members(
    attack: Traffic, cover: Traffic | None, recall: float, within_s: float, seed: int
) -> None:
    rows = hour(seed, attack, *([cover] if cover else []))
    seen = watched(rows, every(5, UNTIL_S))
    names, guilty = named(seen), set(scripted(rows).tolist())
    assert len(names & guilty) >= recall * len(guilty), f"seed {seed}"
    assert len(names - guilty) <= max(0.015 * len(names), 3), f"seed {seed}"
    begin_ms = int(rows.effective_ms[np.flatnonzero(rows.account >= SCRIPT)[0]])
    assert accusations(seen)[0].at_ms - begin_ms <= within_s * 1000, f"seed {seed}"
    assert {sighting.poll for sighting in accusations(seen)} == {SURGING}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("crowd", [celebrity, television, campus, newcomers, one_client], ids=lambda crowd: crowd.__name__)
def test_a_crowd_that_is_unusual_in_one_way_is_never_accused_and_is_called_organic(crowd: Traffic, seed: int) -> None:
    seen = watched(hour(seed, crowd))
    assert not accusations(seen), f"seed {seed}"
    assert not named(seen)
    said = [sighting for sighting in seen if sighting.poll == SURGING and sighting.kind == "composition"]
    assert said, f"seed {seed}"
    assert said[-1].lean == "organic", f"seed {seed}: {said[-1]}"
    assert said[-1].score <= 1


def test_a_script_beside_a_real_crowd_does_not_hide_the_crowd() -> None:
    seen = watched(hour(1, undercover, celebrity))
    organic = [sighting for sighting in seen if sighting.poll == SURGING and sighting.lean == "organic"]
    assert organic
    assert any("one post" in evidence.sentence for evidence in organic[-1].evidence)


def test_where_only_a_script_came_there_is_no_crowd() -> None:
    seen = watched(hour(1, flood))
    last = [sighting for sighting in seen if sighting.poll == SURGING and sighting.kind == "composition"][-1]
    assert last.lean == "none"


@pytest.mark.parametrize("missing", ["client", "created_ms", "network", "country", "followers", "referrer"])
def test_without_one_field_a_flood_is_still_told(missing: str) -> None:
    rows = without(hour(2, flood), missing)
    names, guilty = named(watched(rows)), set(scripted(rows).tolist())
    assert len(names & guilty) >= 0.9 * len(guilty)
    assert len(names - guilty) <= 0.02 * len(guilty)


@pytest.mark.parametrize(
    "missing", [("client", "created_ms"), ("client", "network"), ("created_ms", "network")], ids="+".join
)
def test_where_two_machine_fields_are_missing_nobody_is_accused_and_it_is_said(missing: tuple[str, ...]) -> None:
    for traffic in (flood, celebrity):
        seen = watched(without(hour(3, traffic), *missing))
        assert not accusations(seen)
        said = [sighting for sighting in seen if sighting.poll == SURGING and sighting.kind == "composition"]
        assert said[-1].lean == "none"
        assert "could not be looked at" in said[-1].evidence[-1].sentence


def test_a_field_that_only_the_surge_lacks_accuses_nobody() -> None:
    rng = np.random.default_rng(5)
    bare = without(celebrity(rng), "client", "created_ms", "network", "country", "followers", "referrer")
    assert not accusations(watched(together([ordinary(rng), bare])))


def test_the_suspected_votes_are_as_many_as_there_are_and_the_interval_covers() -> None:
    misses = []
    for seed in range(8):
        rows = hour(seed, undercover, celebrity)
        last = accusations(watched(rows))[-1].suspects[0]
        true, votes = len(scripted(rows)), int(np.count_nonzero(rows.poll == SURGING))
        assert abs(last.votes - true) <= 0.02 * votes, f"seed {seed}"
        misses += [] if last.low <= true <= last.high else [seed]
        assert max(last.options, key=lambda option: last.options[option]) == 1
    assert len(misses) <= 1, f"seeds {misses}"


def test_a_group_of_more_than_one_sighting_can_hold_is_named_in_several() -> None:
    rng = np.random.default_rng(8)
    fast = script(rng, rng.uniform(BEGINS_S + 0.1, BEGINS_S + 0.9, 6_000), SURGING, 0.5, 4, 40)
    rows = together([ordinary(rng), fast])
    seen = watched(rows.take(rows.effective_ms < START_MS + (BEGINS_S + 1) * 1000))
    assert max(len(sighting.members) for sighting in seen) <= MOST_MEMBERS
    assert len(named(seen) & set(scripted(fast).tolist())) >= 0.97 * len(fast)


def test_a_script_that_votes_again_is_counted_once() -> None:
    rng = np.random.default_rng(9)
    once = flood(rng)
    again = replace(once, effective_ms=once.effective_ms + 150_000, option=once.option * 0)
    seen = watched(together([ordinary(rng), once, again]))
    assert accusations(seen)[-1].suspects[0].votes == pytest.approx(len(once), rel=0.02)


def test_replies_are_not_votes() -> None:
    rows = hour(2, flood)
    replies = rows.take(np.flatnonzero(rows.account >= SCRIPT))
    replies.option[:] = -1
    assert not accusations(watched(together([ordinary(np.random.default_rng(2)), replies])))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_votes_however_cut_give_the_same_answer(seed: int) -> None:
    rows = hour(seed, flood, celebrity)
    rng = np.random.default_rng(seed)
    stops = [int(stop) * 250 for stop in rng.integers(1, int(UNTIL_S * 4), 400)]
    assert watched(rows, sorted(set(stops))) == watched(rows), f"seed {seed}"


def test_a_log_that_forgets_gives_the_same_answer_however_it_is_cut() -> None:
    rows, params = hour(4, flood, celebrity), CrowdParams(log_votes=1_000)
    whole = fed(Crowd(params), rows, UNTIL_S)
    assert accusations(whole)
    assert fed(Crowd(params), rows, UNTIL_S, every(7.25, UNTIL_S)) == whole


def test_a_poll_that_left_leaves_nothing_to_the_next_with_its_number() -> None:
    rng = np.random.default_rng(6)
    crowd = Crowd(CrowdParams())
    first = together([ordinary(rng), flood(rng)])
    early = first.take(first.effective_ms < START_MS + round((BEGINS_S + 60) * 1000))
    assert accusations(fed(crowd, early, BEGINS_S + 60))
    crowd.forget(np.arange(POLLS))
    later = people(rng, BEGINS_S + 60 + rng.uniform(0, 900, 600), SURGING)
    until_ms = START_MS + round((BEGINS_S + 1_000) * 1000)
    assert not accusations(crowd.observe(later, until_ms))
    next_script = script(rng, rng.uniform(BEGINS_S + 1_000, BEGINS_S + 1_060, 900), SURGING, 0.5, 4, 40)
    told = accusations(crowd.observe(next_script, START_MS + round((BEGINS_S + 1_100) * 1000)))
    assert (told[0].phase, told[0].cluster) == ("opened", "crowd-1")
    assert told[0].start_ms >= until_ms


def test_every_member_has_reasons_that_hold_for_it() -> None:
    members = [member for sighting in watched(hour(2, flood)) for member in sighting.members]
    reasons = [set(member.reasons) for member in members]
    usual = {"born_together", "new_account", "few_networks", "one_client", "few_followers", "no_referrer"}
    assert np.mean([usual <= of for of in reasons]) > 0.8
    assert np.mean(["same_option" in of for of in reasons]) == pytest.approx(0.95, abs=0.04)
    assert not any("one_country" in of for of in reasons)


@pytest.mark.parametrize("seed", range(4))
def test_where_one_crowd_is_all_that_is_known_a_script_is_told_by_its_few_networks_and_people_are_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    homes = rng.integers(1, 100_000, 1_124).astype(np.uint32)
    known = people(rng, np.sort(rng.uniform(0, BEGINS_S, 224)), 0, client=np.full(224, 12, np.uint32), network=homes[:224])
    others = people(rng, np.sort(rng.uniform(BEGINS_S, BEGINS_S + 300, 900)), 1, network=homes[224:])
    rows = together([known, others, flood(rng)])
    seen = watched(rows)
    names, guilty = named(seen), set(scripted(rows).tolist())
    assert len(names & guilty) > 0.97 * len(guilty)
    assert not [sighting for sighting in accusations(seen) if sighting.poll != SURGING]
