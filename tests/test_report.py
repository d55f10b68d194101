"""report.html: what it says of cases of every kind, that no text gets out of its place, and that it stays small."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from report_builder import TOTALS, Examples
from report_examples import everything, flood

from detectors.alert import Alert
from detectors.counted import ScoredWindows
from streams.report import Report, Timelines, page
from streams.report.inline_svg import inline
from streams.report.report import MOST_CASES, MOST_DRAWN
from streams.report.timelines import MOST_POINTS, MOST_POLLS, RECENT_ROWS, Timeline

VOID = {"meta"}
NASTY = "<script>alert(1)</script><img src=x onerror='a()'>\" onload=\"b()\" </title>]]>\u202e\x1b[2J&lt;"
FETCHING = r"src\s*=|href\s*=(?!\"#)|url\(|@import|https?:"


class Tags(HTMLParser):
    """All elements and attributes of a page; fails where they do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] = self.elements.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}
        self.targets += [value or "" for name, value in attrs if name == "href"]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags._open == []
    return tags


def article(html: str, number: int) -> str:
    """Return the article of the example case of this number."""
    return html.split(f'id="case-{number:016x}"')[1].split("</article>")[0].removesuffix("</div></details>")


@pytest.fixture(scope="module")
def plain() -> str:
    return page(everything())


@pytest.fixture(scope="module")
def nasty() -> str:
    return page(everything(lambda name: NASTY + name))


def test_the_cases_that_accuse_and_change_a_result_come_first(plain: str) -> None:
    listed = re.findall(r'<td><span class="badge (\w+)"', plain.split("</nav>")[0])
    assert listed == ["coordinated"] * 4 + ["mixed", "insufficient", "organic"]
    assert [int(case, 16) for case in re.findall(r'<article id="case-(\w+)"', plain)] == [1, 6, 3, 4, 2]
    assert [int(case, 16) for case in re.findall(r'<div id="case-(\w+)"', plain)] == [7, 5]  # folded up
    assert "1 case was a crowd and 1 can&#x27;t be told" in plain


def test_a_case_says_both_sides_and_what_it_means_for_the_result(plain: str) -> None:
    flooded = parsed(article(plain, 1)).text
    assert "A script cast about 3,980 of the 6,120 votes" in flooded
    assert "3,940 of 4,050 accounts in the surge were made within 3.6 days" in flooded
    assert "Their countries are spread like the poll's own." in flooded
    assert "3,980 (64% to 67%)" in flooded
    assert "“yes” instead of “no”" in flooded
    assert "made within a short time 3,980" in flooded
    assert "14 accounts named earlier were cleared" in flooded


def test_a_crowd_and_a_case_that_cannot_be_told_accuse_nobody(plain: str) -> None:
    assert "Suspect votesnone" in parsed(article(plain, 5)).text
    assert "var(--suspect)" not in article(plain, 5)
    assert "var(--suspect)" not in article(plain, 7)


def test_named_accounts_stand_beside_the_others(plain: str) -> None:
    cells = dict(re.findall(r'<tr><th scope="row">([^<]+)</th><td>([^<]+)</td>', article(plain, 1)))
    assert cells["Commonest client"] == "android (100%)"
    assert re.fullmatch(r"2\.\d days \(nine of ten: \d+\.\d h to 3\.\d days\)", cells["Account age, middle one"])
    assert cells["Came through a link"] == "0%"


def test_accounts_that_met_are_drawn_poll_after_poll_and_copied_words_are_quoted(plain: str) -> None:
    assert "The same accounts, poll after poll" in article(plain, 3)
    assert "8. p7-047" in article(plain, 3)
    assert "it was drafted by people" in article(plain, 4)


def test_what_no_longer_holds_is_listed_apart(plain: str) -> None:
    after = plain.split("</article>")[-1]
    assert "What looked like a script was a campus" in after.split("Merged")[0]
    assert f'<a href="#case-{3:016x}">' in after
    assert f'id="case-{8:016x}"' not in plain


def test_every_link_leads_to_a_place_on_the_page(plain: str) -> None:
    tags = parsed(plain)
    assert {target[1:] for target in tags.targets} <= set(tags.ids)
    assert len(tags.ids) == len(set(tags.ids))


def test_every_poll_is_in_the_table_of_polls(plain: str) -> None:
    polls = plain.split('<section id="polls">')[1]
    assert polls.count("<tr>") - 1 == len(everything().estimates)


def test_no_id_or_text_can_bring_in_markup(plain: str, nasty: str) -> None:
    """A hostile page has the very elements and attributes of a harmless one."""
    harmless, hostile = parsed(plain), parsed(nasty)
    assert hostile.elements.keys() == harmless.elements.keys()
    assert {name: count for name, count in hostile.elements.items() if name not in {"g", "text", "path", "line"}} == {
        name: count for name, count in harmless.elements.items() if name not in {"g", "text", "path", "line"}
    }
    assert hostile.attributes == harmless.attributes
    assert "\u202e" not in nasty
    assert "\x1b" not in nasty
    assert "<script>alert(1)</script>" in hostile.text  # as text


def test_the_page_fetches_nothing(plain: str, nasty: str) -> None:
    assert "default-src 'none'" in plain
    for html in (plain, nasty.replace("src=x", "")):
        assert not re.search(FETCHING, html)


