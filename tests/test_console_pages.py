"""What the console serves: hostile texts, headers, filters, and what stands on each page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from console_records import Record, alert, case_id, decision, estimate, item, surge, title
from console_site import Client, Console, asked, signed_in

from config import Settings
from streams.console.board import MOST_CASES, MOST_COURSES, MOST_NAMES, MOST_POLLS
from streams.console.case_file import MOST_REVISIONS
from streams.console.case_page import ACCOUNTS_ON_A_PAGE
from streams.console.deciding import MOST_ACCOUNTS_AT_ONCE, MOST_CASES_AT_ONCE
from streams.console.feed import Standing
from streams.console.guard import MOST_BODY_BYTES
from streams.console.live import MOST_STREAMS
from streams.console.named import MOST_LISTED
from streams.console.sessions import SESSION_S

HOSTILE = "<script>alert(1)</script>\"' onload=x{{1234*5679}}{%raw%}\u202e\x1b[2J&#x27;"
PAGES = ("/", "/polls", "/undo", "/poll?id=p", f"/cases/{case_id(1)}", f"/cases/{case_id(2)}", "/sign-in", "/nothing")
ALLOWED = {"html", "head", "meta", "title", "link", "script", "body"}


def everything(words: str, poll: str) -> list[Record]:
    """Return records in which every text from outside is `words`."""
    names = [
        {"account_id": f"{words}{row}", "score": 0.9, "reasons": ["lockstep", "taken_over"] if row % 2 else ["lockstep"]}
        for row in range(60)
    ]
    evidence = [
        {"detector": words, "direction": side, "sentence": words, "observed": 1.0, "expected": None, "p_value": 0.5}
        for side in ("coordinated", "organic")
    ]
    told: dict[str, Any] = {"summary": words, "evidence": evidence}
    options = {words: 5, "b": 3}
    shares = {name: {"share": 0.5, "low": 0.4, "high": 0.6} for name in options}
    outcome = {"leader": words, "adjusted_leader": words, "flips": "yes"}
    by = {"decision": "false_positive", "by": words, "decided_ms": 5, "note": words, "count": 1}
    return [
        alert(1, poll_ids=[poll, words + "2"], **told), alert(1, 2, poll_ids=[poll], news="updated", **told),
        alert(2, poll=poll, verdict="insufficient", news="retracted", review=by, **told),
        item(1, accounts=names), item(2, accounts=[], cleared=[words + "x"]),
        *surge(poll, 1), estimate(poll, 500, 8, 3, options=options, adjusted=shares, outcome=outcome),
        title(poll, words), decision(1, by=words, note=words, second=9_999),
    ]  # fmt: skip


class Tags(HTMLParser):
    """All tags and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_no_text_from_outside_becomes_markup_on_any_page_or_in_any_event() -> None:
    async def check(console: Console, asking: Client) -> None:
        await signed_in(asking, HOSTILE[:40])
        pages = [
            *PAGES,
            f"/poll?id={quote(HOSTILE)}",
            f"/polls?q={quote(HOSTILE)}",
            f"/sign-in?to={quote(HOSTILE)}",
            f"/?verdict={quote(HOSTILE)}",
        ]
        for page in pages:
            html = await (await asking.get(page)).text()
            assert "alert(1)</script>" not in html, page
            assert "\u202e" not in html, page
            assert "\x1b" not in html, page
            assert "7007886" not in html, page
            for tag, attributes in Tags(html).found:
                assert not [name for name in attributes if name.startswith("on") or name == "style"], (page, tag)
                assert tag != "script" or str(attributes.get("src", "")).startswith("/console.js"), page
        for page in pages[:6]:
            async with asking.get(f"/events?at={quote(page)}") as answer:
                said = (await answer.content.readuntil(b"\n\n")).decode()
                assert "<script" not in said

    asked(check, *everything(HOSTILE, "p"))


def test_every_answer_says_that_nothing_else_may_run_or_be_fetched() -> None:
    async def check(console: Console, asking: Client) -> None:
        for page in [
            *PAGES,
            "/console.css",
            "/console.js",
            "/icon.svg",
            "/healthz",
            "/readyz",
            "/metrics",
            "/events",
            f"/cases/{case_id(1)}/cleared.json",
        ]:
            async with asking.get(page) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert policy.startswith(
                    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'"
                ), page
                assert "unsafe" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert "aiohttp" not in answer.headers["Server"]

    asked(check, *everything("words", "p"))


def test_a_page_under_a_name_that_is_not_ours_is_refused() -> None:
    async def check(console: Console, asking: Client) -> None:
        for host, status in (
            ("evil.example", 403),
            ("localhost:1", 200),
            ("127.0.0.1", 200),
            ("[::1]:9", 200),
            ("polls.example:80", 200),
            ("", 403),
        ):
            assert (await asking.get("/", headers={"Host": host})).status == status, host
        assert (await asking.get("/metrics", headers={"Host": "console:9096"})).status == 200, (
            "Prometheus has names of its own for us"
        )

    asked(check)


def test_filters_find_cases_by_verdict_state_and_decision() -> None:
    async def check(console: Console, asking: Client) -> None:
        async def found(query: str) -> list[int]:
            html = await (await asking.get(f"/{query}")).text()
            return [int(number, 16) for number in re.findall(r'id="case-([0-9a-f]{16})"', html)]

        assert await found("") == [4, 3, 2, 1]
        assert await found("?verdict=organic") == [2]
        assert await found("?state=resolved") == [3]
        assert await found("?state=retracted") == [4]
        assert await found("?state=decided") == [1]
        assert await found("?state=undecided&verdict=mixed") == [3]
        assert await found("?verdict=nonsense&page=99999999999") == [4, 3, 2, 1]

    asked(
        check,
        alert(1),
        alert(2, verdict="organic"),
        alert(3, news="resolved"),
        alert(4, news="retracted", verdict="insufficient"),
        decision(1),
    )


