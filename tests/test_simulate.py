"""`pollwatch simulate`: its files are equal for equal seeds, can be read by everything that reads recordings, and fast to make."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard

from config import load
from lab.worlds import SCENARIOS, world
from streams.__main__ import main
from streams.recording import chunks
from streams.scan import scan

SCENARIO = "ring"


def simulate(folder: Path, name: str = "world.jsonl.gz", labels: str = "labels.json.gz", seed: int = 3) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    out, truth = folder / name, folder / labels
    assert main(["simulate", SCENARIO, "--out", str(out), "--labels", str(truth), "--seed", str(seed)]) == 0
    return out, truth


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return simulate(tmp_path_factory.mktemp("simulated"))


def test_equal_seeds_write_equal_files_and_other_seeds_others(simulated: tuple[Path, Path], tmp_path: Path) -> None:
    again = simulate(tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in simulated]
    assert simulate(tmp_path / "other", seed=4)[0].read_bytes() != simulated[0].read_bytes()


@pytest.mark.parametrize(("name", "labels"), [("world.jsonl", "labels.json"), ("world.jsonl.zst", "labels.json.zst")])
def test_the_name_says_how_a_file_is_packed(
    name: str, labels: str, simulated: tuple[Path, Path], tmp_path: Path
) -> None:
    out, truth = simulate(tmp_path, name, labels)
    assert list(chunks(out, 10**9)) == list(chunks(simulated[0], 10**9))
    packed = truth.read_bytes()
    plain = zstandard.ZstdDecompressor().stream_reader(packed).read() if truth.suffix == ".zst" else packed
    assert plain == gzip.decompress(simulated[1].read_bytes())


def test_the_files_hold_the_world_and_its_truth(simulated: tuple[Path, Path]) -> None:
    told = world(SCENARIOS[SCENARIO], 3)
    lines = [line for part in chunks(simulated[0], 10**9) for line in part]
    assert [json.loads(line) for line in lines] == told.events
    assert json.loads(gzip.decompress(simulated[1].read_bytes())) == told.labels


def test_labels_have_the_form_that_others_read(simulated: tuple[Path, Path]) -> None:
    told: dict[str, Any] = json.loads(gzip.decompress(simulated[1].read_bytes()))
    assert set(told) == {
        "attacks", "accounts", "attack_votes", "bot_votes", "hard_negatives", "polls", "events"
    }  # fmt: skip
    wanted = {"kind", "poll_ids", "start", "end", "start_ms", "end_ms", "accounts", "votes", "level"}
    assert all(wanted <= set(attack) for attack in told["attacks"])
    assert all(set(poll) == {"options"} for poll in told["polls"].values())


def test_a_scan_refuses_nothing_and_finds_every_poll(simulated: tuple[Path, Path], tmp_path: Path) -> None:
    told = json.loads(gzip.decompress(simulated[1].read_bytes()))
    summary = scan([simulated[0]], load(None, {}), tmp_path / "found", keep_scores=False, tell=lambda _: None)
    assert summary.rejected == 0
    assert summary.polls == len(told["polls"])
    assert summary.votes + summary.replies == told["events"]
    assert main(["evaluate", str(tmp_path / "found"), str(simulated[1])]) == 0


def test_what_was_made_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(tmp_path)
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert "1 attacks" not in told
    assert "1 attack (ring)" in told


def test_an_unknown_scenario_is_wrong_use_and_the_known_ones_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "nothing", "--out", "a", "--labels", "b"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert all(scenario in told for scenario in SCENARIOS)


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "no" / "world.jsonl"
    assert main(["simulate", SCENARIO, "--out", str(out), "--labels", str(tmp_path / "labels.json")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_world_of_a_hundred_thousand_events_takes_seconds() -> None:
    started_s = time.process_time()
    told = world(SCENARIOS["world"], 1)
    taken_s = time.process_time() - started_s
    assert taken_s / len(told.events) < 10 / 100_000
