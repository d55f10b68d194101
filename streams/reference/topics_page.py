"""The page of all topics: from the table of topics, the table of rights, and what default.toml says each is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from config import Settings, TopicRole
from streams.acl_table import ROLES, Operation, User, grants
from streams.reference.markdown import WRITTEN, cell, code, table
from streams.reference.settings_page import default_settings
from streams.topic_table import HOUR_MS, INPUTS, OUTPUTS, TopicSpec, desired_topics

_HEAD = f"""\
# Topics

{WRITTEN} Names, partitions and retention are those of the settings as they are; `[topics]` in [settings](settings.md#topics) changes
them. `pollwatch topics` creates what is missing and shows what differs; it changes nothing that exists. What is in the records of inputs and
outputs is in [schema](schema.md).
"""

_KEYS = {
    TopicRole.VOTES: "anything; `account_id` spreads well",
    TopicRole.REPLIES: "anything; `account_id` spreads well",
    TopicRole.POLLS: "`poll_id`",
    TopicRole.VERDICTS: "`case_id`",
    TopicRole.ALERTS: "the first of `poll_ids`",
    TopicRole.MODERATION: "`case_id`",
    TopicRole.INTEGRITY: "`poll_id`",
    TopicRole.DEAD_LETTER: "the record's own",
}
_VALUES = {
    TopicRole.VOTES: "[vote](schema.md#vote)",
    TopicRole.REPLIES: "[reply](schema.md#reply)",
    TopicRole.POLLS: '`{"poll_id", "title"}` and more; the console shows titles, nothing else reads it',
    TopicRole.VERDICTS: "[decision](schema.md#decision)",
    TopicRole.ALERTS: "[alert](schema.md#alert)",
    TopicRole.MODERATION: "[moderation item](schema.md#moderationitem)",
    TopicRole.INTEGRITY: "[estimate](schema.md#integrity)",
    TopicRole.DEAD_LETTER: "the record's own bytes; the reason is in its [headers](schema.md#dead-letters)",
}
_STREAM = frozenset({Operation.READ, Operation.WRITE})
_INTERNAL = "Pollwatch's own"


def topics_page(settings: Settings) -> str:
    """Return the page as Markdown."""
    specs = desired_topics(settings.topics, settings.intake)
    rows = [_row(role, specs[settings.topics.name(role)], settings) for role in TopicRole]
    head = ["topic", "setting", "partitions", "policy", "kept for", "largest record", "for"]
    return "\n".join([
        _HEAD,
        table(head, rows),
        "## What stands in them\n",
        table(["topic", "direction", "key", "value"], _contents(settings)),
        "## Who writes and who reads\n\n`pollwatch acls` prints this as a script for `kafka-acls.sh`; nobody needs more.\n",
        table(["topic", "written by", "read by", "otherwise"], _users(settings)),
        table(["user", "who that is"], ([code(user.value), cell(ROLES[user])] for user in User)),
        "## All settings of each topic\n\nWhat `pollwatch topics` compares. A topic that differs from a \"must\" is reported and the exit code is 1.\n",
        table(["topic", "setting", "relation", "value"], _settings(specs)),
    ])  # fmt: skip


def _row(role: TopicRole, spec: TopicSpec, settings: Settings) -> list[str]:
    purpose = default_settings()[f"topics.{role.value}"].meaning
    value = {name: wanted.value for name, wanted in spec.settings().items()}
    kept = f"{int(value['retention.ms']) // HOUR_MS} h" if "retention.ms" in value else "until replaced"
    size = f"{int(value['max.message.bytes']):,} bytes"
    policy = str(value["cleanup.policy"])
    return [code(settings.topics.name(role)), code(f"topics.{role.value}"), str(value["partitions"]), policy, kept, size, cell(purpose)]


def _contents(settings: Settings) -> Iterator[list[str]]:
    for role in TopicRole:
        direction = "in" if role in INPUTS else "out" if role in OUTPUTS else "internal"
        yield [code(settings.topics.name(role)), direction, _KEYS.get(role, _INTERNAL), _VALUES.get(role, _INTERNAL)]


def _users(settings: Settings) -> Iterator[list[str]]:
    by_topic: dict[str, dict[User, list[Operation]]] = defaultdict(lambda: defaultdict(list))
    for grant in grants(settings):
        if grant.resource == "topic":
            by_topic[grant.name][grant.user].append(grant.operation)
    for role in TopicRole:
        users = by_topic[settings.topics.name(role)]
        others = [f"{user.value}: {', '.join(rest)}" for user, rest in _other_rights(users)]
        yield [code(settings.topics.name(role)), _who(users, Operation.WRITE), _who(users, Operation.READ), "; ".join(others)]


def _who(users: dict[User, list[Operation]], operation: Operation) -> str:
    return ", ".join(user.value for user, operations in users.items() if operation in operations)


def _other_rights(users: dict[User, list[Operation]]) -> Iterator[tuple[User, list[Operation]]]:
    for user, operations in users.items():
        rest = [one for one in operations if one not in _STREAM]
        if rest:
            yield user, rest


def _settings(specs: dict[str, TopicSpec]) -> Iterator[list[str]]:
    for topic, spec in specs.items():
        for name, wanted in spec.settings().items():
            yield [code(topic), code(name), wanted.must.value, code(str(wanted.value))]
