"""`pollwatch scan`: every file it promises, with the rows and fields it promises, whatever the recording is like."""

from __future__ import annotations

import base64
import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from alert_schema import valid_alert
from recorded_traffic import REFUSED, START_MS, recording, write

from config import Settings, with_overrides
from streams.recording import RecordingError
from streams.scan import Summary, scan

SEED = 7
WINDOW_MS = 60_000
FILES = {
    "alerts.jsonl", "moderation.jsonl", "integrity.jsonl", "dead-letter.jsonl", "summary.json", "report.html", "scores.csv"
}  # fmt: skip
LINES = recording(SEED, polls=6, minutes=20, flood=700)


def settings(**sections: dict[str, Any]) -> Settings:
    return with_overrides(Settings(), **{"topics": {"partitions": 3}, **sections})


def run(paths: list[Path], out: Path, scores: bool = True, **sections: dict[str, Any]) -> Summary:
    return scan(paths, settings(**sections), out, scores, lambda _: None)


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "scores.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    print(f"seed {SEED}")
    folder = tmp_path_factory.mktemp("scan")
    run([write(folder / "recording.jsonl", LINES)], folder / "out")
    return folder / "out"


def events() -> list[dict[str, Any]]:
    """Return the accepted events of the recording, copies too."""
    return [json.loads(line) for line in LINES if line not in REFUSED]


