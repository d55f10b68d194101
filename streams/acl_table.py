"""The table of what each user of Kafka must be allowed, and nothing more. Pure; knows no cluster.

Read, Write, Delete and Alter let a user describe a topic too. There is no line for the cluster: a producer that may write to a
topic may be idempotent.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from config import Settings, TopicRole


class User(StrEnum):
    """Who needs an account of his own; the value is the variable that names it in the script."""

    WORKER = "WORKER"
    SENDER = "SENDER"
    READER = "READER"
    REVIEWER = "REVIEWER"
    OPERATOR = "OPERATOR"
    ERASER = "ERASER"
    NOTIFIER = "NOTIFIER"


class Operation(StrEnum):
    """Kafka's operations, as `kafka-acls.sh` spells them."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DELETE = "Delete"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


ROLES: dict[User, str] = {
    User.WORKER: "pollwatch worker",
    User.SENDER: "whoever sends votes and replies; pollwatch replay",
    User.READER: "whoever reads alerts; pollwatch tail",
    User.REVIEWER: "pollwatch console; whoever decides on cases; pollwatch explain",
    User.OPERATOR: "pollwatch topics",
    User.ERASER: "pollwatch erase",
    User.NOTIFIER: "pollwatch notify",
}
"""Who that is."""

_TOPICS: dict[User, dict[TopicRole, tuple[Operation, ...]]] = {
    User.WORKER: {
        TopicRole.VOTES: (Operation.READ,),
        TopicRole.REPLIES: (Operation.READ,),
        TopicRole.VERDICTS: (Operation.READ,),
        TopicRole.EXCHANGE: (Operation.READ, Operation.WRITE),
        TopicRole.FINDINGS: (Operation.READ, Operation.WRITE),
        TopicRole.STATE: (Operation.READ, Operation.WRITE),
        TopicRole.ALERTS: (Operation.WRITE,),
        TopicRole.MODERATION: (Operation.WRITE,),
        TopicRole.INTEGRITY: (Operation.WRITE,),
        TopicRole.DEAD_LETTER: (Operation.WRITE,),
    },
    User.SENDER: {TopicRole.VOTES: (Operation.WRITE,), TopicRole.REPLIES: (Operation.WRITE,)},
    User.READER: {TopicRole.ALERTS: (Operation.READ,)},
    User.REVIEWER: {
        TopicRole.ALERTS: (Operation.READ,),
        TopicRole.MODERATION: (Operation.READ,),
        TopicRole.INTEGRITY: (Operation.READ,),
        TopicRole.POLLS: (Operation.READ,),
        TopicRole.VERDICTS: (Operation.READ, Operation.WRITE),
    },
    User.OPERATOR: dict.fromkeys(TopicRole, (Operation.CREATE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)),
    User.ERASER: {
        TopicRole.VOTES: (Operation.DESCRIBE,),
        TopicRole.REPLIES: (Operation.DESCRIBE,),
        TopicRole.VERDICTS: (Operation.DESCRIBE,),
        TopicRole.EXCHANGE: (Operation.WRITE, Operation.DELETE),
        TopicRole.FINDINGS: (Operation.DELETE,),
    },
    User.NOTIFIER: {TopicRole.ALERTS: (Operation.READ,), TopicRole.MODERATION: (Operation.READ,)},
}
_GROUP = {User.WORKER: Operation.READ, User.ERASER: Operation.DESCRIBE, User.NOTIFIER: Operation.READ}


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing a user may do; `resource` is "topic" or "group"."""

    user: User
    operation: Operation
    resource: str
    name: str


def grants(settings: Settings) -> Iterator[Grant]:
    """Yield every line of the table for these topic names and these groups."""
    for user, topics in _TOPICS.items():
        for role, operations in topics.items():
            for operation in operations:
                yield Grant(user, operation, "topic", settings.topics.name(role))
        if user in _GROUP:
            group = settings.notify.group_id if user is User.NOTIFIER else settings.kafka.group_id
            yield Grant(user, _GROUP[user], "group", group)
        if user is User.WORKER and settings.canary.every_ms:
            yield Grant(user, Operation.WRITE, "topic", settings.topics.name(TopicRole.VOTES))


_HEAD = """\
#!/bin/sh
# What each user of Kafka must be allowed, and nothing more. Written by `pollwatch acls`, for the topics and the group of its
# settings. It adds; it takes nothing away. Before running it, name the users and how to reach the cluster:
#   WORKER=User:watch OPERATOR=User:anna KAFKA_ACLS="kafka-acls.sh --bootstrap-server broker-1:9093 --command-config admin.properties"
set -eu
: "${KAFKA_ACLS:=kafka-acls.sh --bootstrap-server 127.0.0.1:9092}"
"""


def script(settings: Settings) -> str:
    """Return the table as a shell script that gives it to `kafka-acls.sh`."""
    users = "".join(f': "${{{user}:=User:pollwatch-{user.lower()}}}"\n' for user in User)
    lines = [_HEAD, users, 'allow() { $KAFKA_ACLS --add --allow-principal "$@"; }\n']
    last = None
    for grant in grants(settings):
        if grant.user is not last:
            last = grant.user
            lines.append(f"\n# {ROLES[last]}\n")
        lines.append(f'allow "${grant.user}" --operation {grant.operation} --{grant.resource} {shlex.quote(grant.name)}\n')
    return "".join(lines)