def test_a_drawing_keeps_nothing_that_could_act() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10.4 20"><style>x</style><script>a()</script><a href="#"/>'
        '<g onclick="a()" transform="translate(1.234567,2.0000001)"><path d="M0,1e-15L2.34567,8" style="x" id="y"/>'
        "<image href='x'/><text>&lt;b></text></g></svg>"
    )
    drawn = inline(svg, "a <b>", 'c "d"')
    assert drawn == (
        '<svg viewBox="0 0 10.4 20" fill="none" role="img" aria-label="a &lt;b&gt;. c &quot;d&quot;">'
        '<g transform="translate(1.2,2)"><path d="M0,0L2.3,8"></path><text>&lt;b&gt;</text></g></svg>'
    )
    ElementTree.fromstring(drawn)


def test_steps_lose_the_points_that_change_nothing() -> None:
    path = "M0,9L1,9L1,9L2,9L2,5L2,3L3,3L4,3L4,9Z M0,1L0,2h3L4,4"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="{path}"/></svg>'
    assert 'd="M0,9L2,9L2,3L4,3L4,9Z M0,1L0,2h3L4,4"' in inline(svg, "", "")


def test_every_chart_says_in_words_what_it_shows(plain: str) -> None:
    labels = re.findall(r'<svg [^>]*role="img" aria-label="([^"]*)"', plain)
    assert len(labels) == plain.count("<svg")
    assert all(len(label) > 30 for label in labels)


def test_a_report_without_samples_and_names_still_says_all_it_knows() -> None:
    full = everything()
    html = page(replace(full, samples={}, named={}, timelines=Timelines(60_000), estimates={}))
    assert "No timeline was kept" in html
    assert "A script cast about 3,980" in html


def test_a_report_without_a_case_says_so() -> None:
    assert "No case was opened" in page(Report(TOTALS, [], Timelines(60_000), {}))


def many_cases(count: int) -> Report:
    """Return a report with the flood so many times."""
    examples = Examples()
    flood(examples)
    (said,) = examples.alerts
    (sample,), (named,) = examples.samples.values(), examples.named.values()
    ids = [f"{number:016x}" for number in range(1, count + 1)]
    alerts = [alert_of(said, case_id) for case_id in ids]
    return replace(
        examples.report(), cases=alerts, samples=dict.fromkeys(ids, sample), named=dict.fromkeys(ids, named)
    )


def alert_of(said: Alert, case_id: str) -> Alert:
    fields = {name: getattr(said, name) for name in said.__struct_fields__}
    data = {name: getattr(said.data, name) for name in said.data.__struct_fields__} | {"case_id": case_id}
    return Alert(**fields | {"id": f"{case_id}:1", "data": type(said.data)(**data)})


def test_many_cases_are_cut_and_the_page_says_so() -> None:
    started = time.perf_counter()
    html = page(many_cases(MOST_CASES + 7))
    took_s = time.perf_counter() - started
    assert html.count("<article") == MOST_CASES
    assert f"The first {MOST_CASES} are listed; alerts.jsonl has all {MOST_CASES + 7}." in html
    assert f"{MOST_DRAWN} have drawings." in html
    assert html.count("Not drawn: others weigh more.") == MOST_CASES - MOST_DRAWN
    assert len(html.encode()) < 3_000_000
    assert took_s < 30  # 5 s on a quiet machine


def windows(poll_ids: list[str], start_ms: int, votes: int) -> ScoredWindows:
    size = len(poll_ids)
    return ScoredWindows(
        poll_ids,
        np.full(size, start_ms, np.int64),
        np.full(size, votes, np.int64),
        np.full(size, 2.0),
        np.zeros(size),
        np.zeros(size, np.bool_),
    )


def test_a_timeline_has_the_time_before_and_after_the_case_opened() -> None:
    timelines = Timelines(1_000)
    for second in range(5):
        timelines.add(windows(["a", "b"], second * 1_000, second))
    timelines.follow("a")
    timelines.add(windows(["b"], 5_000, 9))
    timelines.add(windows(["a", "b"], 6_000, 6))
    drawn = timelines.of("a")
    assert drawn is not None
    assert [(at_ms, point.votes) for at_ms, point in drawn.filled()] == [
        (0, 0), (1_000, 1), (2_000, 2), (3_000, 3), (4_000, 4), (5_000, 0), (6_000, 6)
    ]  # fmt: skip
    assert timelines.of("b") is None


def test_a_long_timeline_becomes_coarser_and_loses_no_vote() -> None:
    timeline = Timeline(1_000)
    first, last = 12_345, 12_345 + 20 * MOST_POINTS
    for number in range(first, last):
        timeline.add(number * 1_000, 1, 0.5)
    points = timeline.filled()
    assert len(points) <= MOST_POINTS
    assert sum(point.votes for _, point in points) == 20 * MOST_POINTS
    assert sum(point.expected for _, point in points) == 10 * MOST_POINTS
    assert points[0][0] <= first * 1_000 < points[0][0] + timeline.span_ms
    assert points[-1][0] <= (last - 1) * 1_000 < points[-1][0] + timeline.span_ms


def test_memory_for_timelines_is_bounded() -> None:
    timelines = Timelines(1_000)
    many = [f"poll-{number}" for number in range(RECENT_ROWS // 10)]
    for second in range(50):
        timelines.add(windows(many, second * 1_000, 1))
        assert timelines._recent_rows <= RECENT_ROWS
    for poll_id in many[: MOST_POLLS + 5]:
        timelines.follow(poll_id)
    assert timelines.of(many[MOST_POLLS - 1]) is not None
    assert timelines.of(many[MOST_POLLS]) is None
