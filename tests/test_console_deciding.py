"""Who may decide in the console, on how much at once, and what a decision must be."""

from __future__ import annotations

import re

import pytest
from console_records import alert, case_id, item
from console_site import TOKEN, Client, Console, asked, signed_in

from streams.console import deciding
from streams.console.sessions import MOST_WRONG


def test_only_the_consoles_own_pages_may_change_something_or_listen() -> None:
    async def check(console: Console, asking: Client) -> None:
        csrf = await signed_in(asking)
        form = {"csrf": csrf, "case": case_id(1), "decision": "confirmed"}
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            assert (await asking.post("/decisions", data=form, headers=headers)).status == 403
        assert (await asking.get("/events", headers={"Sec-Fetch-Site": "cross-site"})).status == 403
        assert console.sent == []

    asked(check, alert(1))


def test_who_is_not_signed_in_or_has_no_form_of_his_own_decides_nothing() -> None:
    async def check(console: Console, asking: Client) -> None:
        form = {"case": case_id(1), "decision": "confirmed"}
        for address in ("/decisions", "/decisions/review"):
            assert (await asking.post(address, data=form | {"csrf": ""})).status == 403
        await signed_in(asking)
        for csrf in ("", "x" * 43, "é"):
            assert (await asking.post("/decisions", data=form | {"csrf": csrf})).status == 403
        assert console.sent == []

    asked(check, alert(1))


def test_a_decision_is_sent_with_the_name_of_who_signed_in() -> None:
    async def check(console: Console, asking: Client) -> None:
        csrf = await signed_in(asking, "  Ann   B. ")
        answer = await asking.post(
            "/decisions", data={"csrf": csrf, "case": case_id(1), "decision": "false_positive", "note": " a class trip "}
        )
        assert answer.url.path_qs == f"/cases/{case_id(1)}?said=decided"
        assert [(one.case_id, one.decision, one.by, one.note) for one in console.sent] == [
            (case_id(1), "false_positive", "Ann B.", "a class trip")
        ]
        for wrong in ({"decision": "guilty"}, {"case": "ffffffffffffffff"}, {"case": "../x"}, {"note": "x" * 5_000}):
            form = {"csrf": csrf, "case": case_id(1), "decision": "confirmed"} | wrong
            assert (await asking.post("/decisions", data=form)).status == 400, wrong
        console.is_kafka_away = True
        refused = await asking.post("/decisions", data={"csrf": csrf, "case": case_id(1), "decision": "confirmed"})
        assert refused.status == 503
        assert "Kafka did not take it" in await refused.text()
        assert len(console.sent) == 1
        assert (
            'pollwatch_console_decisions_sent_total{decision="false_positive"} 1.0' in await (await asking.get("/metrics")).text()
        )

    asked(check, alert(1))


def test_what_touches_many_accounts_needs_a_reason() -> None:
    many = [{"account_id": f"x{row}", "score": 0.9, "reasons": ["lockstep"]} for row in range(101)]

    async def check(console: Console, asking: Client) -> None:
        csrf = await signed_in(asking)
        form = {"csrf": csrf, "case": case_id(1), "decision": "false_positive", "note": " "}
        answer = await asking.post("/decisions", data=form)
        assert answer.status == 400
        assert "Give a reason" in await answer.text()
        assert (await asking.post("/decisions", data=form | {"decision": "disputed"})).status == 200
        assert (await asking.post("/decisions", data=form | {"note": "looked at 20"})).status == 200
        assert [one.decision for one in console.sent] == ["disputed", "false_positive"]

    asked(check, alert(1), item(1, accounts=many))


