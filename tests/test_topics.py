"""Topics on a real Kafka: created as the table says, compared, never changed."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaAdminClient

from config.schema import Intake, TopicRole, Topics
from streams.topic_table import Must, TopicSpec, Wanted, desired_topics, largest_request_bytes
from streams.topics import (
    TopicsError,
    admin_client,
    compare,
    create_missing,
    differences,
    run_topics,
    topic_ids,
)


@pytest.fixture
def admin(kafka: str) -> Iterator[KafkaAdminClient]:
    with admin_client({"bootstrap_servers": kafka}) as client:
        yield client


@pytest.fixture
def topics(topic_prefix: str) -> Topics:
    return Topics(prefix=topic_prefix, partitions=3, replication=1)


@pytest.fixture
def desired(topics: Topics) -> dict[str, TopicSpec]:
    return desired_topics(topics, Intake())


def as_created(spec: TopicSpec) -> dict[str, str]:
    return {setting: str(wanted.value) for setting, wanted in spec.settings().items()}


def create_with(admin: KafkaAdminClient, name: str, spec: TopicSpec, changed: dict[str, str]) -> None:
    values = as_created(spec) | changed
    partitions, copies = int(values.pop("partitions")), int(values.pop("replication"))
    creation: dict[str, Any] = {"num_partitions": partitions, "replication_factor": copies, "configs": values}
    admin.create_topics({name: creation}, wait_for_metadata=True)


def test_every_topic_of_the_contract_is_in_the_table() -> None:
    assert set(desired_topics(Topics(), Intake())) == {
        "poll.votes",
        "poll.replies",
        "poll.polls",
        "moderation.verdicts",
        "pollwatch.alerts",
        "pollwatch.moderation",
        "pollwatch.integrity",
        "pollwatch.dead-letter",
        "pollwatch.exchange",
        "pollwatch.findings",
        "pollwatch.state",
    }


def test_whatever_an_input_may_carry_fits_into_the_dead_letter() -> None:
    topics = Topics()
    for intake in (Intake(), Intake(max_record_bytes=50_000_000)):
        table = desired_topics(topics, intake)
        room = int(table[topics.name(TopicRole.DEAD_LETTER)].config["max.message.bytes"].value)
        for role in (TopicRole.VOTES, TopicRole.REPLIES):
            limit = table[topics.name(role)].config["max.message.bytes"]
            assert limit.must is Must.AT_MOST
            assert intake.max_record_bytes < int(limit.value) < room


def test_whatever_a_worker_may_send_the_topics_between_the_stages_take() -> None:
    for intake in (Intake(), Intake(max_record_bytes=50_000_000)):
        table = desired_topics(Topics(), intake)
        for role in (TopicRole.EXCHANGE, TopicRole.FINDINGS):
            limit = table[Topics().name(role)].config["max.message.bytes"]
            assert limit.must is Must.AT_LEAST
            assert 16 << 20 <= int(limit.value) <= largest_request_bytes(intake)


def test_three_copies_demand_two_in_sync_and_fewer_copies_one() -> None:
    for copies, in_sync in ((1, 1), (2, 1), (3, 2), (5, 2)):
        for spec in desired_topics(Topics(replication=copies), Intake()).values():
            assert spec.replication.value == copies
            assert spec.config["min.insync.replicas"].value == in_sync


def test_how_long_each_topic_is_kept_is_a_setting_of_its_own() -> None:
    hours: dict[str, Any] = {
        "input_retention_hours": 100, "output_retention_hours": 200, "moderation_retention_hours": 300,
        "dead_letter_retention_hours": 400, "exchange_retention_hours": 500, "integrity_retention_hours": 600,
        "state_compaction_hours": 700,
    }  # fmt: skip
    table = desired_topics(Topics(**hours), Intake())
    kept = {name: spec.config.get("retention.ms", spec.config.get("max.compaction.lag.ms")) for name, spec in table.items()}
    assert {name: wanted and int(wanted.value) // 3_600_000 for name, wanted in kept.items()} == {
        "poll.votes": 100, "poll.replies": 100, "moderation.verdicts": 100, "poll.polls": None,
        "pollwatch.alerts": 200, "pollwatch.moderation": 300, "pollwatch.dead-letter": 400,
        "pollwatch.exchange": 500, "pollwatch.findings": 500, "pollwatch.integrity": 600, "pollwatch.state": 700,
    }  # fmt: skip
    for spec in table.values():
        if "segment.ms" in spec.config:
            assert 8 * int(spec.config["segment.ms"].value) <= int(spec.config["retention.ms"].value)


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_bound_accepts_exactly_its_side(wanted: int, found: int) -> None:
    assert Wanted(wanted, Must.AT_LEAST).accepts(str(found)) == (found >= wanted)
    assert Wanted(wanted, Must.AT_MOST).accepts(str(found)) == (found <= wanted)
    assert Wanted(wanted, Must.EQUAL).accepts(str(found)) == (found == wanted)
    assert Wanted(wanted, Must.MAY_DIFFER).accepts(str(found))


def test_unlimited_satisfies_a_minimum_and_breaks_a_maximum() -> None:
    assert Wanted(1, Must.AT_LEAST).accepts("-1")
    assert not Wanted(1, Must.AT_MOST).accepts("-1")


def test_a_difference_names_topic_setting_and_both_values() -> None:
    spec = desired_topics(Topics(), Intake())["pollwatch.exchange"]
    (difference,) = compare("pollwatch.exchange", spec, as_created(spec) | {"partitions": "12"})
    assert difference.matters
    assert str(difference) == "WRONG: pollwatch.exchange: partitions is 12, must be 5"


@pytest.mark.broker
def test_topics_are_created_once_and_then_nothing_differs(
    admin: KafkaAdminClient, desired: dict[str, TopicSpec]
) -> None:
    assert set(create_missing(admin, desired)) == set(desired)
    assert create_missing(admin, desired) == ()
    assert differences(admin, desired) == ()


@pytest.mark.broker
def test_what_differs_is_shown_and_left_as_it_is(
    kafka: str, admin: KafkaAdminClient, desired: dict[str, TopicSpec], topics: Topics
) -> None:
    votes, exchange = topics.name(TopicRole.VOTES), topics.name(TopicRole.EXCHANGE)
    create_with(admin, votes, desired[votes], {"message.timestamp.type": "CreateTime", "partitions": "5"})
    create_with(admin, exchange, desired[exchange], {"retention.ms": "1000"})
    said: list[str] = []
    assert run_topics({"bootstrap_servers": kafka}, desired, said.append) == 1
    assert f"differs: {votes}: partitions is 5, would be created as 3" in said
    assert f"WRONG: {votes}: message.timestamp.type is CreateTime, must be LogAppendTime" in said
    assert f"WRONG: {exchange}: retention.ms is 1000, must be at least 86400000" in said
    assert said[-1] == "11 topics: 9 created, 2 existed, 2 wrong"
    assert len(differences(admin, desired)) == 3


@pytest.mark.broker
def test_differences_that_do_not_matter_end_well(
    kafka: str, admin: KafkaAdminClient, desired: dict[str, TopicSpec], topics: Topics
) -> None:
    replies = topics.name(TopicRole.REPLIES)
    create_with(admin, replies, desired[replies], {"retention.ms": "-1", "max.message.bytes": "2000"})
    said: list[str] = []
    assert run_topics({"bootstrap_servers": kafka}, desired, said.append) == 0
    assert len([line for line in said if line.startswith("differs")]) == 2


@pytest.mark.broker
def test_more_copies_than_brokers_is_one_line_that_names_the_setting(
    kafka: str, topics: Topics, capsys: pytest.CaptureFixture[str]
) -> None:
    desired = desired_topics(replace(topics, replication=100), Intake())
    assert run_topics({"bootstrap_servers": kafka}, desired) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "set topics.replication lower" in error


def test_a_cluster_that_does_not_answer_is_one_line() -> None:
    # In a process of its own: kafka-python leaves a socket behind when nobody answers.
    program = """
