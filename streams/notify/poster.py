"""Sends one request to one target and says what became of it. Follows no redirect, reads no long answer, waits no longer than told.

What a receiver answers is neither kept nor logged: only its status counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Self

import aiohttp

from config.target import Target
from streams.notify.access import Access
from streams.notify.request import Request
from streams.notify.retries import Outcome, asked_for_s, outcome_of
from streams.notify.signing import IDEMPOTENCY_HEADER, signed

_ANSWER_BYTES = 16_384
_ANSWER_S = 1.0
"""So much of an answer is read, for so long, that the connection can be used again; beyond it is cut."""
_ASKS_FOR_TIME = (429, 503)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: `why` is an HTTP status or the name of an error, never a text from outside."""

    outcome: Outcome
    why: str
    asked_for_s: float
    took_s: float


class Poster:
    """The connection to one target; a context manager. `now_s` is seconds since the epoch."""

    def __init__(self, name: str, target: Target, access: Access, now_s: Callable[[], float] = time.time) -> None:
        self._name = name
        self._access = access
        self._timeout = aiohttp.ClientTimeout(total=target.timeout_ms / 1000)
        self._now_s = now_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._access.tls, limit=1),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            headers={"User-Agent": f"pollwatch/{version('pollwatch')}", "Accept": "*/*"},
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, request: Request) -> Answer:
        """Send a request once."""
        began_s = time.monotonic()
        try:
            outcome, why, asked_s = await self._post(request)
        except TimeoutError:
            outcome, why, asked_s = Outcome.RETRIED, "no answer in time", 0.0
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # its text may quote the address, which may be a secret
            outcome, why, asked_s = Outcome.RETRIED, type(error).__name__, 0.0
        return Answer(outcome, why, asked_s, time.monotonic() - began_s)

    async def _post(self, request: Request) -> tuple[Outcome, str, float]:
        assert self._session is not None
        answering = self._session.post(
            self._access.url.reveal(), data=request.body, headers=self._headers(request), allow_redirects=False
        )
        async with answering as answer:
            await _leave_clean(answer)
            asked = answer.headers.get("Retry-After", "") if answer.status in _ASKS_FOR_TIME else ""
            return outcome_of(answer.status), f"HTTP {answer.status}", asked_for_s(asked, self._now_s())

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Content-Type": request.content_type, IDEMPOTENCY_HEADER: f"{request.key}:{self._name}"}
        headers |= signed(self._access.secrets, int(self._now_s()), request.body)
        if self._access.authorization:
            headers["Authorization"] = self._access.authorization.reveal()
        if self._access.api_key:
            headers["X-API-KEY"] = self._access.api_key.reveal()
        return headers


async def _leave_clean(answer: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end; cut the connection under a long or slow one. Its status has come and stands."""
    left = _ANSWER_BYTES
    try:
        async with asyncio.timeout(_ANSWER_S):
            while left > 0:
                chunk = await answer.content.read(left)
                if not chunk:
                    return
                left -= len(chunk)
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    answer.close()
