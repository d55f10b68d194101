"""Posting to receivers that fail in many ways: every message arrives, in order, under one key, and none waits for ever."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import make_certificates
from notify_messages import ALERTS, CASE, OTHER, alert, as_bytes, message
from prometheus_client import CollectorRegistry
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

from config import Secret
from config.secret import UNSET
from config.target import Target
from streams.notify.access import Access
from streams.notify.alertmanager import Alertmanager
from streams.notify.backlog import Backlog
from streams.notify.courier import Courier
from streams.notify.generic import Generic
from streams.notify.message import Message
from streams.notify.poster import Poster
from streams.notify.request import Request, Shaper
from streams.notify.retries import Backoff, Outcome
from streams.notify.webhook_metrics import WebhookMetrics

PATIENCE_S = 60.0
HIDDEN = "hunter2-hunter2-hunter2-hunter2-hunter2"
TARGET = Target(url="given in access", timeout_ms=30_000)
HASTY = Target(url="given in access", timeout_ms=700)


def access(url: str, tls: ssl.SSLContext | None = None, *secrets: str) -> Access:
    return Access(Secret(url), tuple(map(Secret, secrets or (SECRET,))), UNSET, UNSET, tls or ssl.create_default_context())


@dataclass
class Line:
    """A target with its backlog, its courier and its metrics."""

    backlog: Backlog
    courier: Courier
    registry: CollectorRegistry

    def count(self, outcome: str) -> float:
        return self.registry.get_sample_value("pollwatch_webhook_deliveries_total", {"target": "pager", "outcome": outcome}) or 0.0


def line(poster: Poster, shaper: Shaper | None = None) -> Line:
    registry = CollectorRegistry()
    backlog = Backlog({ALERTS: 0}, Backoff(random.Random(1), first_s=0.01, longest_s=0.05))
    return Line(backlog, Courier("pager", backlog, shaper or Generic(), poster, WebhookMetrics(registry, ["pager"])), registry)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


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


def answer_of(post: Callable[[Receiver], Awaitable[object]], tls: ssl.SSLContext | None = None) -> object:
    async def ask() -> object:
        async with receiving(tls=tls) as receiver:
            return await post(receiver)

    return asyncio.run(ask())


def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    if made is None:
        pytest.skip("needs the openssl command to make certificates")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)
    trusting = ssl.create_default_context(cafile=made.certificate)

    async def post(receiver: Receiver) -> object:
        found = []
        by_number = receiver.url.replace("localhost", "127.0.0.2")
        for url, tls in ((receiver.url, trusting), (receiver.url, None), (by_number, trusting)):
            async with Poster("pager", TARGET, access(url, tls)) as poster:
                found.append((await poster.post(Request("k", b"{}"))).outcome)
        return found, len(receiver.got)

    assert answer_of(post, server) == ([Outcome.DELIVERED, Outcome.RETRIED, Outcome.RETRIED], 1)


def test_with_two_secrets_either_proves_it() -> None:
    async def post(receiver: Receiver) -> object:
        async with Poster("pager", TARGET, access(receiver.url, None, SECRET, HIDDEN)) as poster:
            await poster.post(Request("k", b"{}"))
        [got] = receiver.got
        return [is_ours(got, secret, time.time()) for secret in (SECRET, HIDDEN, "other")]

    assert answer_of(post) == [True, True, False]


def test_keys_and_passwords_travel_in_headers_and_stand_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def post(receiver: Receiver) -> object:
        secrets = Access(Secret(receiver.url + f"?{HIDDEN}"), (Secret(HIDDEN),), Secret(f"Bearer {HIDDEN}"), Secret(HIDDEN), ssl.create_default_context())
        receiver.manners = [answers(500), closes, answers(404)]
        async with Poster("pager", TARGET, secrets) as poster:
            made = line(poster)
            made.backlog.read(ALERTS, 0, message(alert()))
            running = asyncio.ensure_future(made.courier.run())
            await until(lambda: made.backlog.waiting() == 0)
            made.courier.stop()
            await running
        return receiver.got[0].headers["Authorization"], receiver.got[0].headers["X-API-KEY"]

    assert answer_of(post) == (f"Bearer {HIDDEN}", HIDDEN)
    assert HIDDEN not in caplog.text
    assert "target pager did not take" in caplog.text
    assert f"refused {CASE}:1 for good: HTTP 404" in caplog.text


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
