"""report.html as `scan` writes it."""

import json
from pathlib import Path

from test_report import NASTY, parsed

from config import Settings
from lab.story import PEACE_PLAN, story
from streams.scan import scan

START_MS = 1_664_812_800_000


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


def test_a_scan_reports_the_flooded_poll_with_both_sides_and_its_timeline(tmp_path: Path) -> None:
    page = report_of(tmp_path, NASTY, NASTY[::-1])
    tags = parsed(page)
    assert tags.elements["article"] >= 1
    assert tags.elements["svg"] >= 2
    assert "Speaks for a script" in tags.text
    assert "Speaks for a crowd" in tags.text
    assert "0 refused lines" in tags.text
    assert "script" not in tags.elements
    assert "\u202e" not in page


def test_a_scan_without_a_case_says_so(tmp_path: Path) -> None:
    recording = tmp_path / "empty.jsonl"
    recording.write_bytes(b"")
    scan([recording], Settings(), tmp_path, False, lambda _: None)
    assert "No case was opened" in parsed((tmp_path / "report.html").read_text()).text
