"""Posting to receivers that fail in many ways: every message arrives, in order, under one key, and none waits for ever."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from notify_line import HASTY, HIDDEN, PATIENCE_S, TARGET, Line, access, answer_of, line, until
from notify_messages import ALERTS, CASE, OTHER, alert, as_bytes, message
from webhook_receiver import (
    SECRET,
    Manner,
    Receiver,
    answers,
    closes,
    drips,
    hangs,
    is_ours,
    receiving,
    takes,
    talks,
)

from config.target import Target
from streams.notify.alertmanager import Alertmanager
from streams.notify.generic import Generic
from streams.notify.message import Message
from streams.notify.poster import Poster
from streams.notify.request import Request


def carried(manners: list[Manner], cases: list[str], target: Target = TARGET) -> tuple[Receiver, Line]:
    """Post an alert for each of these cases to a receiver with these manners; return when all is done."""

    async def carry() -> tuple[Receiver, Line]:
        async with receiving(manners) as receiver, Poster("pager", target, access(receiver.url)) as poster:
            made = line(poster)
            for offset, case_id in enumerate(cases):
                made.backlog.read(ALERTS, offset, message(alert(case_id, offset + 1, "updated"), offset))
            running = asyncio.ensure_future(made.courier.run())
            await until(lambda: made.backlog.waiting() == 0)
            made.courier.stop()
            await running
            return receiver, made

    return asyncio.run(carry())


def test_a_request_is_signed_fresh_and_carries_what_stands_in_the_topic() -> None:
    receiver, made = carried([], [CASE])
    [got] = receiver.got
    assert got.body == as_bytes(alert(CASE, 1, "updated"))
    assert got.headers["Content-Type"] == "application/cloudevents+json"
    assert got.key == f"{CASE}:1:pager"
    assert got.headers["User-Agent"].startswith("pollwatch/")
    assert is_ours(got, SECRET, time.time())
    assert not is_ours(got, SECRET, time.time() + 301), "a request that was kept is told from a fresh one"
    assert not is_ours(got, SECRET.upper(), time.time())
    assert made.count("delivered") == 1
    assert made.backlog.positions() == {ALERTS: 1}


@pytest.mark.parametrize("manner", [answers(500), answers(503), answers(429), answers(408), answers(425), closes])
def test_what_fails_is_tried_again_in_its_place_under_its_key(manner: Manner) -> None:
    receiver, made = carried([manner, manner], [CASE, CASE, CASE])
    assert [got.key for got in receiver.got] == [f"{CASE}:1:pager"] * 3 + [f"{CASE}:2:pager", f"{CASE}:3:pager"]
    assert (made.count("retried"), made.count("delivered"), made.count("refused")) == (2, 3, 0)


def test_a_receiver_that_says_nothing_is_waited_for_so_long_and_no_longer() -> None:
    receiver, made = carried([hangs, hangs], [CASE, CASE], HASTY)
    firsts = [got.key for got in receiver.got[:3]]
    assert firsts == [f"{CASE}:1:pager"] * 3
    assert made.count("retried") >= 2
    assert made.count("delivered") == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_not_lost(status: int) -> None:
    receiver, _ = carried([answers(status, Location="/elsewhere")], [CASE])
    assert [got.path for got in receiver.got] == ["/hook", "/hook"]


@pytest.mark.parametrize("manner", [drips, talks])
def test_an_answer_that_is_long_or_never_ends_is_cut_and_its_status_stands(manner: Manner) -> None:
    began_s = time.monotonic()
    receiver, made = carried([manner], [CASE, OTHER])
    assert len(receiver.got) == 2
    assert made.count("delivered") == 2
    assert time.monotonic() - began_s < PATIENCE_S


def test_what_is_refused_for_good_is_counted_logged_in_one_line_and_passed(caplog: pytest.LogCaptureFixture) -> None:
    receiver, made = carried([answers(400), answers(410)], [CASE, CASE, CASE])
    assert [got.key for got in receiver.taken] == [f"{CASE}:3:pager"]
    assert made.count("refused") == 2
    assert made.backlog.positions() == {ALERTS: 3}
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said == [f"target pager refused {CASE}:{number} for good: HTTP {status}" for number, status in ((1, 400), (2, 410))]


def test_one_message_that_never_gets_through_does_not_hold_back_other_cases() -> None:
    async def post() -> list[str]:
        async def picky(request: object) -> object:
            bad = receiver.got[-1].key.startswith(CASE)
            return await (answers(500) if bad else takes)(request)  # type: ignore[arg-type]

        async with receiving([picky] * 1_000) as receiver, Poster("pager", TARGET, access(receiver.url)) as poster:  # type: ignore[list-item]
            made = line(poster)
            for offset in range(20):
                made.backlog.read(ALERTS, offset, message(alert(CASE if offset % 4 == 0 else OTHER, offset + 1, "updated"), offset))
            running = asyncio.ensure_future(made.courier.run())
            await until(lambda: made.backlog.waiting() == 5)
            made.courier.stop()
            await running
            assert made.backlog.positions() == {ALERTS: 0}
            return [got.key for got in receiver.got if got.key.startswith(OTHER)]

    assert asyncio.run(post()) == [f"{OTHER}:{offset + 1}:pager" for offset in range(20) if offset % 4]


def test_a_receiver_that_asks_for_time_is_left_alone() -> None:
    async def post() -> int:
        async with receiving([answers(429, Retry_After="120")]) as receiver, Poster("pager", TARGET, access(receiver.url)) as poster:
            made = line(poster)
            for offset, case_id in enumerate((CASE, OTHER)):
                made.backlog.read(ALERTS, offset, message(alert(case_id), offset))
            running = asyncio.ensure_future(made.courier.run())
            await until(lambda: made.backlog.failures == 1)
            await asyncio.sleep(0.2)
            made.courier.stop()
            await running
            assert made.backlog.rests_until_s - time.monotonic() > 110
            return len(receiver.got)

    assert asyncio.run(post()) == 1


def test_a_stop_waits_for_the_answer_under_way() -> None:
    async def slow(request: object) -> object:
        await asyncio.sleep(0.15)
        return await takes(request)  # type: ignore[arg-type]

    async def post() -> dict[object, int]:
        async with receiving([slow]) as receiver, Poster("pager", TARGET, access(receiver.url)) as poster:  # type: ignore[list-item]
            made = line(poster)
            for offset in range(2):
                made.backlog.read(ALERTS, offset, message(alert(CASE, offset + 1), offset))
            running = asyncio.ensure_future(made.courier.run())
            await until(lambda: bool(receiver.got))
            made.courier.stop()
            await running
            assert len(receiver.got) == 1
            return dict(made.backlog.positions())

    assert asyncio.run(post()) == {ALERTS: 1}


def test_nobody_at_the_address_is_one_line_a_minute_without_it(caplog: pytest.LogCaptureFixture) -> None:
    async def post() -> float:
        async with Poster("pager", TARGET, access(f"http://127.0.0.1:1/{HIDDEN}")) as poster:
            made = line(poster)
            made.backlog.read(ALERTS, 0, message(alert()))
            running = asyncio.ensure_future(made.courier.run())
            await until(lambda: made.count("retried") >= 4)
            made.courier.stop()
            await running
            return made.count("delivered")

    assert asyncio.run(post()) == 0
    said = [record.getMessage() for record in caplog.records if record.name.startswith("streams")]
    assert said == [f"target pager did not take {CASE}:1, trying again: ClientConnectorError"]


class Choosy(Generic):
    """Puts no second revision."""

    def requests(self, message: Message, now_ms: int) -> list[Request]:
        if message.key.endswith(":2"):
            raise ValueError(HIDDEN[:0] + "what nobody thought of")
        return super().requests(message, now_ms)


def test_a_message_that_cannot_be_put_is_passed_over_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def post(receiver: Receiver) -> object:
        async with Poster("pager", TARGET, access(receiver.url)) as poster:
            made = line(poster, Choosy())
            for offset in range(3):
                made.backlog.read(ALERTS, offset, message(alert(CASE, offset + 1), offset))
            running = asyncio.ensure_future(made.courier.run())
            await until(lambda: made.backlog.waiting() == 0)
            made.courier.stop()
            await running
            return [got.key for got in receiver.got], made.registry.get_sample_value("pollwatch_webhook_unreadable_total", {"target": "pager"})

    assert answer_of(post) == ([f"{CASE}:1:pager", f"{CASE}:3:pager"], 1)
    assert f"{CASE}:2 can't be put" in caplog.text


def test_what_is_open_is_said_again_to_an_alertmanager() -> None:
    async def post(receiver: Receiver) -> object:
        async with Poster("pager", TARGET, access(receiver.url)) as poster:
            made = line(poster, Alertmanager(again_every_ms=50))
            made.backlog.read(ALERTS, 0, message(alert(), at_ms=int(time.time() * 1000)))
            running = asyncio.ensure_future(made.courier.run())
            await until(lambda: made.count("repeated") >= 2)
            made.backlog.read(ALERTS, 1, message(alert(revision=2, news="resolved"), 1))
            made.courier.wake()
            await until(lambda: made.backlog.waiting() == 0)
            count = len(receiver.got)
            await asyncio.sleep(0.2)
            made.courier.stop()
            await running
        return len(receiver.got) - count

    assert answer_of(post) == 0
