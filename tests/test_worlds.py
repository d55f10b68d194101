"""Worlds of the lab: what their scenarios promise, seen in events and labels alone."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from lab.attacks import ATTACKS
from lab.delivery import OPTIONAL, Delays
from lab.worlds import SCENARIOS, Scenario, World, world

REQUIRED = {"type", "event_id", "poll_id", "account_id", "ts"}
SEED = 7
SCRIPTED = ("flood", "undercover", "pulse")


@cache
def made(scenario: str, seed: int = SEED) -> World:
    return world(SCENARIOS[scenario], seed)


def votes_of(told: World, kind: str) -> list[dict[str, Any]]:
    kinds = told.labels["attack_votes"]
    return list({event["event_id"]: event for event in told.events if kinds.get(event["event_id"]) == kind}.values())


def organic_votes(told: World) -> list[dict[str, Any]]:
    kinds = told.labels["attack_votes"]
    first = {event["event_id"]: event for event in told.events if event["type"] == "vote"}
    return [event for event_id, event in first.items() if event_id not in kinds]


def by_poll(votes: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for vote in votes:
        grouped[vote["poll_id"]].append(vote)
    return grouped


def test_the_same_seed_makes_the_same_world_and_another_seed_another() -> None:
    again = world(SCENARIOS["small"], SEED)
    assert again.events == made("small").events
    assert again.labels == made("small").labels
    assert world(SCENARIOS["small"], SEED + 1).events[:100] != again.events[:100]


@pytest.mark.parametrize("scenario", sorted(set(SCENARIOS) - {"large"}))
def test_a_world_has_the_polls_crowds_and_attacks_of_its_scenario(scenario: str) -> None:
    told, mix = made(scenario), SCENARIOS[scenario]
    assert len(told.labels["polls"]) == mix.polls
    assert Counter(attack["kind"] for attack in told.labels["attacks"]) == +Counter(mix.attacks)
    assert Counter(crowd["kind"] for crowd in told.labels["hard_negatives"]) == +Counter(mix.crowds)
    assert {event["poll_id"] for event in told.events} == set(told.labels["polls"])
    length_ms = mix.minutes * 60_000
    times_ms = [event["ts"] for event in told.events]
    assert 0.9 * length_ms < max(times_ms) - min(times_ms) < length_ms


@pytest.mark.parametrize("seed", range(3))
def test_labels_and_events_tell_the_same(seed: int) -> None:
    told = made("small", seed)
    first = {event["event_id"]: event for event in told.events}
    votes = [(kind, first[event_id]) for event_id, kind in told.labels["attack_votes"].items()]
    assert told.labels["events"] == len(first), seed
    assert told.labels["bot_votes"] == Counter(vote["poll_id"] for _, vote in votes), seed
    assert all(told.labels["accounts"][vote["account_id"]] == kind for kind, vote in votes), seed
    assert {vote["account_id"] for _, vote in votes} == set(told.labels["accounts"]), seed
    for attack in told.labels["attacks"]:
        of_kind = [vote for kind, vote in votes if kind == attack["kind"]]
        assert attack["votes"] == len(of_kind), seed
        assert attack["accounts"] == len({vote["account_id"] for vote in of_kind}), seed
        assert set(attack["poll_ids"]) == set(attack["polls"]) == {vote["poll_id"] for vote in of_kind}, seed
        times_ms = [vote["ts"] for vote in of_kind]
        assert (attack["start_ms"], attack["end_ms"]) == (min(times_ms), max(times_ms)), seed


def test_accounts_to_be_named_do_nothing_else_and_those_that_were_taken_over_do() -> None:
    told = made("world")
    elsewhere = {vote["account_id"] for vote in organic_votes(told)}
    kinds = told.labels["accounts"]
    assert not {account for account in elsewhere if kinds.get(account, "hijacked") != "hijacked"}
    victims = {account for account, kind in kinds.items() if kind == "hijacked"}
    assert len(victims & elsewhere) > len(victims) / 2


def test_everybody_votes_once_in_a_poll_but_those_who_think_again() -> None:
    shares = []
    for seed in range(6):
        votes = organic_votes(made("small", seed))
        shares.append(1 - len({(vote["account_id"], vote["poll_id"]) for vote in votes}) / len(votes))
    assert max(shares) < 0.02
    assert min(shares) == 0.0
    assert sum(share > 0 for share in shares) >= 2


def test_events_come_nearly_in_order_and_some_of_them_twice_or_minutes_late() -> None:
    latest, twice = [], []
    for seed in range(6):
        events = made("small", seed).events
        ts_ms = np.array([event["ts"] for event in events])
        behind_ms = np.maximum.accumulate(ts_ms) - ts_ms
        assert np.quantile(behind_ms, 0.9) < 3_000, seed
        latest.append(int(behind_ms.max()))
        twice.append(len(events) - len({event["event_id"] for event in events}))
    assert max(latest) > 60_000
    assert max(twice) > 10


def test_a_network_that_was_down_delivers_everything_at_once_minutes_late() -> None:
    scenario, usual = SCENARIOS["ring"], Delays(usual_ms=100, slow_share=0, phones=0, outages=0, twice=0)
    for seed in range(4):
        down = world(scenario, seed, replace(usual, outages=1))
        ts_ms = np.array([event["ts"] for event in down.events])
        held = np.flatnonzero(np.maximum.accumulate(ts_ms) - ts_ms > 10_000)
        assert len({down.events[row]["network"] for row in held}) == 1, seed
        up_ms = np.array([event["ts"] for event in world(scenario, seed, usual).events])
        assert (np.maximum.accumulate(up_ms) - up_ms).max() < 5_000, seed


def test_a_bare_world_has_no_optional_field_and_is_otherwise_the_same() -> None:
    bare, whole = made("bare"), made("world")
    assert {name for event in bare.events for name in event} == REQUIRED | {"option", "text"}
    assert {name for event in whole.events for name in event} == REQUIRED | {"option", "text"} | set(OPTIONAL)
    kept = [{name: value for name, value in event.items() if name not in OPTIONAL} for event in whole.events]
    assert kept == bare.events
    assert bare.labels == whole.labels


@pytest.mark.parametrize("scenario", ["named", "numbered"])
def test_a_world_with_names_is_otherwise_the_same(scenario: str) -> None:
    other, whole = made(scenario), made("world")
    names = {event["account_id"] for event in other.events}
    assert len(names) == len({event["account_id"] for event in whole.events})
    kept = [[{k: v for k, v in event.items() if k != "account_id"} for event in told.events] for told in (other, whole)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize("kind", [*SCRIPTED, "drip"])
def test_in_a_world_of_chosen_names_a_scripts_are_alike_and_peoples_are_not(kind: str) -> None:
    told = made("named")
    shape = str.maketrans("abcdefghijklmnopqrstuvwxyz0123456789", "a" * 26 + "0" * 10)
    for votes, least, most in ((votes_of(told, kind), 0.1, 1.0), (organic_votes(told), 0.0, 0.08)):
        shapes = Counter(vote["account_id"].lower().translate(shape) for vote in votes)
        assert least <= shapes.most_common(1)[0][1] / len(votes) <= most


@pytest.mark.parametrize("kind", SCRIPTED)
def test_a_script_has_one_client_and_networks_of_its_own_and_accounts_of_one_window(kind: str) -> None:
    told = made(kind)
    votes, others = votes_of(told, kind), organic_votes(told)
    assert len({vote["client"] for vote in votes}) == 1
    hosts = {vote["network"] for vote in votes}
    assert len(hosts) < len({vote["account_id"] for vote in votes}) / 5
    assert not hosts & {vote["network"] for vote in others}
    born_ms = [vote["account_created_at"] for vote in votes]
    ages_ms = [vote["account_created_at"] for vote in others]
    assert max(born_ms) - min(born_ms) < (max(ages_ms) - min(ages_ms)) / 4
    assert not any("referrer" in vote for vote in votes)


@pytest.mark.parametrize(("kind", "most_ms"), [("lockstep", 40_000), ("ring", 90_000), ("swarm", 1_200_000)])
def test_accounts_that_meet_do_it_in_most_of_their_polls_and_look_like_anybody(kind: str, most_ms: int) -> None:
    votes = votes_of(made(kind), kind)
    polls = by_poll(votes)
    assert len(polls) >= 5
    for meeting in polls.values():
        times_ms = [vote["ts"] for vote in meeting]
        assert max(times_ms) - min(times_ms) <= most_ms
    attended = Counter(vote["account_id"] for vote in votes)
    assert np.mean(list(attended.values())) > 0.4 * len(polls)
    assert len({vote["client"] for vote in votes}) > 1
    assert len({vote["network"] for vote in votes}) > len(attended) / 3


def test_a_drip_keeps_one_rate_for_hours() -> None:
    times_ms = np.array([vote["ts"] for vote in votes_of(made("drip"), "drip")])
    assert np.ptp(times_ms) > 80 * 60_000
    parts, _ = np.histogram(times_ms, bins=10)
    assert parts.max() < 2 * parts.min()


def test_a_hijacking_by_clockwork_is_more_regular_than_chance_and_a_random_one_is_not() -> None:
    spread: dict[str, list[float]] = {"clockwork": [], "random": []}
    for seed in range(8):
        told = made("hijacked", seed)
        attack, votes = told.labels["attacks"][0], votes_of(told, "hijacked")
        assert len({vote["option"] for vote in votes}) == 1
        assert attack["level"] == "poll"
        counts = np.bincount((np.array([vote["ts"] for vote in votes]) - attack["start_ms"]) // 2_000)[1:-1]
        spread[attack["spacing"]].append(counts.var() / counts.mean())
    assert spread["clockwork"]
    assert spread["random"]
    assert max(spread["clockwork"]) < 0.5 < min(spread["random"])


def test_a_swarm_says_nearly_the_same_and_people_do_not() -> None:
    told = made("swarm")
    accounts = told.labels["accounts"]
    said: dict[bool, list[str]] = {True: [], False: []}
    for event in told.events:
        if event["type"] == "reply" and len(event["text"]) > 60:
            said[event["account_id"] in accounts].append(event["text"])
    assert len(said[True]) > 300
    assert share_of_common_runs(said[True]) > 0.9
    # a meme is among them
    assert share_of_common_runs(said[False]) < 0.4


def share_of_common_runs(texts: list[str]) -> float:
    """Return for how many texts some run of 20 letters is found in five or more texts."""
    runs = [{text[start : start + 20] for start in range(len(text) - 19)} for text in texts]
    common = {run for run, number in Counter(run for found in runs for run in found).items() if number >= 5}
    return sum(bool(found & common) for found in runs) / len(texts)


def test_people_speak_several_languages() -> None:
    scripts = Counter(
        unicodedata.name(event["text"][0], "?").split()[0]
        for seed in range(6)
        for event in made("small", seed).events
        if event["type"] == "reply"
    )
    assert {"LATIN", "CYRILLIC", "HIRAGANA", "CJK"} <= set(scripts)


def test_attacks_in_disguise_show_less() -> None:
    plain, less = (Counter[str](), Counter[str]())
    for seed in range(4):
        for told, counted in ((made("world", seed), plain), (made("disguised", seed), less)):
            counted["votes"] += sum(told.labels["bot_votes"].values())
            for kind in (*SCRIPTED, "drip"):
                counted["clients"] += len({vote["client"] for vote in votes_of(told, kind)})
    assert less["votes"] < 0.8 * plain["votes"]
    assert less["clients"] > 1.2 * plain["clients"]


def test_fans_meet_again_and_again() -> None:
    told = made("organic")
    rallies: dict[str, set[str]] = defaultdict(set)
    for vote in organic_votes(told):
        if vote.get("referrer", "").startswith("rally-"):
            rallies[vote["referrer"]].add(vote["account_id"])
    seen = Counter(account for fans in rallies.values() for account in fans)
    assert sum(number >= 3 for number in seen.values()) > 100


def test_a_scenario_that_asks_for_too_many_polls_says_so() -> None:
    with pytest.raises(ValueError, match="polls"):
        world(Scenario(60, 3, {"fandom": 1}), SEED)


def test_every_kind_of_attack_has_a_scenario_of_its_own() -> None:
    assert set(ATTACKS) <= set(SCENARIOS)
