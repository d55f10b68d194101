"""What a soak sends is known to the vote, and what is lost, missed or grows is seen."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.ending import Ending
from benchmarks.soak.memory import Sample, rise
from benchmarks.soak.run import Soaked, miscounted, unnoticed
from benchmarks.soak.table import judge, soaked_as_table
from benchmarks.soak.traffic import Flood, Sent, SoakTraffic

SMALL = SoakTraffic(seconds=40, lines_per_s=1_000, cycle_s=5, polls=20, accounts=2_000)


def test_how_many_votes_each_poll_must_have_is_known_and_floods_and_refused_lines_too() -> None:
    traffic = replace(SMALL, sent=Sent())
    people = traffic.people()
    partition = (np.arange(len(people)) % 4).astype(np.int32)
    voters: dict[str, set[str]] = defaultdict(set)
    refused, ids, live = 0, set(), 0
    for lot in traffic.lots(partition, people):
        assert len(lot.lines) == len(lot.partitions) == len(lot.kinds)
        for line in lot.lines:
            try:
                vote = json.loads(line)
            except ValueError:
                refused += 1
                continue
            assert lot.first_ms - 50 <= vote["ts"] <= lot.latest_ms
            voters[vote["poll_id"]].add(vote["account_id"])
            live += vote["event_id"] in ids
            ids.add(vote["event_id"])
    assert {poll: len(who) for poll, who in voters.items()} == traffic.sent.votes
    assert refused == traffic.sent.refused == 200
    assert live > 400, "no event comes twice"
    floods = traffic.sent.floods
    assert len(floods) == len({flood.poll_id for flood in floods}) == len(set(traffic.flood_slots())) // 40 > 0
    assert all(flood.end_ms - flood.begin_ms == 2_000 for flood in floods)


@pytest.fixture
def soaked() -> Soaked:
    alert = {"data": {"case_id": "c", "poll_ids": ["p"], "opened_ms": 1_500}}
    return Soaked(
        seconds=100.0, lines=1_000, behind_s=0.0, settled_s=101.0, restarts=0, last_words=[],
        sent=Sent({"p": 5, "q": 7}, 3, [Flood("p", 1_000, 3_000)]),
        found=Ending({"c:1": alert}, {}, {"p": {"votes": 5}, "q": {"votes": 7}}, 3),
        samples=[Sample(float(at_s), 100, 200 + at_s % 2) for at_s in range(100)],
    )  # fmt: skip


def test_a_soak_in_which_all_went_well_reaches_every_floor(soaked: Soaked) -> None:
    assert [verdict.what for verdict in judge(soaked, 10, 50) if not verdict.reached] == []
    assert "workers ended by themselves" in soaked_as_table(soaked)


def test_what_is_lost_or_missed_or_grows_misses_its_floor(soaked: Soaked) -> None:
    soaked.found.estimates = {"p": {"votes": 4}, "r": {"votes": 1}}
    soaked.found.dead_letters = 2
    soaked.found.wrong.append("an alert is not what was promised")
    soaked.sent.floods.append(Flood("q", 1_000, 3_000))
    soaked.samples = [Sample(sample.at_s, 100, 200 + int(sample.at_s)) for sample in soaked.samples]
    assert miscounted(soaked) == [
        "poll p: 4 votes instead of 5", "poll q: 0 votes instead of 7", "poll r: 1 votes instead of 0"
    ]  # fmt: skip
    assert unnoticed(soaked) == [Flood("q", 1_000, 3_000)]
    assert [verdict.what for verdict in judge(soaked, 11, 50) if not verdict.reached] == [
        "lines/s sent", "polls miscounted", "different dead letters", "things said that nobody may say", "floods without a case",
        "rise of memory after warm-up, %",
    ]  # fmt: skip


def test_memory_is_not_judged_where_it_is_still_filling(soaked: Soaked) -> None:
    told = [{verdict.what for verdict in judge(soaked, 10, warm_up_s)} for warm_up_s in (66, 67)]
    assert told[0] - told[1] == {"rise of memory after warm-up, %"}


def test_memory_that_jumps_now_and_then_is_flat_and_one_that_creeps_is_not() -> None:
    at_s = list(range(120))
    jumps = [1_000.0 + 800.0 * (moment % 5 == 0) for moment in at_s]
    assert abs(rise(at_s, jumps)) < 0.01
    assert rise(at_s, [size + moment for moment, size in enumerate(jumps)]) == pytest.approx(0.11, abs=0.02)
    assert np.isnan(rise(at_s[:9], jumps[:9]))
