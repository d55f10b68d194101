"""What proves who sends and who receives: signatures, keys, certificates. None of it stands in a log."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from pathlib import Path

import pytest
from certificates import make_certificates
from notify_line import HIDDEN, TARGET, access, answer_of, line, until
from notify_messages import ALERTS, CASE, alert, message
from webhook_receiver import SECRET, Receiver, answers, closes, is_ours

from config import Secret
from streams.notify.access import Access
from streams.notify.poster import Poster
from streams.notify.request import Request
from streams.notify.retries import Outcome


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
