"""Erases an account from state and internal topics: orders go through the log, and when all workers have carried them out
and hold snapshots without it, the records that lead there are deleted. It waits for running workers and starts none."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec

from config import Settings, TopicRole
from streams.cluster import input_sources, partitions_of
from streams.erase_order import EraseOrder, encode_order
from streams.kafka_client import kafka_python
from streams.stages import shards
from streams.topics import admin_client

MOST_ID_CHARS = 128
_KEY = b"erase"
_LOOK_EVERY_S = 0.5
_SEND_S = 30.0

Say = Callable[[str], None]
Offsets = Mapping[TopicPartition, int]


class EraseError(Exception):
    """An account could not be erased, or not all the way; one line that says what is missing and what to do."""


def erase(settings: Settings, account_id: str, patience_s: float, say: Say) -> None:
    """Erase an account and wait for it, `patience_s` at most for each step. Raises EraseError when a step takes longer.

    Records of the inputs that no worker has read yet would bring the account back: they are waited for first.
    """
    if not 1 <= len(account_id) <= MOST_ID_CHARS:
        raise EraseError(f"an account id has 1 to {MOST_ID_CHARS} characters, this one {len(account_id)}")
    decisions = partitions_of(settings, TopicRole.VERDICTS)
    inputs = [TopicPartition(*tp) for tp in (*input_sources(settings), *decisions)]
    exchange = [TopicPartition(settings.topics.name(TopicRole.EXCHANGE), shard) for shard in range(shards(settings))]
    findings = [TopicPartition(settings.topics.name(TopicRole.FINDINGS), 0)]
    with admin_client(kafka_python(settings.kafka)) as admin:
        group = _Group(admin, settings.kafka.group_id, patience_s)
        say("1 of 4  waiting until the workers have read what the input topics hold now")
        group.wait_for(group.ends(inputs))
        say(f"2 of 4  sending orders to {len(exchange)} shards, and waiting for snapshots without the account")
        past_orders = _order(settings, account_id, exchange)
        group.wait_for(past_orders)
        say("3 of 4  waiting until the cases have heard of it, and have a snapshot without the account")
        past_findings = group.ends(findings)
        group.wait_for(past_findings)
        say("4 of 4  deleting the internal records that name it")
        admin.delete_records({**past_orders, **past_findings})
    say("\n".join(["Erased from all state, and from the internal topics. What is left, and when it goes:", *left(settings)]))


def left(settings: Settings) -> list[str]:
    """Return where an account may still stand that was erased, one line each, with the settings that bound it."""
    topics = settings.topics
    kept = (
        ((TopicRole.VOTES, TopicRole.REPLIES), "what was sent to Pollwatch", topics.input_retention_hours),
        ((TopicRole.VERDICTS,), "decisions that list it", topics.input_retention_hours),
        ((TopicRole.MODERATION,), "items sent before; later revisions are without it", topics.moderation_retention_hours),
        ((TopicRole.DEAD_LETTER,), "refused records, as they came", topics.dead_letter_retention_hours),
        ((TopicRole.STATE,), "removed snapshots, until the brokers compact them", topics.state_compaction_hours),
    )
    lines = [f"  {', '.join(topics.name(role) for role in roles)}: {what}: {hours} hours" for roles, what, hours in kept]
    polls = topics.name(TopicRole.POLLS)
    return [*lines, f"  {polls}: as an author, until whoever fills it replaces the record", "`pollwatch topics` shows where the cluster keeps more."]


class _Group:
    """What a consumer group has committed."""

    def __init__(self, admin: KafkaAdminClient, name: str, patience_s: float) -> None:
        self._admin = admin
        self._name = name
        self._patience_s = patience_s

    def ends(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where partitions end now."""
        found: Mapping[TopicPartition, Any] = self._admin.list_partition_offsets(dict.fromkeys(tps, OffsetSpec.LATEST))
        return {tp: found[tp].offset for tp in tps}

    def wait_for(self, offsets: Offsets) -> None:
        """Return when the group has committed all of these offsets."""
        deadline_s = time.monotonic() + self._patience_s
        while missing := self._missing(offsets):
            if time.monotonic() > deadline_s:
                raise EraseError(
                    f"not within {self._patience_s:.0f} s: {', '.join(missing)}: see that workers of group {self._name} run "
                    "and have no lag, then erase again"
                )
            time.sleep(_LOOK_EVERY_S)

    def _missing(self, offsets: Offsets) -> list[str]:
        found = self._admin.list_group_offsets({self._name: list(offsets)})[self._name]
        at = {tp: max(0, found[tp].offset) if tp in found else 0 for tp in offsets}
        return [f"{tp.topic}/{tp.partition} at {at[tp]} of {offset}" for tp, offset in offsets.items() if at[tp] < offset]


def _order(settings: Settings, account_id: str, exchange: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Send an order to every shard; return the offsets right behind them."""
    order = encode_order(EraseOrder(secrets.token_hex(8), account_id, secrets.randbits(63)))
    producer = KafkaProducer(**kafka_python(settings.kafka), acks="all")
    try:
        sent = {tp: producer.send(tp.topic, order, _KEY, partition=tp.partition) for tp in exchange}
        return {tp: future.get(timeout=_SEND_S).offset + 1 for tp, future in sent.items()}
    finally:
        producer.close(timeout=_SEND_S)
