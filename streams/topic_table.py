"""The table of Pollwatch's topics: what each must be like and why a difference matters. Pure; knows no cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from config.schema import Intake, TopicRole, Topics

HOUR_MS = 3_600_000
MIB = 1_048_576

DEAD_LETTER_HEADERS_BYTES = 65_536
EXCHANGE_MAX_BYTES = 16 * MIB
STATE_MAX_BYTES = 8 * MIB
# Only closed segments are compacted: at Kafka's default of 1 GB, dead snapshots would fill the disk first.
STATE_SEGMENT_BYTES = 64 * MIB
_SEGMENTS = 8
"""Into so many a topic's retention is divided at least."""

INPUTS = (TopicRole.VOTES, TopicRole.REPLIES, TopicRole.POLLS, TopicRole.VERDICTS)
OUTPUTS = (TopicRole.ALERTS, TopicRole.MODERATION, TopicRole.INTEGRITY, TopicRole.DEAD_LETTER)
COMPACTED = (TopicRole.POLLS, TopicRole.INTEGRITY, TopicRole.STATE)


class Must(StrEnum):
    """How the value on a cluster must relate to the wanted one; the value is how the operator reads it."""

    EQUAL = "must be"
    AT_LEAST = "must be at least"
    AT_MOST = "must be at most"
    MAY_DIFFER = "would be created as"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One setting of a topic: the value it is created with, and what a cluster may have instead."""

    value: int | str
    must: Must

    def accepts(self, found: str) -> bool:
        """Whether Pollwatch works with what a cluster has; -1 means unlimited, as for `retention.ms`.

        >>> Wanted(1000, Must.AT_LEAST).accepts("-1")
        True
        """
        match self.must:
            case Must.EQUAL:
                return found == str(self.value)
            case Must.AT_LEAST:
                return found == "-1" or int(found) >= int(self.value)
            case Must.AT_MOST:
                return found != "-1" and int(found) <= int(self.value)
            case Must.MAY_DIFFER:
                return True


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic must be like: `partitions`, `replication` and Kafka's own topic settings by name."""

    partitions: Wanted
    replication: Wanted
    config: Mapping[str, Wanted]

    def settings(self) -> dict[str, Wanted]:
        """Every setting by name, partitions and replication first."""
        return {"partitions": self.partitions, "replication": self.replication, **self.config}


def desired_topics(topics: Topics, intake: Intake) -> dict[str, TopicSpec]:
    """Return what each topic must be like, by full name."""
    return {topics.name(role): _spec(role, topics, intake) for role in TopicRole}


def _spec(role: TopicRole, topics: Topics, intake: Intake) -> TopicSpec:
    ours = Must.MAY_DIFFER if role in INPUTS else Must.AT_LEAST  # inputs belong to who fills them
    in_sync = 2 if topics.replication >= 3 else 1
    return TopicSpec(
        partitions=_partitions(role, topics.partitions),
        replication=Wanted(topics.replication, ours),
        config={
            "min.insync.replicas": Wanted(in_sync, ours),
            "max.message.bytes": _max_message_bytes(role, intake.max_record_bytes),
            **(_compacted(role, topics) if role in COMPACTED else _deleted(role, topics)),
        },
    )


def _partitions(role: TopicRole, shards: int) -> Wanted:
    """Shards are part of what is computed; inputs may have any number; the rest has one writer and little to say."""
    match role:
        case TopicRole.VOTES | TopicRole.REPLIES:
            return Wanted(shards, Must.MAY_DIFFER)
        case TopicRole.EXCHANGE:
            return Wanted(shards + 1, Must.EQUAL)  # the last one carries the rows of all polls
        case TopicRole.STATE:
            return Wanted(shards + 2, Must.EQUAL)  # the cases stage, too, keeps snapshots
        case TopicRole.FINDINGS:
            return Wanted(1, Must.EQUAL)
        case _:
            return Wanted(1, Must.MAY_DIFFER)


def largest_request_bytes(intake: Intake) -> int:
    """Return the largest record that a worker may have to send."""
    return max(dead_letter_bytes(intake), EXCHANGE_MAX_BYTES)


def dead_letter_bytes(intake: Intake) -> int:
    """Return the largest record a dead letter can be: the largest that comes in, and its headers."""
    return 4 * intake.max_record_bytes + DEAD_LETTER_HEADERS_BYTES


def _max_message_bytes(role: TopicRole, max_record_bytes: int) -> Wanted:
    """Too large a record must still come in, so that it is refused with its reason, whole, in the dead letter."""
    input_bytes = 4 * max_record_bytes
    match role:
        case TopicRole.DEAD_LETTER:
            return Wanted(input_bytes + DEAD_LETTER_HEADERS_BYTES, Must.AT_LEAST)
        case TopicRole.EXCHANGE | TopicRole.FINDINGS:
            return Wanted(EXCHANGE_MAX_BYTES, Must.AT_LEAST)
        case TopicRole.STATE:
            return Wanted(STATE_MAX_BYTES, Must.AT_LEAST)
        case _ if role in INPUTS:
            return Wanted(input_bytes, Must.AT_MOST)
        case _:
            return Wanted(MIB, Must.AT_LEAST)


def _compacted(role: TopicRole, topics: Topics) -> dict[str, Wanted]:
    if role is TopicRole.INTEGRITY:
        return {
            "cleanup.policy": Wanted("compact,delete", Must.MAY_DIFFER),
            "retention.ms": Wanted(topics.integrity_retention_hours * HOUR_MS, Must.MAY_DIFFER),
        }
    policy = {"cleanup.policy": Wanted("compact", Must.EQUAL)}
    if role is not TopicRole.STATE:
        return policy
    return policy | {
        "segment.bytes": Wanted(STATE_SEGMENT_BYTES, Must.MAY_DIFFER),
        # also closes the last segment, which is never compacted while it is written to
        "max.compaction.lag.ms": Wanted(topics.state_compaction_hours * HOUR_MS, Must.MAY_DIFFER),
    }


def _deleted(role: TopicRole, topics: Topics) -> dict[str, Wanted]:
    """Times are the broker's: latency is counted from them, no decision is later than it came, and a replay of old events is not
    deleted on arrival."""
    internal = role not in INPUTS and role not in OUTPUTS
    arrival = internal or role in (TopicRole.VOTES, TopicRole.REPLIES, TopicRole.VERDICTS)
    keep_ms = _retention_hours(role, topics) * HOUR_MS
    return {
        "cleanup.policy": Wanted("delete", Must.EQUAL),
        "retention.ms": Wanted(keep_ms, Must.AT_LEAST if internal else Must.MAY_DIFFER),
        # whole segments are deleted: a record stays for so much longer
        "segment.ms": Wanted(max(HOUR_MS, keep_ms // _SEGMENTS), Must.MAY_DIFFER),
        "message.timestamp.type": Wanted("LogAppendTime", Must.EQUAL if arrival else Must.MAY_DIFFER),
    }


def _retention_hours(role: TopicRole, topics: Topics) -> int:
    match role:
        case TopicRole.ALERTS:
            return topics.output_retention_hours
        case TopicRole.MODERATION:
            return topics.moderation_retention_hours
        case TopicRole.DEAD_LETTER:
            return topics.dead_letter_retention_hours
        case _ if role in INPUTS:
            return topics.input_retention_hours
        case _:
            return topics.exchange_retention_hours