def test_it_writes_the_files_of_the_contract_and_no_other(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == FILES


def test_scores_are_written_only_when_asked_for(tmp_path: Path) -> None:
    run([write(tmp_path / "r.jsonl", LINES[:100])], tmp_path / "out", scores=False)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES - {"scores.csv"}


def test_alerts_are_valid_and_say_that_they_are_replayed(out: Path) -> None:
    alerts = [valid_alert(line) for line in (out / "alerts.jsonl").read_bytes().splitlines()]
    opened = {a["subject"] for a in alerts if a["type"] == "pollwatch.alert.opened.v1"}
    assert {"poll-2", "poll-5"} <= opened, "the floods"
    assert {alert["data"]["made_by"]["mode"] for alert in alerts} == {"replay"}
    assert len({alert["id"] for alert in alerts}) == len(alerts)


def test_the_estimates_are_the_last_votes_of_each_account(out: Path) -> None:
    votes: dict[str, dict[str, tuple[int, str]]] = {}
    seen = set()
    for event in events():
        if event["type"] == "vote" and event["event_id"] not in seen:
            seen.add(event["event_id"])
            of_poll = votes.setdefault(event["poll_id"], {})
            # two votes of one account in one millisecond would be told apart by a hash: there are none here
            assert of_poll.get(event["account_id"], (0, ""))[0] != event["ts"]
            of_poll[event["account_id"]] = max(of_poll.get(event["account_id"], (0, "")), (event["ts"], event["option"]))
    expected = {poll: dict(Counter(option for _, option in of_poll.values())) for poll, of_poll in votes.items()}
    found = json_lines(out / "integrity.jsonl")
    assert {e["poll_id"]: {o: n for o, n in e["options"].items() if n} for e in found} == expected
    for estimate in found:
        assert estimate["votes"] == sum(estimate["options"].values())
        assert set(estimate) == {
            "poll_id", "votes", "options", "suspect_votes", "suspect_share_low", "suspect_share_high", "adjusted",
            "outcome", "updated_ms", "expected_per_s", "rate_score",
        }  # fmt: skip


def test_the_summary_counts_everything(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary) == {
        "events", "votes", "replies", "rejected", "duplicates", "late", "polls", "cases", "seconds",
        "events_per_second", "peak_rss_bytes",
    }  # fmt: skip
    unique = {event["event_id"]: event["type"] for event in events()}
    assert summary["events"] == len(LINES)
    assert summary["votes"] == list(unique.values()).count("vote")
    assert summary["replies"] == list(unique.values()).count("reply") > 0
    assert summary["rejected"] == sum(line in REFUSED for line in LINES) > 0
    assert summary["duplicates"] == len(events()) - len(unique) > 0
    assert summary["polls"] == 6
    assert summary["late"] > 20
    assert summary["cases"] == len({a["data"]["case_id"] for a in json_lines(out / "alerts.jsonl")}) >= 2
    assert summary["seconds"] > 0
    assert summary["events_per_second"] > 0
    assert summary["peak_rss_bytes"] > 10_000_000


def test_scores_have_a_row_for_every_window_of_every_poll_from_its_first_vote_on(out: Path) -> None:
    end_ms = (max(event["ts"] for event in events()) // WINDOW_MS + 1) * WINDOW_MS
    windows: dict[str, list[int]] = {}
    for row in rows(out):
        assert int(row["window_ms"]) == WINDOW_MS
        windows.setdefault(row["poll_id"], []).append(int(row["window_start_ms"]))
    assert set(windows) == {event["poll_id"] for event in events() if event["type"] == "vote"}
    for poll, starts in windows.items():
        first_ms = min(e["ts"] for e in events() if e["poll_id"] == poll and e["type"] == "vote")
        assert starts == list(range(first_ms // WINDOW_MS * WINDOW_MS, end_ms, WINDOW_MS))


def test_scores_count_the_votes_of_each_window_and_alarm_where_the_flood_is(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())
    of_poll = [row for row in rows(out) if row["poll_id"] == "poll-2"]
    assert all(float(row["expected"]) >= 0 and float(row["score"]) >= 0 for row in rows(out))
    late = summary["late"]
    assert summary["votes"] - late <= sum(int(row["votes"]) for row in rows(out)) <= summary["votes"]
    alarms = [row for row in of_poll if row["alarm"] == "1"]
    most = max(of_poll, key=lambda row: int(row["votes"]))
    assert 1 <= len(alarms) <= 3, "it does not repeat itself"
    assert abs(int(alarms[0]["window_start_ms"]) - int(most["window_start_ms"])) <= WINDOW_MS
    assert float(most["score"]) > 1


def test_dead_letters_say_where_the_line_stood_why_and_what_it_was(out: Path) -> None:
    letters = json_lines(out / "dead-letter.jsonl")
    texts = [letter["value"].encode() if letter["value"] is not None else base64.b64decode(letter["value_base64"]) for letter in letters]
    assert sorted(texts) == sorted(line for line in LINES if line in REFUSED)
    reason = {text: letter["reason"] for text, letter in zip(texts, letters, strict=True)}
    assert reason[b"{"] == "not_json"
    assert reason[b"[1]"] == "not_object"
    assert reason[b"\xff\xfe"] == "not_json"
    assert reason[b'{"type":"vote"}'] == "missing_field"
    for letter in letters:
        assert letter["topic"] in ("poll.votes", "poll.replies")
        assert 0 <= letter["partition"] < 3
        assert letter["message"]
    places = [(letter["topic"], letter["partition"], letter["offset"]) for letter in letters]
    assert len(set(places)) == len(places)


def test_a_packed_recording_and_one_in_two_parts_give_the_same(out: Path, tmp_path: Path) -> None:
    run([write(tmp_path / "r.jsonl.gz", LINES)], tmp_path / "packed")
    halves = [write(tmp_path / f"{n}.jsonl", part) for n, part in enumerate((LINES[:3_000], LINES[3_000:]))]
    run(halves, tmp_path / "halves")
    for other in ("packed", "halves"):
        for name in ("alerts.jsonl", "integrity.jsonl", "dead-letter.jsonl"):
            assert sorted((tmp_path / other / name).read_bytes().splitlines()) == sorted(
                (out / name).read_bytes().splitlines()
            ), f"{other}: {name}"
        by_row = sorted(tuple(row.values()) for row in rows(tmp_path / other))
        assert by_row == sorted(tuple(row.values()) for row in rows(out))


def test_scanning_twice_gives_the_same_files(out: Path, tmp_path: Path) -> None:
    run([write(tmp_path / "r.jsonl", LINES)], tmp_path / "again")
    for name in ("alerts.jsonl", "integrity.jsonl", "dead-letter.jsonl", "scores.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name


def test_the_number_of_partitions_changes_no_vote(out: Path, tmp_path: Path) -> None:
    run([write(tmp_path / "r.jsonl", LINES)], tmp_path / "one", topics={"partitions": 1})
    one, three = (json_lines(folder / "integrity.jsonl") for folder in (tmp_path / "one", out))
    assert [(e["poll_id"], e["options"]) for e in one] == [(e["poll_id"], e["options"]) for e in three]


def test_windows_in_which_a_poll_had_left_memory_have_rows_too(tmp_path: Path) -> None:
    """The rate detector gives a poll's state back after some hours without a vote."""
    hours = [("a", 0.5), ("b", 1.2), ("b", 3.1), ("a", 30.0), ("b", 40.0)]
    lines = [
        json.dumps({"type": "vote", "event_id": f"{n}", "poll_id": poll, "account_id": "x", "option": "x", "ts": START_MS + int(at * 3_600_000)}).encode()
        for n, (poll, at) in enumerate(hours)
    ]
    run([write(tmp_path / "r.jsonl", lines)], tmp_path / "out", rate={"window_ms": 600_000, "quiet_ms": 6_000_000})
    for poll, first in (("a", 3), ("b", 7)):
        starts = [(int(row["window_start_ms"]) - START_MS) // 600_000 for row in rows(tmp_path / "out") if row["poll_id"] == poll]
        assert starts == list(range(first, 241))
    assert sum(int(row["votes"]) for row in rows(tmp_path / "out")) == 5


@pytest.mark.parametrize("window_ms", [300_000, 420_000, 3_600_000])
def test_the_length_of_the_windows_is_free(tmp_path: Path, window_ms: int) -> None:
    hours = [json.dumps({**json.loads(line), "ts": START_MS + n * 9_000}).encode() for n, line in enumerate(events_lines())]
    rate = {"window_ms": window_ms, "tick_ms": window_ms, "quiet_ms": 10 * window_ms}
    run([write(tmp_path / "r.jsonl", hours)], tmp_path / "out", rate=rate)
    found = rows(tmp_path / "out")
    assert {int(row["window_ms"]) for row in found} == {window_ms}
    assert all(int(row["window_start_ms"]) % window_ms == 0 for row in found)
    assert sum(int(row["votes"]) for row in found) == sum(json.loads(line)["type"] == "vote" for line in hours)


def events_lines() -> list[bytes]:
    seen: dict[str, bytes] = {}
    for line in LINES:
        if line not in REFUSED:
            seen.setdefault(json.loads(line)["event_id"], line)
    return list(seen.values())[:4_000]


def test_a_recording_that_is_cut_off_is_scanned_up_to_there_and_said_to_be(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(line + b"\n" for line in LINES))
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(RecordingError, match=r"cut\.jsonl\.gz: cut off"):
        run([tmp_path / "cut.jsonl.gz"], tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert len(LINES) // 2 < summary["events"] < len(LINES)
    assert json_lines(tmp_path / "out" / "integrity.jsonl")
    assert rows(tmp_path / "out")


@pytest.mark.parametrize(("lines", "rejected"), [([], 0), ([b"{", b"nothing", b"[]"], 3)])
def test_a_recording_without_an_event_gives_empty_files(tmp_path: Path, lines: list[bytes], rejected: int) -> None:
    summary = run([write(tmp_path / "r.jsonl", lines)], tmp_path / "out")
    assert (summary.events, summary.rejected, summary.votes) == (rejected, rejected, 0)
    assert len(json_lines(tmp_path / "out" / "dead-letter.jsonl")) == rejected
    assert (tmp_path / "out" / "alerts.jsonl").read_bytes() == b""
    assert rows(tmp_path / "out") == []
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


@pytest.mark.parametrize("ts_ms", [0, 1, 9_999, 2**53])
def test_an_event_at_any_time_is_an_event(tmp_path: Path, ts_ms: int) -> None:
    """A clock may say anything; the votes beside it are counted all the same."""
    odd = {"type": "vote", "event_id": "odd", "poll_id": "odd", "account_id": "a", "option": "x", "ts": ts_ms}
    lines = [json.dumps(odd).encode(), *events_lines()[:500]]
    summary = run([write(tmp_path / "r.jsonl", lines)], tmp_path / "out", scores=False)
    assert summary.votes + summary.replies == 501
    assert "odd" in {estimate["poll_id"] for estimate in json_lines(tmp_path / "out" / "integrity.jsonl")}


def test_an_id_may_be_any_text(tmp_path: Path) -> None:
    hostile = ['=cmd()', 'a,"b"', "line\nbreak", "\u202eevil", "<script>", "\x00", "опрос", "🇺🇦"]
    lines = [
        json.dumps({"type": "vote", "event_id": f"{n}", "poll_id": poll, "account_id": "a", "option": poll, "ts": START_MS}).encode()
        for n, poll in enumerate(hostile)
    ]
    run([write(tmp_path / "r.jsonl", lines)], tmp_path / "out")
    in_csv = ["'=cmd()", *hostile[1:]]  # which a spreadsheet opens: there it must be no formula
    assert sorted(row["poll_id"] for row in rows(tmp_path / "out")) == sorted(in_csv)
    assert sorted(e["poll_id"] for e in json_lines(tmp_path / "out" / "integrity.jsonl")) == sorted(hostile)
