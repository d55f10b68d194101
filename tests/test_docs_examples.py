"""The examples in the tutorial and the how-to pages do what these pages say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_worker import Deployment
from test_contract import CHECKS, Check
from watchers_under_test import Subject

import detectors
from config import TopicRole, check, load
from streams import snapshots, wire
from streams.__main__ import main
from streams.decode import Kind
from streams.demo.plot import write_plot
from streams.stages import build_decoder

DOCS = Path(__file__).resolve().parent.parent / "docs"
TUTORIAL, TUNE, FIELD, DETECTOR = (
    DOCS / name
    for name in ("tutorial.md", "how-to/tune-the-false-alarm-budget.md", "how-to/add-a-field.md", "how-to/add-a-detector.md")
)


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for said, text in found if said == language]


def shell(lines: str, folder: Path) -> str:
    """Run lines as somebody pastes them, with `pollwatch` on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["sh", "-eu"], check=False, input=lines, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_settings_of_the_tutorial_pass_with_the_keys_it_makes(tmp_path: Path) -> None:
    (tmp_path / "pollwatch.toml").write_text(blocks(TUTORIAL, "toml")[0], encoding="utf-8")
    lines = next(block for block in blocks(TUTORIAL, "") if "check-config" in block)
    assert shell(lines, tmp_path) == "no problems\n"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the tutorial's second step leaves a reader."""
    folder = tmp_path_factory.mktemp("story")
    write_plot(folder / "story.jsonl", 1_664_800_000_000)
    assert main(["scan", str(folder / "story.jsonl"), "--out", str(folder / "found")]) == 0
    return folder


def cases(story: Path) -> list[dict[str, Any]]:
    return [json.loads(line)["data"] for line in (story / "found" / "alerts.jsonl").read_bytes().splitlines()]


def test_the_story_is_found_as_the_tutorial_tells_it(story: Path) -> None:
    told = cases(story)
    assert [(one["poll_ids"], one["verdict"], one["severity"]) for one in told] == [
        (["peace-plan"], "insufficient", "warning"),
        (["peace-plan"], "organic", "info"),
        (["peace-plan"], "mixed", "warning"),
        (["peace-plan"], "mixed", "critical"),
    ]
    text = TUTORIAL.read_text(encoding="utf-8")
    suspect = [one["polls"][0]["suspect"]["votes"] for one in told]
    assert [votes for votes in suspect if votes and f"{votes:,} " not in text] == []
    files = re.findall(r"`found/([\w.]+)`", text)
    assert len(files) == 4
    assert [name for name in files if not (story / "found" / name).exists()] == []


@pytest.mark.parametrize("page", ["rate-spikes.md", "composition.md"])
def test_what_an_explanation_quotes_is_said_in_the_story(page: str, story: Path) -> None:
    said = {_timeless(evidence["sentence"]) for one in cases(story) for evidence in one["evidence"]}
    quoted = re.findall(r'"([^"]{30,})"', _timeless((DOCS / "detectors" / page).read_text(encoding="utf-8")))
    assert quoted
    assert [sentence for sentence in quoted if sentence not in said] == []


def _timeless(text: str) -> str:
    return re.sub(r"\d\d:\d\d:\d\d UTC", "then", " ".join(text.split()))


@pytest.mark.broker
def test_the_votes_of_the_tutorial_are_sent_and_can_be_read(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()
    votes = blocks(TUTORIAL, "python")[0].replace('"poll.votes"', repr(deployment.topic(TopicRole.VOTES)))
    (tmp_path / "votes.py").write_text(votes, encoding="utf-8")
    environ = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka}
    subprocess.run([sys.executable, "votes.py", "1", "30"], cwd=tmp_path, env=environ, check=True, timeout=60)
    records = deployment.records(TopicRole.VOTES)
    decoded = build_decoder(deployment.settings).topic(
        [record.value for record in records], Kind.VOTE, np.array([record.timestamp for record in records])
    )
    assert decoded.refused == []
    assert len(decoded) == 31
    assert decoded.poll_ids == ["lunch"]
    assert set(decoded.options) <= {"soup", "salad"}


def test_the_settings_in_the_how_to_are_accepted(tmp_path: Path) -> None:
    written = blocks(TUNE, "toml") + re.findall(r"^   ```toml\n(.*?)^   ```$", TUNE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(written) == 2
    for number, text in enumerate(written):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, encoding="utf-8")
        assert tomllib.loads(text)
        assert check(path, {}) == []
        assert load(path, {}).rate.false_alarms_per_poll_day == 0.001


def test_what_a_budget_costs_is_what_the_page_says() -> None:
    done = subprocess.run([sys.executable, "-c", blocks(TUNE, "python")[0]], cwd=DOCS.parent, capture_output=True, text=True, check=True)
    assert blocks(TUNE, "text")[0] == done.stdout


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    """The detector of the page, in the folder that the page says."""
    params, detector = blocks(DETECTOR, "python")[:2]
    folder = tmp_path / "newcomers"
    folder.mkdir()
    for name, text in (("__init__", ""), ("params", params), ("detector", detector)):
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(detectors, "__path__", [*detectors.__path__, str(tmp_path)])
    newcomers, settings = import_module("detectors.newcomers.detector").Newcomers, import_module("detectors.newcomers.params").NewcomersParams
    yield Subject(lambda: newcomers(settings()), lambda: newcomers(settings()), 100_000, accuses=False, holds_accounts=False)
    for name in [name for name in sys.modules if name.startswith("detectors.newcomers")]:
        del sys.modules[name]


@pytest.mark.parametrize("promise", CHECKS, ids=lambda promise: promise.__name__)
def test_the_example_detector_keeps_the_contract(example: Subject, promise: Check) -> None:
    promise(example)


def test_the_steps_of_a_field_name_the_formats_that_come_next() -> None:
    text = FIELD.read_text(encoding="utf-8")
    assert f"VERSION = {wire.VERSION + 1} " in text, "the next version of blocks: write it into the page"
    assert f"FORMAT = {snapshots.FORMAT + 1} " in text, "the next format of snapshots: write it into the page"