def test_a_case_page_says_what_it_rests_on_and_what_changed() -> None:
    async def check(console: Console, asking: Client) -> None:
        html = await (await asking.get(f"/cases/{case_id(1)}")).text()
        for words in (
            "The peace plan", "Born within a day.", "A post sent it.", "Yes: “yes” instead of “no”", "6 accounts named", "Not organic",
            "Revision 2", "240 votes of &#39;p&#39; are suspect", "made within a short time", "false positive</strong> by ann",
            "the worker has not taken it up",
        ):  # fmt: skip
            assert words in html, words
        assert html.count("<svg") == 5, "votes, share, the accounts' reasons, their part of the poll, the result"

    asked(
        check,
        alert(1),
        alert(1, 2, news="updated"),
        item(1),
        *surge("p", 1),
        title("p", "The peace plan"),
        decision(1, "false_positive"),
    )


def test_accounts_are_paged_and_victims_are_marked() -> None:
    names = [
        {"account_id": f"acc-{row:03}", "score": 0.9, "reasons": ["taken_over"] if row == 51 else ["lockstep"]}
        for row in range(60)
    ]

    async def check(console: Console, asking: Client) -> None:
        first = await (await asking.get(f"/cases/{case_id(1)}")).text()
        second = await (await asking.get(f"/cases/{case_id(1)}?accounts=3")).text()
        assert first.count(">acc-") == ACCOUNTS_ON_A_PAGE
        assert second.count(">acc-") == 10
        assert 'acc-051 <span class="badge victim">victim</span>' in second
        listed = await (await asking.get(f"/cases/{case_id(1)}/accounts.json")).json()
        assert [one["account_id"] for one in listed["accounts"]] == [one["account_id"] for one in names]
        assert "1 of them look taken over: victims, not to be acted on" in first

    asked(check, alert(1), item(1, accounts=names))


def test_what_must_be_undone_is_told_with_the_accounts_to_give_back() -> None:
    async def check(console: Console, asking: Client) -> None:
        html = await (await asking.get("/undo")).text()
        assert "Retracted cases" in html
        assert "2 accounts" in html
        assert "False positive, says ann" in html
        cleared = await (await asking.get(f"/cases/{case_id(1)}/cleared.json")).json()
        assert cleared == {"case_id": case_id(1), "revision": 2, "count": 2, "cleared": ["<b>", "y"]}

    review = {"decision": "false_positive", "by": "ann", "decided_ms": 5, "note": None, "count": 1}
    asked(
        check,
        alert(1),
        alert(1, 2, news="retracted", verdict="insufficient", review=review),
        item(1),
        item(1, 2, accounts=[], cleared=["<b>", "y"]),
    )


def test_a_poll_without_a_case_has_a_page_and_an_unknown_one_says_so() -> None:
    async def check(console: Console, asking: Client) -> None:
        known, unknown = [await (await asking.get(f"/poll?id={name}")).text() for name in ("a%2Fb%3F", "nobody")]
        assert "No case is about this poll" in known
        assert "10 votes a second" in known
        assert "No estimate of this poll has come" in unknown
        assert "a/b?" in await (await asking.get("/polls?q=A%2FB")).text()

    asked(check, *surge("a/b?", 1))


def test_too_much_is_refused() -> None:
    async def check(console: Console, asking: Client) -> None:
        assert (await asking.post("/sign-in", data={"by": "x", "token": "x" * (MOST_BODY_BYTES + 1)})).status == 413
        assert (await asking.get("/?" + "x" * 9_000)).status in (400, 414)
        assert (await asking.put("/")).status == 405

    asked(check)


def test_programs_are_told_how_the_console_stands() -> None:
    async def check(console: Console, asking: Client) -> None:
        console.standing = Standing(7_000)
        assert (await asking.get("/readyz")).status == 503
        assert "7,000 records still to come" in await (await asking.get("/")).text()
        console.standing = Standing(7)
        assert (await asking.get("/readyz")).status == 200
        console.standing = Standing(0, "no answer from Kafka at <x>")
        assert (await asking.get("/healthz")).status == 200, "Kafka that is away is no reason to be restarted"
        page = await (await asking.get("/")).text()
        assert "no answer from Kafka at &lt;x&gt;" in page
        metrics = await (await asking.get("/metrics")).text()
        assert "pollwatch_console_live 0.0" in metrics
        assert "pollwatch_console_records_read_total 1.0" in metrics
        assert "pollwatch_console_cases 1.0" in metrics

    asked(check, alert(1))


def test_the_page_for_operators_names_the_bounds_that_hold() -> None:
    told = (Path(__file__).parent.parent / "docs" / "how-to" / "console.md").read_text(encoding="utf-8")
    in_one_line = " ".join(told.split())
    for words in (
        f"{MOST_CASES:,} cases", f"last {MOST_REVISIONS} revisions", f"{MOST_POLLS:,} polls", f"course of {MOST_COURSES:,} of them",
        f"{MOST_NAMES:,} account names ({MOST_LISTED:,} a case)", f"At most {MOST_STREAMS} pages", f"{MOST_CASES_AT_ONCE} cases with {MOST_ACCOUNTS_AT_ONCE:,} accounts",
        f"more than {Settings().decisions.bulk_accounts} accounts", f"{SESSION_S / 3600:.0f} hours",
    ):  # fmt: skip
        assert words in in_one_line, words
