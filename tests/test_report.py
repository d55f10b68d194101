"""report.html: what it says of a scan, that no text gets out of its place, and that it stays small."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from config import Settings
from detectors.alert import Window
from detectors.counted import ScoredWindows
from lab.story import PEACE_PLAN, story
from streams.report import Timelines
from streams.report.chart import chart
from streams.report.timelines import MOST_POINTS, MOST_POLLS, RECENT_ROWS, Timeline
from streams.scan import scan

START_MS = 1_664_812_800_000
VOID = {"meta", "rect", "line", "polyline"}
NASTY = "<script>alert(1)</script><img src=x onerror='a()'>\" onload=\"b()\" </title>]]>\u202e\x1b[2J&lt;"


class Tags(HTMLParser):
    """All elements and attributes of a page; fails where they do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] = self.elements.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}
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


def report_of(folder: Path, poll_id: str, option: str) -> str:
    """Scan the story, its one flooded poll and the answer to it renamed."""
    events = []
    for event in story(1, START_MS, 0.3).events:
        if event["poll_id"] == PEACE_PLAN:
            event |= {"poll_id": poll_id} | ({"option": option} if event.get("option") == "no" else {})
        events.append(json.dumps(event).encode())
    recording = folder / "recording.jsonl"
    recording.write_bytes(b"\n".join(events))
    scan([recording], Settings(), folder / "out", False, lambda _: None)
    return (folder / "out" / "report.html").read_text()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return report_of(tmp_path_factory.mktemp("plain"), "peace-plan", "no")


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> str:
    return report_of(tmp_path_factory.mktemp("nasty"), NASTY, NASTY[::-1])


def test_the_report_says_what_was_found_for_both_sides_with_tally_and_timeline(plain: str) -> None:
    tags = parsed(plain)
    assert tags.elements["article"] == tags.elements["svg"] == tags.elements["table"] == 1
    assert "Votes rose suddenly on poll 'peace-plan'" in tags.text
    assert "a script could have sent them" in tags.text
    assert "would look alike if a post or a broadcast had sent a crowd" in tags.text
    assert "It can't tell a crowd from a script." in tags.text
    assert re.search(r"<tr><th scope=\"row\">no</th><td>[\d,]+</td><td>\d+\.\d%</td></tr>", plain)
    assert 'class="surge"' in plain
    assert "<dt>refused</dt><dd>0</dd>" in plain


def test_no_id_or_text_can_bring_in_markup(plain: str, nasty: str) -> None:
    """A hostile page has the very elements and attributes of a harmless one."""
    harmless, hostile = parsed(plain), parsed(nasty)
    assert hostile.elements == harmless.elements
    assert hostile.attributes == harmless.attributes
    assert "\u202e" not in nasty
    assert "\x1b" not in nasty
    assert "<script>alert(1)</script>" in hostile.text  # as text


def test_the_page_fetches_nothing(plain: str) -> None:
    assert "default-src 'none'" in plain
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?:", plain)


def test_a_scan_without_a_case_says_so(tmp_path: Path) -> None:
    recording = tmp_path / "empty.jsonl"
    recording.write_bytes(b"")
    scan([recording], Settings(), tmp_path, False, lambda _: None)
    assert "No case was opened" in parsed((tmp_path / "report.html").read_text()).text


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


def test_only_bars_that_overlap_the_case_are_marked() -> None:
    timeline = Timeline(1_000)
    for second in range(4):
        timeline.add(second * 1_000, 10, 1)
    drawing = chart(timeline, Window(1_500, 3_000))
    assert re.findall(r'class="(votes|surge)"', drawing) == ["votes", "surge", "surge", "votes"]