def test_a_decision_on_several_cases_shows_how_many_accounts_it_touches_and_asks_for_a_reason() -> None:
    async def check(console: Console, asking: Client) -> None:
        csrf = await signed_in(asking)
        both = [("csrf", csrf), ("case", case_id(1)), ("case", case_id(2)), ("decision", "false_positive")]
        review = await asking.post("/decisions/review", data=both)
        assert "2 cases, 12 accounts" in await review.text()
        without = await asking.post("/decisions", data=[*both, ("touched", "12"), ("note", "  ")])
        assert without.status == 400
        assert "Give a reason" in await without.text()
        console.take(item(2, 2, accounts=[{"account_id": f"n{row}", "score": 0.9, "reasons": ["lockstep"]} for row in range(7)]))
        grown = await asking.post("/decisions", data=[*both, ("touched", "12"), ("note", "one class")])
        assert grown.status == 400
        assert "13 accounts by now" in await grown.text()
        assert console.sent == []
        done = await asking.post("/decisions", data=[*both, ("touched", "13"), ("note", "one class")])
        assert done.url.path_qs == "/?said=decided-all"
        assert {one.case_id for one in console.sent} == {case_id(1), case_id(2)}

    asked(check, alert(1), alert(2), item(1), item(2))


def test_a_decision_on_several_cases_has_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(console: Console, asking: Client) -> None:
        csrf = await signed_in(asking)
        some = [("csrf", csrf), ("decision", "confirmed"), ("touched", "99999"), ("note", "all")]
        many = [("case", case_id(number)) for number in range(1, 23)]
        for cases in (many, many[:10]):
            answer = await asking.post("/decisions", data=some + cases)
            assert answer.status == 400
            assert "choose fewer" in await answer.text()
        assert console.sent == []

    monkeypatch.setattr(deciding, "MOST_ACCOUNTS_AT_ONCE", 50)
    asked(check, *(record for number in range(1, 23) for record in (alert(number), item(number))))


def test_wrong_tokens_are_slowed_down_and_the_right_one_waits_too() -> None:
    async def check(console: Console, asking: Client) -> None:
        for _ in range(MOST_WRONG):
            answer = await asking.post("/sign-in", data={"by": "x", "token": "guess"})
            assert "This is not the token" in await answer.text()
        answer = await asking.post("/sign-in", data={"by": "x", "token": TOKEN})
        assert answer.status == 403
        assert "wait a minute" in await answer.text()
        assert f"pollwatch_console_sign_ins_refused_total {MOST_WRONG + 1}.0" in await (await asking.get("/metrics")).text()

    asked(check)


def test_the_session_is_a_cookie_no_script_and_no_other_site_gets_and_ends_with_signing_out() -> None:
    async def check(console: Console, asking: Client) -> None:
        answer = await asking.post("/sign-in", data={"by": "ann", "token": TOKEN, "to": "//evil.example"}, allow_redirects=False)
        assert answer.headers["Location"] == "/"
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        csrf = await signed_in(asking)
        await asking.post("/sign-out", data={"csrf": csrf})
        assert (await asking.post("/decisions", data={"csrf": csrf, "case": case_id(1), "decision": "confirmed"})).status == 403

    asked(check, alert(1))


def test_without_a_token_file_the_console_is_read_only_and_says_so() -> None:
    async def check(console: Console, asking: Client) -> None:
        assert "read only" in await (await asking.get("/")).text()
        assert "console.token_file" in await (await asking.get(f"/cases/{case_id(1)}")).text()
        assert "console.token_file" in await (await asking.get("/sign-in")).text()
        for token in ("", "None", TOKEN):
            answer = await asking.post("/sign-in", data={"by": "ann", "token": token})
            assert "Set-Cookie" not in answer.headers

    asked(check, alert(1), token=None)


def test_a_decision_may_be_about_some_accounts_of_a_case_whatever_their_ids_hold() -> None:
    strange = 'x\u202e\r\n"<b>'
    names = [{"account_id": name, "score": 0.9, "reasons": ["lockstep"]} for name in ("a", strange, "c")]

    async def check(console: Console, asking: Client) -> None:
        csrf = await signed_in(asking)
        html = await (await asking.get(f"/cases/{case_id(1)}")).text()
        marks = re.findall(r'form="some" name="account" value="([0-9a-f]{16})"', html)
        assert len(marks) == 3
        form = [("csrf", csrf), ("case", case_id(1)), ("accounts", "some"), ("decision", "false_positive"), ("note", "a class")]
        assert (await asking.post("/decisions", data=form)).status == 400, "nobody is chosen"
        await asking.post("/decisions", data=[*form, ("account", marks[1]), ("account", "0" * 16)])
        assert [one.account_ids for one in console.sent] == [[strange]]

    asked(check, alert(1), item(1, accounts=names))