import logging, sys
from streams.topics import run_topics
logging.getLogger("kafka").setLevel(logging.CRITICAL)
sys.exit(run_topics({"bootstrap_servers": ["127.0.0.1:1"], "bootstrap_timeout_ms": 300}, {}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("no answer from Kafka at 127.0.0.1:1: start it")


@pytest.mark.broker
def test_a_missing_topic_is_named_with_the_command_that_makes_it(
    admin: KafkaAdminClient, desired: dict[str, TopicSpec], topics: Topics
) -> None:
    for look in (lambda: differences(admin, desired), lambda: topic_ids(admin, tuple(desired))):
        with pytest.raises(TopicsError, match="pollwatch topics") as caught:
            look()
        assert topics.name(TopicRole.STATE) in str(caught.value)


@pytest.mark.broker
def test_a_topic_made_again_has_another_id(
    admin: KafkaAdminClient, desired: dict[str, TopicSpec], topics: Topics
) -> None:
    name = topics.name(TopicRole.FINDINGS)
    only = {name: desired[name]}
    create_missing(admin, only)
    first = topic_ids(admin, (name,))[name]
    assert topic_ids(admin, (name,))[name] == first
    admin.delete_topics([name])
    deadline_s = time.monotonic() + 10
    while not create_missing(admin, only):  # the deletion takes a moment to be seen
        assert time.monotonic() < deadline_s
    assert topic_ids(admin, (name,))[name] != first
