import dataclasses
import re

import pytest

from config import Mode, Secret, Settings, TopicRole
from config.assemble import section_types
from config.values import Unacceptable, convert, describe, hints_of


def test_durations_and_sizes_are_whole_numbers_with_the_unit_in_the_name() -> None:
    for name, kind in section_types().items():
        for key, hint in hints_of(kind).items():
            if re.search(r"_(ms|hours|bytes|records)$", key):
                plain = getattr(hint, "__origin__", hint)
                assert plain is int, f"{name}.{key} is {plain}"


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().worker.http_port = 1  # type: ignore[misc]


def test_every_topic_role_has_a_name_and_the_names_are_those_of_the_contract() -> None:
    assert [Settings().topics.name(role) for role in TopicRole] == [
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
    ]


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("8", int, 8),
        ("8.5", float, 8.5),
        ("true", bool, True),
        ("8", str, "8"),
        ("5000, 60000", tuple[int, ...], (5000, 60000)),
        ("", tuple[float, ...], ()),
        ("shadow", Mode, Mode.SHADOW),
    ],
)
def test_the_environment_can_give_every_type_a_detector_may_use(
    text: str, hint: object, value: object
) -> None:
    converted = convert(text, hint, from_text=True)
    assert (converted, type(converted)) == (value, type(value))


def test_a_bad_entry_of_a_list_is_refused() -> None:
    with pytest.raises(Unacceptable, match="a list, each entry a whole number"):
        convert([1, 2.5], tuple[int, ...], from_text=False)
    with pytest.raises(Unacceptable, match="a finite number"):
        convert([1.0, float("inf")], tuple[float, ...], from_text=False)


def test_settings_of_types_the_file_cannot_hold_are_a_mistake_of_the_programmer() -> None:
    for name, kind in section_types().items():
        for key, hint in hints_of(kind).items():
            if hint is not Secret:
                assert describe(hint), f"{name}.{key}"
    with pytest.raises(TypeError, match="not supported"):
        describe(dict[str, int])
