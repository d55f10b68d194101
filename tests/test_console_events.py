"""What is sent while a page is open, how much of it and to how many; drawings; sessions: all of it bounded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientResponse
from console_records import alert, case_id, decision, estimate, item
from console_site import Client, Console, asked

from streams.console import drawings as drawings_module
from streams.console import live, pages, sessions
from streams.console.drawings import Drawings
from streams.console.list_page import list_page
from streams.console.page import Asked, Desk, Shown
from streams.console.sessions import MOST_WRONG, SESSION_S, WRONG_WITHIN_S, Door, Sessions


async def event(answer: ClientResponse) -> tuple[str, Any]:
    """Return the next event of a stream: its kind, and its data."""
    lines = (await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 10)).decode().splitlines()
    return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))


def test_events_send_what_changed_and_nothing_else() -> None:
    async def check(console: Console, asking: Client) -> None:
        async with asking.get(f"/events?at=/cases/{case_id(1)}") as answer:
            first = [await event(answer) for _ in range(12)]
            assert {kind for kind, _ in first} == {"part"}
            names = {part["name"] for _, part in first}
            assert {"standing", "facts", "history", "decisions"} <= names
            assert "decide" not in names, "what somebody types stays as it is"
            console.take(decision(1, "false_positive"))
            changed = [await event(answer) for _ in range(3)]
            told = {part["name"] if kind == "part" else kind for kind, part in changed}
            assert told == {"facts", "decisions", "news"}
            assert changed[-1] == ("news", "ann decided: false positive")

    asked(check, alert(1), item(1))


def test_there_are_only_so_many_streams_and_one_that_goes_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 2)
    monkeypatch.setattr(live, "_BEAT_S", 0.05)

    async def check(console: Console, asking: Client) -> None:
        assert (await asking.get("/events?at=/nothing")).status == 404
        open_ones = [await asking.get("/events?at=/") for _ in range(2)]
        assert (await asking.get("/events?at=/")).status == 503
        open_ones[0].close()
        while console.site.live.streams == 2:
            await asyncio.sleep(0.02)
        again = await asking.get("/events?at=/")
        assert again.status == 200

    asked(check)


def test_who_looks_at_the_same_page_shares_the_work_and_many_changes_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = list_page

    def counted(desk: Desk, asked: Asked) -> Shown:
        made.append(asked.path)
        return real(desk, asked)

    monkeypatch.setattr(pages, "list_page", counted)

    async def check(console: Console, asking: Client) -> None:
        answers = [await asking.get("/events?at=/") for _ in range(5)]
        for answer in answers:
            for _ in range(3):
                await event(answer)
        await asyncio.sleep(live.EVERY_S)
        made.clear()
        for number in range(2, 40):
            console.take(alert(number))
        seen = [(await event(answer))[1]["name"] for answer in answers for _ in range(3)]
        assert {"cases", "standing"} <= set(seen)
        assert len(made) <= 2, "at once, and once more a second later"

    asked(check, alert(1))


def test_a_drawing_is_made_once_for_each_version_and_one_that_fails_leaves_the_page_standing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    def draw() -> str:
        made.append(1)
        return "<svg></svg>"

    def fail() -> str:
        raise ValueError("no such chart")

    async def check() -> None:
        drawings = Drawings()
        together = await asyncio.gather(*(drawings.of("a", 1, draw) for _ in range(20)))
        assert set(together) == {"<svg></svg>"}
        assert len(made) == 1
        await drawings.of("a", 2, draw)
        assert len(made) == 2
        assert await drawings.of("b", 1, fail) == ""
        monkeypatch.setattr(drawings_module, "MOST_DRAWINGS", 5)
        for number in range(20):
            await drawings.of(number, 1, draw)
        assert len(drawings._drawn) <= 6
        drawings.close()

    asyncio.run(check())


def test_a_session_ends_by_itself_and_there_are_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 3)
    open_ones = Sessions()
    first, *others = [open_ones.begin(f"somebody {number}", 0.0) for number in range(4)]
    assert open_ones.find(first.key, 1.0) is None
    assert all(open_ones.find(one.key, SESSION_S - 1) == one for one in others)
    assert open_ones.find(others[0].key, SESSION_S) is None
    assert len({one.key for one in others} | {one.csrf for one in others}) == 6


def test_who_guesses_waits_and_does_not_keep_others_out() -> None:
    door = Door("the-right-token-of-it")
    for second in range(MOST_WRONG):
        assert not door.opens("wrong", "guesser", float(second))
    assert door.is_shut("guesser", 5.0)
    assert not door.is_shut("somebody else", 5.0)
    assert door.opens("the-right-token-of-it", "somebody else", 5.0)
    assert not door.is_shut("guesser", WRONG_WITHIN_S + MOST_WRONG)
    for number in range(5_000):
        door.opens("wrong", f"address {number}", 100.0)
    assert len(door._wrong) <= sessions.MOST_ADDRESSES
    assert door.is_shut("somebody else", 100.0), "so many addresses are one guesser"
    assert not Door(None).opens("None", "x", 0.0)


def test_a_poll_told_of_changes_its_page() -> None:
    async def check(console: Console, asking: Client) -> None:
        async with asking.get("/events?at=/poll?id=p") as answer:
            for _ in range(5):
                await event(answer)
            console.take(estimate("p", 2, 70))
            changed = [await event(answer) for _ in range(4)]
            assert {part["name"] for _, part in changed} == {"standing", "head", "timeline", "result"}

    asked(check, estimate("p", 1, 50))
