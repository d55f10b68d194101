"""The demo's story: what it tells, that it can be told again, and that its truth is in the labels and nowhere else."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest

from lab.story import BACKGROUND_POLLS, LENGTH_MS, PEACE_PLAN, PRESIDENT, Story, story
from streams.decode import Decoder, Kind

START_MS = 1_664_820_000_000
WEEK_MS = 7 * 86_400_000
SEED = 3


@pytest.fixture(scope="module")
def told() -> Story:
    return story(SEED, START_MS)


def votes_of(told: Story, poll_id: str) -> list[dict[str, Any]]:
    return [event for event in told.events if event["poll_id"] == poll_id and event["type"] == "vote"]


def per_second(events: list[dict[str, Any]]) -> list[int]:
    counts = Counter((event["ts"] - START_MS) // 1000 for event in events)
    return [counts[second] for second in range(LENGTH_MS // 1000)]


def attack(told: Story) -> Mapping[str, Any]:
    (only,) = msgspec.convert(told.labels["attacks"], list[dict[str, Any]])
    return only


def scripted(told: Story) -> list[dict[str, Any]]:
    accounts = msgspec.convert(told.labels["accounts"], dict[str, str])
    return [event for event in told.events if event["account_id"] in accounts]


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    first, again, other = (story(seed, START_MS, 0.05) for seed in (1, 1, 2))
    assert (first.events, first.labels) == (again.events, again.labels)
    assert not {event["event_id"] for event in first.events} & {event["event_id"] for event in other.events}


def test_every_event_is_a_good_record_with_all_that_a_platform_may_know(told: Story) -> None:
    lines = [msgspec.json.encode(event) for event in told.events]
    decoded = Decoder(bytes(16), 1_000_000, None, 0).recording(lines)
    assert decoded.refused == []
    assert len(set(decoded.event.tolist())) == len(lines)
    assert decoded.ts_ms.min() >= START_MS
    assert decoded.ts_ms.max() < START_MS + LENGTH_MS
    assert np.count_nonzero(decoded.kind == Kind.REPLY) > len(lines) / 50
    optional = {"account_created_at", "followers", "client", "network", "country"}
    assert all(optional <= event.keys() for event in told.events)
    assert any("referrer" in event for event in told.events)
    assert 60_000 < len(lines) < 120_000


def test_events_arrive_a_little_out_of_order(told: Story) -> None:
    ts_ms = np.array([event["ts"] for event in told.events])
    behind_ms = np.maximum.accumulate(ts_ms) - ts_ms
    assert 0 < np.count_nonzero(behind_ms) < len(ts_ms)
    assert np.quantile(behind_ms, 0.98) < 1_000
    assert behind_ms.max() < 5_000


def test_nobody_votes_twice_in_one_poll(told: Story) -> None:
    pairs = [(event["poll_id"], event["account_id"]) for event in told.events if event["type"] == "vote"]
    assert len(set(pairs)) == len(pairs)


def test_the_first_minute_is_quiet_in_every_poll(told: Story) -> None:
    for poll_id in {event["poll_id"] for event in told.events} - {PRESIDENT}:
        quiet = per_second(votes_of(told, poll_id))[:60]
        mean = np.mean(quiet)
        assert mean > 0.5
        assert max(quiet) < mean + 6 * mean**0.5, f"seed {SEED}, {poll_id}"
    assert sum(per_second(votes_of(told, PRESIDENT))[:60]) == 0
    assert len({event["poll_id"] for event in told.events}) == BACKGROUND_POLLS + 2


def test_a_crowd_rises_fast_and_fades_with_a_heavy_tail(told: Story) -> None:
    rate = np.array(per_second(votes_of(told, PRESIDENT)), dtype=float)
    peak = int(rate.argmax())
    assert 62 <= peak <= 85
    assert rate[peak] > 300
    late = rate[peak + 60 : peak + 90].mean()
    assert rate[peak] / 50 < late < rate[peak] / 3, "an exponential fading would have left nothing"


def test_the_script_is_accounts_of_one_week_on_few_networks_at_one_rate(told: Story) -> None:
    bots = scripted(told)
    created = [event["account_created_at"] for event in bots]
    assert max(created) - min(created) <= WEEK_MS
    assert len({event["network"] for event in bots}) <= 5
    assert len({event["client"] for event in bots}) == 1
    working = per_second(bots)[116:154]
    assert max(working) - min(working) < 0.1 * np.mean(working)
    assert {(event["poll_id"], event["option"]) for event in bots} == {(PEACE_PLAN, "no")}


def test_the_crowd_that_the_script_hides_in_is_real_and_larger(told: Story) -> None:
    bots = {event["account_id"] for event in scripted(told)}
    crowd = [event for event in votes_of(told, PEACE_PLAN) if event["account_id"] not in bots]
    assert sum(event["option"] == "no" for event in crowd) > 1.5 * len(bots)
    assert len({event["network"] for event in crowd}) > 3_000
    assert len({event["client"] for event in crowd}) >= 4
    created = np.array([event["account_created_at"] for event in crowd])
    assert np.ptp(created) > 8 * 365 * 86_400_000
    both = {event["account_id"] for event in votes_of(told, PRESIDENT)} & {
        event["account_id"] for event in crowd
    }
    assert len(both) > 5_000


def test_labels_have_the_form_of_a_labelled_recording(told: Story) -> None:
    labels, truth = told.labels, attack(told)
    assert labels.keys() == {
        "attacks", "accounts", "attack_votes", "bot_votes", "hard_negatives", "polls", "events"
    }  # fmt: skip
    assert labels["events"] == len(told.events)
    assert truth["kind"] == "flood"
    assert truth["level"] == "account"
    assert truth["accounts"] == truth["votes"] == len(scripted(told))
    assert labels["bot_votes"] == {PEACE_PLAN: truth["votes"]}
    assert labels["attack_votes"] == {event["event_id"]: "flood" for event in scripted(told)}
    assert truth["start_ms"] == min(event["ts"] for event in scripted(told))
    polls = msgspec.convert(labels["polls"], dict[str, dict[str, list[str]]])
    for event in told.events:
        assert event["type"] == "reply" or event["option"] in polls[event["poll_id"]]["options"]


def test_names_do_not_tell_who_is_a_script(told: Story) -> None:
    bots = {event["account_id"] for event in scripted(told)}
    others = {event["account_id"] for event in told.events} - bots
    for at in range(1, 13):
        shares = [Counter(name[at] for name in names) for names in (bots, others)]
        apart = sum(abs(shares[0][x] / len(bots) - shares[1][x] / len(others)) for x in "0123456789abcdef")
        assert apart < 0.1, f"seed {SEED}: character {at} of an id"


def test_scale_changes_how_many_and_not_when() -> None:
    small = story(SEED, START_MS, 0.1)
    assert 6_000 < len(small.events) < 12_000
    assert abs(attack(small)["start_ms"] - START_MS - 115_000) < 500
