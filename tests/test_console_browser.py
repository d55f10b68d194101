"""The console in a real Chromium: it changes without a reload, keys are enough, nothing foreign is asked for, and it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from console_records import Record, alert, case_id, decision, estimate, item, surge, title
from console_site import TOKEN, InThread
from playwright.sync_api import Browser, Page, expect
from seen_page import CONTRAST, CUT, OVER, Scheme, SeenPage

PHONE, DESKTOP = (360, 780), (1280, 900)
HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">\u202e\u2066" + "W" * 60
CASE = f"/cases/{case_id(1)}"
TEXTS = (
    "p",
    "li",
    "td",
    "th",
    "dt",
    "dd",
    "a",
    "label",
    "legend",
    "button",
    ".badge",
    ".severity",
    "figcaption",
    "summary",
    "svg text",
)


def records(words: str = "The peace plan", poll: str = "peace-plan") -> list[Record]:
    names = [
        {
            "account_id": f"{words[:40]}{row}",
            "score": 0.9,
            "reasons": ["born_together", "few_networks"] if row % 7 else ["taken_over"],
        }
        for row in range(60)
    ]
    return [
        alert(1, poll=poll, summary=words), alert(1, 2, poll=poll, news="updated", summary=words), item(1, accounts=names), *surge(poll, 1),
        alert(2, verdict="organic", summary=words), alert(3, verdict="insufficient", news="retracted"), item(3, accounts=[], cleared=[words]),
        title(poll, words), decision(2, by=words, note=words),
    ]  # fmt: skip


@pytest.fixture
def console() -> Iterator[InThread]:
    with InThread(*records()) as made:
        yield made


def opened(browser: Browser, address: str, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light") -> SeenPage:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    context.set_default_timeout(30_000)
    seen = SeenPage(context.new_page())
    seen.page.goto(address, wait_until="load")
    return seen


def sign_in(page: Page, console: InThread) -> None:
    page.goto(console.url + "/sign-in")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_the_list_changes_without_a_reload_and_says_so(browser: Browser, console: InThread) -> None:
    seen = opened(browser, console.url + "/")
    page = seen.page
    page.evaluate("window.before = true")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    link = page.get_by_role("link", name="The peace plan").first
    link.focus()
    console.take(alert(9, poll="new"), title("new", "A new poll"))
    expect(rows).to_have_count(4, timeout=10_000)
    expect(rows.first).to_contain_text("A new poll")
    expect(page.get_by_role("status").first).to_have_text("mixed: A new poll, open")
    console.take(decision(9, "false_positive"))
    expect(rows.first).to_contain_text("false positive")
    assert page.evaluate("window.before")
    assert page.evaluate("document.activeElement.textContent") == "The peace plan"
    assert seen.said == []
    page.context.close()


def test_a_case_grows_while_somebody_reads_it_and_writes_a_note(browser: Browser, console: InThread) -> None:
    seen = opened(browser, console.url + "/")
    page = seen.page
    sign_in(page, console)
    page.goto(console.url + CASE)
    page.get_by_label("Why").fill("half a sentence")
    numbers = page.locator("#part-timeline summary").first
    numbers.click()
    before = page.locator("#part-timeline svg").first.get_attribute("aria-label")
    console.take(
        alert(1, 3, poll="peace-plan", verdict="coordinated", news="updated", summary="It is a script."),
        estimate("peace-plan", 130, 9_000, 6_000),
    )
    expect(page.locator("#revision-3")).to_contain_text("The verdict is coordinated, it was mixed.", timeout=10_000)
    expect(page.locator(".lead")).to_have_text("It is a script.")
    expect(page.locator("#part-timeline svg").first).not_to_have_attribute("aria-label", before or "")
    expect(page.get_by_label("Why")).to_have_value("half a sentence")
    expect(page.locator("#part-timeline details").first).to_have_attribute("open", "")
    assert seen.said == []
    page.context.close()


def test_an_analyst_finds_the_script_marks_it_and_sees_the_effect(browser: Browser, console: InThread) -> None:
    seen = opened(browser, console.url + "/")
    page = seen.page
    page.get_by_role("link", name="mixed").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="The peace plan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("mixed")
    page.get_by_role("link", name="Sign in to decide").first.click()
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Token").press("Enter")
    assert page.url.endswith(CASE)
    page.get_by_label("false positive").check()
    page.get_by_label("Why").fill("one school class")
    page.get_by_role("button", name="Decide", exact=True).click()
    expect(page.locator(".said")).to_contain_text("Decided")
    [sent] = console.console.sent
    assert (sent.case_id, sent.decision, sent.by, sent.note) == (case_id(1), "false_positive", "Ann", "one school class")
    review = {"decision": "false_positive", "by": "Ann", "decided_ms": sent.ts, "note": sent.note, "count": 1}
    console.take(
        alert(1, 3, poll="peace-plan", verdict="insufficient", news="retracted", review=review),
        item(1, 3, accounts=[], cleared=["a", "b"]),
    )
    expect(page.locator(".notice")).to_contain_text("Retracted.", timeout=10_000)
    expect(page.locator("#part-decisions")).to_contain_text("Stands: false positive, by Ann")
    page.get_by_role("link", name="To undo").click()
    expect(page.get_by_role("row", name="The peace plan")).to_contain_text("2 accounts")
    assert seen.said == []
    assert {url.split("/")[2] for url in seen.asked_for} == {console.url.split("/")[2]}
    page.context.close()


def test_a_case_that_is_not_known_yet_appears_when_it_comes(browser: Browser, console: InThread) -> None:
    page = opened(browser, f"{console.url}/cases/{case_id(8)}").page
    expect(page.get_by_role("heading", level=1)).to_have_text("No such case")
    console.take(alert(8, poll_ids=["one", "two"]))
    expect(page.get_by_role("heading", level=1)).to_contain_text("one", timeout=10_000)
    expect(page.get_by_role("heading", name="Its polls")).to_be_visible()
    page.context.close()


def test_several_cases_are_decided_at_once_with_a_reason(browser: Browser, console: InThread) -> None:
    page = opened(browser, console.url + "/").page
    sign_in(page, console)
    page.get_by_label("Choose the case on The peace plan").check()
    page.get_by_label("Choose the case on p").first.check()
    console.take(alert(9, poll="new"))
    expect(page.locator("tbody tr")).to_have_count(4, timeout=10_000)
    page.get_by_label("Decide on the chosen cases").select_option("disputed")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("disputed: 2 cases, 60 accounts")
    page.get_by_label("Reason").fill("people do not agree")
    page.get_by_role("button", name="Decide on all of them").click()
    expect(page.locator(".said")).to_contain_text("Decided")
    assert {one.note for one in console.console.sent} == {"people do not agree"}
    assert len(console.console.sent) == 2
    page.context.close()


def test_keys_are_enough_from_the_list_to_a_decision(browser: Browser, console: InThread) -> None:
    page = opened(browser, console.url + "/").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "The peace plan":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{CASE}")
    page.get_by_role("link", name="Sign in to decide").first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Your name").focus()
    page.keyboard.type("Ann")
    page.keyboard.press("Tab")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{CASE}")
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("seen")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("Decided")
    assert [one.decision for one in console.console.sent] == ["false_positive"]
    page.context.close()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_hostile_words_run_nowhere_fit_everywhere_and_fetch_nothing(browser: Browser, size: tuple[int, int]) -> None:
    with InThread(*records(HOSTILE, HOSTILE[:120])) as console:
        seen = opened(browser, console.url + "/", size)
        sign_in(seen.page, console)
        for address in (
            "/",
            CASE,
            f"/cases/{case_id(3)}",
            "/polls",
            "/undo",
            f"/poll?id={quote(HOSTILE[:120])}",
            f"/polls?q={quote(HOSTILE)}",
        ):
            seen.page.goto(console.url + address)
            seen.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert seen.fits(), address
            assert seen.page.title().endswith(" – Pollwatch")
        # parts come again as events, by another way into the page
        console.take(alert(9, poll=HOSTILE[:120], summary=HOSTILE))
        seen.page.goto(console.url + "/")
        console.take(alert(10, poll=HOSTILE[:120], summary=HOSTILE))
        expect(seen.page.locator(f"#case-{case_id(10)}")).to_be_visible(timeout=10_000)
        assert seen.said == []
        assert {url.split("/")[2] for url in seen.asked_for} == {console.url.split("/")[2]}
        seen.page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_can_be_read_on_what_is_behind_them(browser: Browser, console: InThread, scheme: Scheme) -> None:
    seen = opened(browser, console.url + "/", DESKTOP, scheme)
    for address in ("/sign-in", "/", CASE, f"/cases/{case_id(3)}", "/polls", "/poll?id=peace-plan", "/undo"):
        seen.page.goto(console.url + address)
        seen.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        for selector in TEXTS:
            if seen.page.locator(selector).count():
                assert seen.page.evaluate(CONTRAST, selector) >= 4.5, (address, selector)
        if address == "/sign-in":
            sign_in(seen.page, console)
    assert seen.said == []
    seen.page.context.close()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_screen_reader_finds_landmarks_headings_and_tables(browser: Browser, console: InThread, size: tuple[int, int]) -> None:
    page = opened(browser, console.url + "/", size).page
    assert page.get_by_role("banner").count() == page.get_by_role("main").count() == page.get_by_role("contentinfo").count() == 1
    assert page.get_by_role("navigation", name="Pages").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    table = page.get_by_role("table", name="Cases, newest first")
    assert table.get_by_role("row").count() >= 3, "also where its cells stand below each other"
    assert table.get_by_role("rowheader").count() == 3
    page.goto(console.url + CASE)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.locator("svg").count() == page.get_by_role("img").count(), "every drawing says in words what it shows"
    page.context.close()


def test_charts_are_whole_on_a_phone(browser: Browser, console: InThread) -> None:
    page = opened(browser, console.url + CASE, PHONE).page
    assert page.locator("svg").count() == 5
    for second in (130, 145, 160, 190, 220):
        # times that fall on the last mark of the axis, and beside it
        console.take(estimate("peace-plan", second, 9_000 + second, 3_000))
        page.goto(console.url + CASE)
        assert page.evaluate(CUT) == [], second
        assert page.evaluate(OVER) == [], second
    page.context.close()


def test_without_script_everything_can_be_read_and_decided(browser: Browser, console: InThread) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(console.url + "/")
    expect(page.locator("tbody tr")).to_have_count(3)
    sign_in(page, console)
    page.goto(console.url + CASE)
    page.get_by_label("confirmed").check()
    page.get_by_label("Why").fill("as it says")
    page.get_by_role("button", name="Decide", exact=True).click()
    expect(page.locator(".said")).to_contain_text("Decided")
    assert len(console.console.sent) == 1
    context.close()


def test_a_page_that_lost_the_console_says_so(browser: Browser) -> None:
    with InThread(*records()) as console:
        page = opened(browser, console.url + "/").page
        expect(page.locator(".offline")).to_be_hidden()
    expect(page.locator(".offline")).to_be_visible(timeout=10_000)
    page.context.close()
