"""What a moderator is handed: who, how sure, why; in parts, complete in each revision, and taken back when it was wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alert_schema import ITEM_SCHEMA_FILE, valid_item
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import ValidationError
from told_cases import START_MS, Told, finding, people, sighting

from config import Settings
from detectors.alert import Recommended
from detectors.cases.case import CaseParams, RecommendedMode
from detectors.cases.moderation import PART, ModerationItem, NamedAccount, parts_of
from streams.publish import moderation_schema, to_json
from streams.scan_output import ScanOutput

REVIEW = Recommended("review", "needs_human", True, 9)
HEADING = {
    "case_id": "0123456789abcdef", "revision": 1, "poll_ids": ["p"], "evidence": [], "merged_into": None, "created_ms": 7,
}  # fmt: skip


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    text = json.dumps(moderation_schema(), indent=2) + "\n"
    assert ITEM_SCHEMA_FILE.read_text() == text, "change it on purpose: then json.dumps(moderation_schema(), indent=2) is it"


def test_accounts_are_named_at_once_with_score_and_reasons() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", accounts=["x", "y"], reasons=["lockstep", "one_client"], named=0.8))
    (item,) = told.items
    assert (item.case_id, item.item_id) == (told.said[0].data.case_id, told.said[0].data.members_ref)
    assert (item.revision, item.part, item.parts, item.poll_ids) == (1, 1, 1, ["p", "q"])
    assert item.created_ms == START_MS + 5_000
    assert item.accounts == [NamedAccount(name, 0.8, ["lockstep", "one_client"]) for name in ("x", "y")]
    assert (item.recommended.action, item.recommended.mode) == ("review", "needs_human")
    assert {one.direction for one in item.evidence} == {"coordinated", "organic"}


def test_nobody_is_named_below_one_half_or_where_nothing_is_said_for_sure() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=["x"], named=0.49), sighting(6, "q", accounts=["y"], score=1.0))
    assert told.items == []
    assert told.said[0].data.members_ref is None


def test_an_account_has_the_highest_score_and_the_reasons_of_all() -> None:
    told = Told()
    one = sighting(5, "p", accounts=["x"], named=0.6)
    other = sighting(5, "p", accounts=["x"], named=0.9, detector="crowd", reasons=["born_together"])
    told.tell(10, one, other)
    assert told.items[-1].accounts == [NamedAccount("x", 0.9, ["born_together", "lockstep"])]


def test_a_large_cluster_comes_in_parts_whose_order_is_that_of_naming() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=people(1200)))
    assert [(item.part, item.parts, len(item.accounts)) for item in told.items] == [(1, 3, 500), (2, 3, 500), (3, 3, 200)]
    told.tell(100, sighting(90, "p", accounts=["late", *people(70)], named=0.6))
    first, second = told.items[:3], told.items[3:]
    assert [item.revision for item in second] == [2, 2, 2], "a revision is complete in itself"
    assert second[1].accounts == first[1].accounts
    assert second[2].accounts[-1].account_id == "late"
    assert [account.score for account in second[0].accounts[69:71]] == [0.6, 0.9]


def test_names_that_follow_wait_a_while_and_the_last_ones_for_the_end() -> None:
    told = Told()
    told.tell(6, sighting(5, "p", accounts=people(10)))
    told.tell(30, sighting(20, "p", accounts=people(10, "b")))
    assert len(told.items) == 1
    told.tell(64.9)
    assert len(told.items) == 1
    told.tell(65)
    assert [(item.revision, len(item.accounts), item.created_ms) for item in told.items[1:]] == [(2, 20, START_MS + 65_000)]
    told.tell(300, sighting(70, "p", accounts=["one more"]))
    assert len(told.items) == 3
    few = Told()
    few.tell(6, sighting(5, "p", accounts=people(100)))
    few.tell(369, sighting(70, "p", accounts=["one more"]))
    assert len(few.items) == 1, "one of a hundred"
    few.tell(371)
    assert few.news()[-1][0] == "resolved"
    assert len(few.named()) == 101


def test_what_waits_is_said_when_nothing_more_comes() -> None:
    told = Told()
    told.tell(6, sighting(5, "p", accounts=people(100), votes=100))
    told.tell(30, sighting(20, "p", accounts=["one more"], votes=200), ended=True)
    assert len(told.named()) == 101
    assert told.said[-1].data.polls[0].suspect.votes == 200
    told.tell(40, ended=True)
    assert len(told.items) == len(told.said) == 2


def test_a_case_of_many_parts_is_sent_less_often() -> None:
    told = Told()
    told.tell(6, sighting(5, "p", accounts=people(60 * PART)))
    told.tell(184, sighting(66, "p", accounts=people(2000, "b")))
    assert len(told.items) == 60
    told.tell(185)
    assert len(told.items) == 60 + 64


def test_cleared_accounts_are_told_in_this_and_every_later_revision() -> None:
    told = Told()
    told.tell(6, sighting(5, "p", accounts=people(20)))
    told.tell(100, sighting(90, "p", cleared=["a3", "stranger"]))
    assert (told.items[-1].cleared, len(told.named())) == (["a3"], 19)
    told.tell(200, sighting(190, "p", accounts=people(20, "b")))
    assert told.items[-1].cleared == ["a3"]
    told.tell(300, sighting(290, "p", accounts=["a3", *people(5, "c")]))
    assert told.items[-1].cleared == []


def test_everybody_is_cleared_in_as_many_parts_as_it_takes() -> None:
    told = Told()
    told.tell(6, sighting(5, "p", accounts=people(1200)))
    told.tell(10, sighting(8, "p", score=0.1))
    assert [(item.part, item.parts, len(item.accounts), len(item.cleared)) for item in told.items[3:]] == [
        (1, 3, 0, 500), (2, 3, 0, 500), (3, 3, 0, 200),
    ]  # fmt: skip


def test_one_who_is_cleared_does_not_wait_for_others() -> None:
    told = Told()
    told.tell(6, sighting(5, "p", accounts=people(400)))
    told.tell(100, sighting(90, "p", cleared=["a7"]))
    assert told.named() == set(people(400)) - {"a7"}


def test_who_was_cleared_by_one_detector_is_named_while_another_does() -> None:
    told = Told()
    told.tell(6, sighting(5, "p", accounts=["x"]), sighting(5, "p", accounts=["x", "y"], detector="crowd"))
    told.tell(100, sighting(90, "p", cleared=["x"], score=3.0))
    assert told.named() == {"x", "y"}


def test_victims_are_named_apart_and_nothing_is_recommended_for_them() -> None:
    told = Told()
    taken = sighting(5, "p", accounts=people(3, "victim"), reasons=["taken_over", "clockwork"], detector="shape")
    told.tell(10, taken, sighting(5, "p", accounts=[*people(2), "victim0"]))
    assert [(len(item.accounts), item.recommended.action) for item in told.items] == [(2, "review"), (3, "none")]


def test_shadow_mode_recommends_only_to_look() -> None:
    told = Told(params=CaseParams(recommended_mode=RecommendedMode.SHADOW))
    told.tell(10, finding(4), sighting(5, "p", accounts=["x"]))
    assert {item.recommended.mode for item in told.items} == {"shadow"}
    assert {revision.data.recommended.mode for revision in told.said} == {"shadow"}


@given(st.lists(st.tuples(st.integers(0, 1700), st.booleans()), max_size=40), st.integers(0, 1700))
def test_every_account_stands_in_one_part_and_is_named_or_cleared(victims: list[tuple[int, bool]], ever: int) -> None:
    listed = people(ever)
    taken = {f"a{number}" for number, is_taken in victims if is_taken}
    gone = {f"a{number}" for number, is_taken in victims if not is_taken} | set(listed[: ever // 3])
    named = {
        name: NamedAccount(name, 0.9, ["taken_over" if name in taken else "lockstep"]) for name in listed if name not in gone
    }
    items = parts_of(HEADING, named, listed, REVIEW)
    assert [item.part for item in items] == list(range(1, items[0].parts + 1))
    assert [account for item in items for account in item.accounts] == sorted(
        named.values(), key=lambda one: ("taken_over" in one.reasons, int(one.account_id[1:]))
    )
    assert [name for item in items for name in item.cleared] == [name for name in listed if name not in named]
    for item in items:
        valid_item(to_json(item))


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "a score that names nobody": lambda item: item["accounts"][0].update(score=0.4),
    "no reason": lambda item: item["accounts"][0].update(reasons=[]),
    "a reason nobody knows": lambda item: item["accounts"][0].update(reasons=["ugly"]),
    "too many accounts": lambda item: item.update(accounts=item["accounts"] * 501),
    "part 0": lambda item: item.update(part=0),
    "an action that can't be taken back": lambda item: item["recommended"].update(reversible=False),
    "no case": lambda item: item.pop("case_id"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_item_is_not_valid(what: str) -> None:
    (good,) = parts_of(HEADING, {"x": NamedAccount("x", 0.9, ["lockstep"])}, ["x"], REVIEW)
    item = valid_item(to_json(good))
    BROKEN[what](item)
    with pytest.raises(ValidationError):
        valid_item(json.dumps(item).encode())


def test_a_victim_that_something_is_recommended_for_is_not_valid() -> None:
    item = ModerationItem(
        item_id="0123456789abcdef:1", part=1, parts=1, accounts=[NamedAccount("x", 0.9, ["taken_over"])], cleared=[],
        recommended=REVIEW, **HEADING,  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(AssertionError):
        valid_item(to_json(item))


def test_a_scan_writes_every_revision_as_lines(tmp_path: Path) -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=people(700)))
    with ScanOutput(tmp_path, Settings(), keep_scores=False) as output:
        output.items(told.items)
    lines = (tmp_path / "moderation.jsonl").read_bytes().splitlines()
    assert [valid_item(line)["part"] for line in lines] == [1, 2]
