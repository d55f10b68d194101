"""What Debian's Alertmanager makes of what is posted to it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from notify_messages import CASE, OTHER, alert, message

from benchmarks.waiting import wait_until
from config import Secret
from config.secret import UNSET
from config.target import Format, Target
from streams.broker.ports import free_port
from streams.notify.access import Access
from streams.notify.alertmanager import AGAIN_EVERY_MS, Alertmanager
from streams.notify.poster import Poster
from streams.notify.request import Request
from streams.notify.retries import Outcome

_NOBODY = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n"


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run it on a free port; skip where it is not installed, which in CI is a failure."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        reason = "needs Alertmanager: apt-get install prometheus-alertmanager"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder, port = tmp_path_factory.mktemp("alertmanager"), free_port()
    (folder / "config.yml").write_text(_NOBODY)
    url = f"http://127.0.0.1:{port}"
    command = [program, f"--config.file={folder}/config.yml", f"--storage.path={folder}", f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--cluster.listen-address=", f"--web.external-url={url}"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: answers(f"{url}/-/ready"), f"Alertmanager ready; {folder}/log")
            yield url
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def active(url: str) -> list[dict[str, Any]]:
    """Return the alerts that fire there."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts?active=true", timeout=5) as answer:
        return sorted(json.load(answer), key=lambda one: str(one["annotations"]["case_id"]))


def post(url: str, *requests: Request) -> None:
    async def ask() -> list[Outcome]:
        target = Target(Format.ALERTMANAGER, url=f"{url}/api/v2/alerts")
        access = Access(Secret(target.url), (), UNSET, UNSET, ssl.create_default_context())
        async with Poster("am", target, access) as poster:
            return [(await poster.post(request)).outcome for request in requests]

    assert asyncio.run(ask()) == [Outcome.DELIVERED] * len(requests)


def deliver(url: str, shaper: Alertmanager, said: dict[str, Any]) -> None:
    one = message(said, at_ms=now_ms())
    post(url, *shaper.requests(one, now_ms()))
    shaper.delivered(one)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def firing(url: str) -> list[tuple[str, str]]:
    return [(one["annotations"]["case_id"], one["labels"]["verdict"]) for one in active(url)]


def test_a_case_fires_changes_and_is_over(alertmanager: str) -> None:
    shaper = Alertmanager()
    nasty = "<!channel> @here \x1b[2J\u202e ünïcödé 🗳"
    deliver(alertmanager, shaper, alert(poll_ids=[nasty], summary=nasty))
    deliver(alertmanager, shaper, alert(OTHER))
    assert firing(alertmanager) == [(CASE, "coordinated"), (OTHER, "coordinated")]
    deliver(alertmanager, shaper, alert(CASE, 2, "updated", verdict="mixed"))
    assert firing(alertmanager) == [(CASE, "mixed"), (OTHER, "coordinated")], "it ended under its old labels"
    deliver(alertmanager, shaper, alert(CASE, 3, "retracted", verdict="organic", severity="info"))
    assert firing(alertmanager) == [(OTHER, "coordinated")], "the end of one is not the end of another"
    deliver(alertmanager, shaper, alert(OTHER, 2, "resolved"))
    assert firing(alertmanager) == []


def test_what_is_said_again_goes_on_and_what_is_not_ends_by_itself(alertmanager: str) -> None:
    kept, left = Alertmanager(), Alertmanager()
    # said so long ago that it lasts two seconds more
    long_ago_ms = now_ms() - 4 * AGAIN_EVERY_MS + 2_000
    for shaper, case_id in ((kept, CASE), (left, OTHER)):
        one = message(alert(case_id), at_ms=long_ago_ms)
        post(alertmanager, *shaper.requests(one, long_ago_ms))
        shaper.delivered(one)
    request = kept.again(now_ms())
    assert request is not None
    post(alertmanager, request)
    wait_until(lambda: (CASE, "coordinated") in firing(alertmanager) and len(firing(alertmanager)) == 1, "the end of what nobody says any more")
