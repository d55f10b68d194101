"""A worker killed at any moment changes nothing in the end; and what compares two ends sees what differs."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from alert_schema import valid_alert
from kafka import KafkaProducer

from benchmarks.chaos.fleet import Fleet
from benchmarks.chaos.recorded import Recorded
from benchmarks.chaos.rounds import Ground, Outcome, play
from benchmarks.chaos.table import outcomes_as_table
from benchmarks.deployment import Deployment
from benchmarks.ending import Ending, differences, of_topics
from config import TopicRole

SMALL = Recorded(votes=50_000, polls=100, accounts=30_000, scenario="small")
FIRST_SEED = random.SystemRandom().randrange(1_000_000)


@pytest.fixture(scope="module")
def ground(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(kafka, tmp_path_factory.mktemp("chaos"), None, SMALL, lines_per_s=20_000, valid=valid_alert)


@pytest.fixture(scope="module")
def undisturbed(ground: Ground) -> Ending:
    found = ground.undisturbed(4)
    assert len(found.cases()) > 10, "too little happens in it"
    assert len(found.named()) > 1_000, "nobody is named in it"
    assert found.dead_letters > 10, "nothing is refused in it"
    return found


@pytest.mark.broker
@pytest.mark.parametrize("number", range(3))
def test_of_two_workers_one_is_killed_at_a_random_moment_and_the_end_is_that_of_an_undisturbed_run(
    ground: Ground, undisturbed: Ending, number: int
) -> None:
    print(f"seed {FIRST_SEED + number}")
    outcome = play(ground, "kill", FIRST_SEED + number)
    assert outcome.wrong == []
    # not how fast: others use the machine, too
    assert outcome.takeover_s is not None
    assert outcome.restarts == 0


@pytest.mark.broker
def test_a_worker_that_ends_by_itself_is_started_again_and_one_that_was_stopped_is_not(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    with Fleet(Deployment(kafka, topic_prefix, tmp_path)) as fleet:
        fleet.start(2)
        stopped, ended = fleet.workers
        fleet.kill(stopped)
        ended.kill()
        fleet.tend()
        assert fleet.restarts == len(fleet.workers) == 1
        assert fleet.workers[0].exit_code is None
        assert "exit -9" in fleet.last_words[0]


@pytest.mark.broker
def test_what_is_said_again_is_counted_and_what_is_said_otherwise_than_before_is_wrong(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()
    alert = (
        b'{"id":"c:1","subject":"p","data":{"case_id":"c","revision":1,"confidence":%s,"made_by":{"mode":"live","version":"%d"}}}'
    )
    said = [alert % (b"0.5", 1), alert % (b"0.5", 2), alert % (b"0.6", 1)]
    producer = KafkaProducer(bootstrap_servers=kafka)
    for value in said:
        producer.send(deployment.topic(TopicRole.ALERTS), value, b"p", [("content-type", b"application/cloudevents+json")])
    producer.close()
    found = of_topics(deployment)
    assert found.repeats == 2
    assert found.wrong == ["c:1 said two things: data.confidence is 0.6 instead of 0.5"]
    assert differences(found, found) == found.wrong


def an_end() -> Ending:
    item = {"item_id": "c:1", "case_id": "c", "revision": 2, "part": 1, "parts": 1, "accounts": [{"account_id": "a", "score": 0.9}]}
    return Ending(
        alerts={"c:1": {"id": "c:1", "data": {"case_id": "c"}}, "c:2": {"id": "c:2", "data": {"case_id": "c"}}},
        items={("c:1", 2): item},
        estimates={"p": {"poll_id": "p", "votes": 100, "options": {"yes": 60, "no": 40}}},
        dead_letters=3,
    )


def test_equal_ends_do_not_differ_however_often_something_was_said() -> None:
    again = an_end()
    again.repeats = 7
    assert differences(an_end(), again) == []


CHANGES: list[tuple[Callable[[Ending], object], str]] = [
    (lambda end: end.estimates["p"].update(votes=99), "votes that count: 99 instead of 100"),
    (lambda end: end.estimates["p"]["options"].update(yes=59, no=41), "options.yes is 59 instead of 60"),
    (lambda end: end.estimates.clear(), "estimate p is missing"),
    (lambda end: end.alerts["c:2"]["data"].update(verdict="organic"), "data.verdict is 'organic' instead of None"),
    (lambda end: end.alerts.pop("c:2"), "alert c:2 is missing"),
    (lambda end: end.alerts.update({"d:1": {"id": "d:1", "data": {"case_id": "d"}}}), "case d should not be there"),
    (lambda end: end.items["c:1", 2]["accounts"].clear(), "named account ('c', 'a') is missing"),
    (lambda end: end.items.update({("c:1", 3): end.items["c:1", 2]}), "item ('c:1', 3) should not be there"),
    (lambda end: setattr(end, "dead_letters", 2), "different dead letters: 2 instead of 3"),
]


@pytest.mark.parametrize(("change", "seen"), CHANGES)
def test_whatever_differs_is_seen(change: Callable[[Ending], object], seen: str) -> None:
    found = an_end()
    change(found)
    assert any(seen in line for line in differences(an_end(), found))


def test_a_round_passes_only_when_nothing_is_wrong_and_somebody_took_over_in_time() -> None:
    good = Outcome("kill", 7, 12.0, 9.5, 20.0, 0, 3, [])
    late = Outcome("kill", 8, 12.0, 20.5, 20.0, 0, 3, [])
    never = Outcome("kill", 9, 12.0, None, 20.0, 1, 3, ["not within 300 s: everything committed"])
    assert [outcome.passed for outcome in (good, late, never)] == [True, False, False]
    table = outcomes_as_table([good, late, never])
    assert "| kill | 7 | 12.0 | 9.5 | 0 | 3 | yes |" in table
    assert "| **20.5** (at most 20) |" in table
    assert "1 of 3 rounds passed." in table
    assert "- kill, seed 9: not within 300 s: everything committed" in table
