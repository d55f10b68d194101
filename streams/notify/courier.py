"""Carries what waits for one target to it, one request at a time, until told to stop. Each target has one, and none waits for another."""

from __future__ import annotations

import asyncio
import logging
import time

from streams.notify.backlog import Backlog, Waiting
from streams.notify.poster import Answer, Poster
from streams.notify.request import Request, Shaper
from streams.notify.retries import Outcome
from streams.notify.webhook_metrics import Delivery, WebhookMetrics

logger = logging.getLogger(__name__)

_LOOK_AGAIN_S = 1.0
_COMPLAIN_EVERY_S = 60.0


class Courier:
    """Posts the backlog of the target `name`; `wake` after something was added to it."""

    def __init__(self, name: str, backlog: Backlog, shaper: Shaper, poster: Poster, metrics: WebhookMetrics) -> None:
        self._name = name
        self._backlog = backlog
        self._shaper = shaper
        self._poster = poster
        self._metrics = metrics
        self._woken = asyncio.Event()
        self._stops = False
        self._complained_s: float | None = None

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def stop(self) -> None:
        """Let `run` return after the request that is under way."""
        self._stops = True
        self._woken.set()

    async def run(self) -> None:
        """Post until stopped."""
        while not self._stops:
            self._woken.clear()
            waiting = self._backlog.next(time.monotonic())
            if waiting is not None:
                await self._deliver(waiting)
            elif not await self._say_again():
                await self._sleep()

    async def _sleep(self) -> None:
        due_s = self._backlog.next_s()
        left_s = _LOOK_AGAIN_S if due_s is None else min(max(due_s - time.monotonic(), 0.0), _LOOK_AGAIN_S)
        try:
            async with asyncio.timeout(left_s):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _deliver(self, waiting: Waiting) -> None:
        requests = self._requests(waiting)
        while waiting.requests_done < len(requests) and not self._stops:
            request = requests[waiting.requests_done]
            answer = await self._post(request, Delivery.DELIVERED)
            if answer.outcome is Outcome.RETRIED:
                self._backlog.failed(waiting, time.monotonic(), answer.asked_for_s)
                self._complain(request, answer)
                return
            if answer.outcome is Outcome.REFUSED:
                logger.error("target %s refused %s for good: %s", self._name, request.key, answer.why)
            self._answered()
            waiting.requests_done += 1
        if waiting.requests_done == len(requests):
            if requests:
                self._shaper.delivered(waiting.message)
            self._backlog.done(waiting)

    def _requests(self, waiting: Waiting) -> list[Request]:
        try:
            return self._shaper.requests(waiting.message, _now_ms())
        except Exception:
            # what one message holds must not end the process for all, again and again
            logger.exception("target %s: %s can't be put as it wants it, and is passed over", self._name, waiting.message.key)
            self._metrics.unreadable.labels(self._name).inc()
            return []

    async def _say_again(self) -> bool:
        """Say what is due to be said again; tell whether anything was."""
        if time.monotonic() < self._backlog.rests_until_s:
            return False
        request = self._shaper.again(_now_ms())
        if request is None:
            return False
        answer = await self._post(request, Delivery.REPEATED)
        if answer.outcome is Outcome.RETRIED:
            self._backlog.rest(time.monotonic(), answer.asked_for_s)
            self._complain(request, answer)
        else:
            self._answered()
        return True

    async def _post(self, request: Request, if_taken: Delivery) -> Answer:
        answer = await self._poster.post(request)
        became = if_taken if answer.outcome is Outcome.DELIVERED else Delivery(answer.outcome.value)
        self._metrics.deliveries.labels(self._name, became).inc()
        self._metrics.seconds.labels(self._name).observe(answer.took_s)
        return answer

    def _answered(self) -> None:
        if self._complained_s is not None:
            self._complained_s = None
            logger.warning("target %s takes messages again", self._name)
        self._backlog.answered()

    def _complain(self, request: Request, answer: Answer) -> None:
        now_s = time.monotonic()
        if self._complained_s is None or now_s - self._complained_s >= _COMPLAIN_EVERY_S:
            self._complained_s = now_s
            logger.warning("target %s did not take %s, trying again: %s", self._name, request.key, answer.why)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
