"""What the cluster does not let a process do: asked once at its start, since much of it would only show hours later."""

from __future__ import annotations

from collections.abc import Sequence

from kafka import KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from config import Settings
from streams.acl_table import Grant, User, grants
from streams.kafka_client import kafka_python
from streams.topics import admin_client


def missing_rights(settings: Settings, user: User = User.WORKER) -> list[Grant]:
    """Return the lines of a user's list that the brokers do not grant; none where there is no authorizer.

    Raises TopicsError when the cluster cannot be asked.
    """
    needed = [grant for grant in grants(settings) if grant.user is user]
    topics = tuple(dict.fromkeys(grant.name for grant in needed if grant.resource == "topic"))
    with admin_client(kafka_python(settings.kafka)) as admin:
        allowed = _on_topics(admin, topics)
        on_group = {grant.name: _on_group(admin, grant.name) for grant in needed if grant.resource == "group"}
    return [
        grant
        for grant in needed
        if _is_refused(grant, (on_group if grant.resource == "group" else allowed)[grant.name])
    ]


def refusal(grant: Grant, user: str) -> str:
    """Return a line that says what is missing and what to do."""
    who = f"user {user}" if user else "this process"
    return f"{who} may not {grant.operation} on {grant.resource} {grant.name}: `pollwatch acls` prints what grants it"


def _is_refused(grant: Grant, allowed: Sequence[str] | None) -> bool:
    # brokers before 2.3 do not tell
    return allowed is not None and grant.operation.name not in allowed


def _on_topics(admin: KafkaAdminClient, names: tuple[str, ...]) -> dict[str, Sequence[str] | None]:
    refused = TopicAuthorizationFailedError.errno
    return {
        topic["name"]: [] if topic["error_code"] == refused else topic.get("authorized_operations")
        for topic in admin.describe_topics(list(names))
    }


def _on_group(admin: KafkaAdminClient, group_id: str) -> Sequence[str] | None:
    try:
        return admin.describe_groups([group_id])[group_id].get("authorized_operations") or None
    except GroupAuthorizationFailedError:
        return []
    except KafkaError:
        # the first group of a cluster has no coordinator until somebody joins; but who may not join was told so above
        return None
