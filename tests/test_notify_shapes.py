"""How messages are put for each kind of receiver, whatever strangers wrote into them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from alert_schema import valid_alert, valid_item
from hypothesis import given
from hypothesis import strategies as st
from notify_messages import AT_MS, CASE, OTHER, WEEK_MS, alert, as_bytes, item, message

from config.target import Format, Sends, Target
from streams.notify.alertmanager import AGAIN_EVERY_MS, SLOTS, Alertmanager
from streams.notify.coop import Coop
from streams.notify.generic import Generic
from streams.notify.message import Alert
from streams.notify.quiet import mrkdwn, quiet
from streams.notify.request import Shaper
from streams.notify.slack import Slack

NASTY = (
    "@here @channel <!channel> <!everyone> <@U123> <#C1> <https://e.vil|click> [click](https://e.vil) ![x](http://e.vil/p.png) "
    "*bold* `code` &amp; \r\n\x1b[2J\u202e\u200b\x00 http://e.vil"
)
TEXTS = st.one_of(st.text(max_size=60), st.just(NASTY), st.text("@<>!#&[]()|:/`*\n\u200b ahere", max_size=60))
MENTION = re.compile(r"@\w|<[!@#]|\]\(|://")


def hostile(text: str) -> dict[str, Any]:
    """Return an alert with this text wherever strangers, or a newer worker, may have put one."""
    named = text or "x"
    evidence = [{"direction": side, "sentence": named} for side in ("coordinated", "organic", named)]
    return alert(
        poll_ids=[named, "plan"], kinds=[named, "vote_spike"], severity=named, verdict=named, summary=named, merged_into=named, evidence=evidence,
        review={"decision": named, "by": named, "decided_ms": AT_MS, "note": named, "count": 1},
    )


def texts_of(value: object) -> list[str]:
    """Return every text in a JSON value, keys too."""
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts_of(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts_of(part)]
    return [value] if isinstance(value, str) else []


CHANGES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS, st.just([]), st.just({}), st.lists(TEXTS, max_size=2))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value as (container, key)."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in inside for place in [(value, key), *places(part)]]


@given(st.booleans(), st.data())
def test_whatever_stands_in_a_record_it_is_passed_over_or_put_for_everybody(is_alert: bool, data: st.DataObject) -> None:
    said = hostile("x") if is_alert else item(parts=3)
    for _ in range(data.draw(st.integers(1, 2))):
        container, key = data.draw(st.sampled_from(places(said)))
        container[key] = data.draw(CHANGES)
    try:
        one = message(said)
    except msgspec.DecodeError:
        return
    shapers: list[Shaper] = [Generic(), Slack(), Alertmanager()] if isinstance(one.said, Alert) else [Generic(), Coop(QUEUE)]
    for shaper in shapers:
        assert all(json.loads(request.body) for request in shaper.requests(one, AT_MS))
        shaper.delivered(one)
        shaper.again(AT_MS)


def slack(said: dict[str, Any]) -> dict[str, Any]:
    [request] = Slack().requests(message(said), AT_MS)
    body: dict[str, Any] = json.loads(request.body)
    return body


def test_the_messages_of_these_tests_are_those_of_the_topics() -> None:
    valid_alert(as_bytes(alert()))
    valid_item(as_bytes(item()))


def test_generic_is_what_stands_in_the_topic_byte_for_byte() -> None:
    for said, kind in ((alert(), "application/cloudevents+json"), (item(part=2, parts=2, revision=3), "application/json")):
        [request] = Generic().requests(message(said), AT_MS)
        assert (request.body, request.content_type) == (as_bytes(said), kind)
    assert message(alert(revision=4)).key == f"{CASE}:4"
    assert message(item(part=2, parts=2, revision=3)).key == f"{CASE}:2:3"


def test_slack_gets_text_and_blocks() -> None:
    body = slack(alert())
    assert body["text"] == "🔴 New case · critical · coordinated\n12 votes of accounts born together on poll 'plan'."
    assert [block["type"] for block in body["blocks"]] == ["section", "section", "section", "section", "context"]
    assert body["blocks"][2]["text"]["text"] == "For a script:\n• Born together."
    assert body["blocks"][4]["elements"][0]["text"] == f"case {CASE}, revision 1 · poll plan · score 12.5 · confidence 0.97"
    assert slack(alert(news="retracted"))["text"].startswith("⚪ Withdrawn, nobody is accused any more · ")


@given(TEXTS)
def test_slack_obeys_nothing_that_a_stranger_wrote(text: str) -> None:
    body = slack(hostile(text))
    told = [body["text"], *(one["text"]["text"] for one in body["blocks"][:-1]), body["blocks"][-1]["elements"][0]["text"]]
    for one in told:
        assert not MENTION.search(one)
        assert not set(one) & set("<>\r\x00\x1b\u202e")
        assert not re.search(r"&(?!amp;|lt;|gt;)", one)
        assert 0 < len(one) <= 3_000
    assert body["mrkdwn"] is False
    assert all(one["text"]["verbatim"] for one in body["blocks"][:-1])
    lines = body["text"].split("\n")
    assert len(lines) == 2, "a text makes no line of its own"


@pytest.mark.parametrize("text", ["&" * 4_000, "@" * 4_000, "<!" * 4_000, "\x00" * 4_000, "x" * 100_000])
def test_slack_takes_no_block_that_is_too_long(text: str) -> None:
    for one in texts_of(slack(hostile(text))):
        assert len(one) <= 4_000
    assert all(len(block["text"]["text"]) <= 3_000 for block in slack(hostile(text))["blocks"][:-1])


def test_what_is_made_quiet_reads_as_before() -> None:
    for text in ("peace-plan", "Чи згодні ви? 🇺🇦", "a@b", "50 % < 60 %", "x:y"):
        assert quiet(text, 100).replace("\u200b", "") == text
    assert mrkdwn("a & b <c>", 100) == "a &amp; b &lt;c&gt;"


def posted(shaper: Alertmanager, said: dict[str, Any], now_ms: int = AT_MS) -> list[dict[str, Any]]:
    """Deliver an alert; return what was posted for it."""
    one = message(said)
    [request] = shaper.requests(one, now_ms)
    shaper.delivered(one)
    body: list[dict[str, Any]] = json.loads(request.body)
    return body


def said_again(shaper: Alertmanager, now_ms: int) -> list[dict[str, Any]]:
    request = shaper.again(now_ms)
    return json.loads(request.body) if request is not None else []


def test_alertmanager_knows_a_case_by_bounded_labels_and_reads_the_rest() -> None:
    [one] = posted(Alertmanager(), alert())
    slot = str(int(CASE, 16) % SLOTS)
    assert one["labels"] == {
        "alertname": "PollwatchCase",
        "severity": "critical",
        "verdict": "coordinated",
        "kind": "account_cluster,vote_spike",
        "slot": slot,
    }
    assert one["annotations"]["case_id"] == CASE
    assert one["annotations"]["polls"] == "plan"
    assert one["startsAt"] == "2023-11-14T22:13:20.000Z"
    assert one["endsAt"] == "2023-11-14T22:17:20.000Z"


@given(TEXTS)
def test_no_text_becomes_a_label_of_alertmanagers(text: str) -> None:
    [one] = posted(Alertmanager(), hostile(text))
    assert all(re.fullmatch(r"[a-zA-Z0-9_,]+", value) for value in one["labels"].values())
    for value in one["annotations"].values():
        assert not MENTION.search(value)
        assert not set(value) & set("\r\x00\x1b\u202e")


def test_a_case_that_changes_its_labels_ends_under_the_old_ones() -> None:
    shaper = Alertmanager()
    [first] = posted(shaper, alert())
    ended, now = posted(shaper, alert(revision=2, news="updated", verdict="organic", severity="info"), AT_MS + 5)
    assert (ended["labels"], ended["endsAt"]) == (first["labels"], "2023-11-14T22:13:20.005Z")
    assert (now["labels"]["verdict"], now["labels"]["slot"]) == ("organic", first["labels"]["slot"])
    [over] = posted(shaper, alert(revision=3, news="retracted", verdict="organic", severity="info"), AT_MS + 9)
    assert over["labels"] == now["labels"]
    assert over["endsAt"] == "2023-11-14T22:13:20.009Z"
    assert over["annotations"]["summary"].startswith("Withdrawn, nobody is accused any more. ")
    assert said_again(shaper, AT_MS + AGAIN_EVERY_MS) == []


def test_what_is_open_is_said_again_in_time_and_nothing_else() -> None:
    shaper = Alertmanager()
    assert said_again(shaper, AT_MS) == []
    posted(shaper, alert())
    posted(shaper, alert(OTHER))
    assert len(said_again(shaper, AT_MS)) == 2
    assert said_again(shaper, AT_MS + AGAIN_EVERY_MS - 1) == []
    again = said_again(shaper, AT_MS + AGAIN_EVERY_MS)
    assert {one["annotations"]["case_id"] for one in again} == {CASE, OTHER}
    assert {one["endsAt"] for one in again} == {"2023-11-14T22:18:20.000Z"}


def test_a_case_whose_end_is_never_heard_of_is_not_said_for_ever() -> None:
    shaper = Alertmanager()
    posted(shaper, alert())
    assert len(said_again(shaper, AT_MS + WEEK_MS - 1)) == 1
    assert said_again(shaper, AT_MS + WEEK_MS + AGAIN_EVERY_MS) == []


def test_two_open_cases_never_share_their_labels() -> None:
    shaper = Alertmanager()
    same = [f"{number * SLOTS:016x}" for number in range(1, 40)]
    labels = [posted(shaper, alert(case_id))[0]["labels"] for case_id in same]
    assert len({tuple(sorted(one.items())) for one in labels}) == len(same)
    posted(shaper, alert(same[0], 2, "resolved"))
    assert posted(shaper, alert(same[1], 2, "updated"))[0]["labels"] == labels[1], "a case keeps its slot"
    for number in range(SLOTS + 5):
        posted(shaper, alert(f"{number:016x}"))
    assert len(said_again(shaper, AT_MS)) == SLOTS


def test_event_time_ahead_of_the_clock_begins_now() -> None:
    [one] = posted(Alertmanager(), alert(opened_ms=AT_MS + 60_000), AT_MS)
    assert one["startsAt"] == "2023-11-14T22:13:20.000Z"


QUEUE = Target(
    Format.COOP, api_key_file="/k", sends=Sends.MODERATION, reporter_type="rt", reporter_id="pollwatch", item_type="it", account_type="at", policy="p1"
)


def reports(said: dict[str, Any], void: range = range(0)) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in Coop(QUEUE).requests(replace(message(said), void=void), AT_MS)]


def test_coop_gets_a_report_for_each_part() -> None:
    [one] = reports(item(part=2, parts=3, revision=4, cleared=["b"]))
    assert one["reporter"] == {"kind": "user", "typeId": "rt", "id": "pollwatch"}
    assert one["reportedAt"] == "2023-11-14T22:13:20.000Z"
    assert one["reportedForReason"]["policyId"] == "p1"
    assert one["reportedItem"]["id"] == f"{CASE}:2"
    assert one["reportedItem"]["typeId"] == "it"
    data = one["reportedItem"]["data"]
    assert data["accounts"] == [{"id": "a2", "typeId": "at"}]
    assert data["details"] == ["0.90 born_together"]
    assert data["cleared"] == [{"id": "b", "typeId": "at"}]
    assert (data["status"], data["part"], data["parts"], data["revision"]) == ("named", 2, 3, 4)
    assert set(one) == {"reporter", "reportedAt", "reportedForReason", "reportedItem"}


def test_coop_is_told_what_is_cleared_void_merged_and_who_is_a_victim() -> None:
    assert reports(item(accounts=[], cleared=["a1"]))[0]["reportedItem"]["data"]["status"] == "cleared"
    now, void = reports(item(revision=2), range(2, 3))
    assert now["reportedItem"]["data"]["status"] == "named"
    assert (void["reportedItem"]["id"], void["reportedItem"]["data"]["status"]) == (f"{CASE}:2", "void")
    assert void["reportedItem"]["data"]["accounts"] == []
    [merged] = reports(item(accounts=[], merged_into=OTHER))
    assert merged["reportedItem"]["data"]["status"] == "merged"
    assert OTHER in merged["reportedForReason"]["reason"]
    victims = [{"account_id": "v", "score": 0.8, "reasons": ["taken_over"]}]
    assert "1 of them look taken over" in reports(item(accounts=victims))[0]["reportedForReason"]["reason"]


@given(TEXTS)
def test_coop_finds_the_account_that_is_meant_and_reads_quiet_sentences(text: str) -> None:
    named = text or "x"
    said = item(accounts=[{"account_id": named, "score": 0.9, "reasons": ["lockstep"]}], evidence=[{"direction": "organic", "sentence": named}])
    [one] = reports(said)
    assert one["reportedItem"]["data"]["accounts"][0]["id"] == named, "whoever acts needs the id as it is"
    assert not MENTION.search(one["reportedItem"]["data"]["evidence"][0])
