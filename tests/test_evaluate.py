"""Scoring of scans: hand-made alerts, items and estimates against a hand-made truth."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy.floors import judge, judge_bare
from benchmarks.accuracy.worlds import JUDGED, group_of, seeds
from lab.worlds import SCENARIOS
from streams.__main__ import main
from streams.evaluate import Scores, score
from streams.evaluate_files import Account, Attack, CaseSaid, Estimate, Item, Labels, Span, Trial
from streams.evaluate_named import named

MINUTE_MS = 60_000


def attack(kind: str = "flood", *polls: str, level: Any = "account", spacing: str = "") -> Attack:
    return Attack(kind, list(polls or ["p1"]), 10 * MINUTE_MS, 12 * MINUTE_MS, level, spacing)


def labels(*attacks: Attack, accounts: dict[str, str] | None = None, bot_votes: dict[str, int] | None = None) -> Labels:
    polls = {f"p{number}": object() for number in range(1, 6)}
    return Labels(list(attacks), accounts or {}, bot_votes or {}, dict(polls))


def said(
    verdict: Any, *polls: str, at_ms: int = 10 * MINUTE_MS, case: str = "c", revision: int = 1, confidence: float = 0.0
) -> CaseSaid:
    return CaseSaid(case, revision, list(polls or ["p1"]), verdict, confidence, at_ms, Span(at_ms - 5_000, at_ms))


def item(*accounts: Account, case: str = "c", revision: int = 1, part: int = 1, parts: int = 1, cleared: Any = ()) -> Item:
    return Item(case, revision, part, parts, list(accounts), list(cleared))


def bots(*ids: str, of: float = 0.9, reasons: tuple[str, ...] = ("one_client",)) -> list[Account]:
    return [Account(account_id, of, list(reasons)) for account_id in ids]


def scored(truth: Labels, *alerts: CaseSaid, items: Any = (), estimates: Any = ()) -> Scores:
    return score([Trial(truth, list(alerts), list(items), list(estimates))])


def test_a_scan_that_says_nothing_is_scored() -> None:
    found = scored(labels(attack(), accounts={"a": "flood"}))
    assert found.accounts.precision is None
    assert found.kinds["flood"].recall == 0
    assert found.kinds["flood"].median_delay_s == float("inf")
    assert (found.organic_polls, found.organic_called, found.polls_without_estimate) == (4, [], 5)
    assert found.calibration.error is None


def test_an_account_is_named_from_a_score_of_a_half_on() -> None:
    assert named([item(*bots("a", of=0.5), *bots("b", of=0.49))]).accused == {"a"}


def test_a_revision_replaces_an_item_whole() -> None:
    found = named([item(*bots("a", "b")), item(*bots("b", "c"), revision=2)])
    assert found.accused == {"b", "c"}
    assert found.ever_accused == {"a", "b", "c"}


def test_parts_beyond_the_last_are_void_and_the_others_stand() -> None:
    first = [item(*bots(name), part=part, parts=3) for part, name in enumerate("abc", 1)]
    assert named(first).accused == {"a", "b", "c"}
    assert named([*first, item(*bots("d"), revision=2, part=2, parts=2)]).accused == {"a", "d"}


def test_cleared_accounts_leave_all_parts_of_their_case_and_no_other_case() -> None:
    items = [item(*bots("a", "b"), parts=2), item(*bots("c"), part=2, parts=2), item(*bots("a"), case="other")]
    assert named([*items, item(*bots("c"), part=2, parts=2, revision=2, cleared=["a", "b"])]).accused == {"a", "c"}


def test_accounts_that_were_taken_over_count_neither_way() -> None:
    truth = labels(attack("hijacked", level="poll"), accounts={"v": "hijacked", "w": "hijacked"})
    marked = bots("v", "x", reasons=("clockwork", "taken_over"))
    found = scored(truth, items=[item(*marked, *bots("w"))])
    assert (found.accounts.right, found.accounts.innocents, found.accounts.victims) == (0, 0, 2)
    assert found.accounts.precision is None
    assert found.kinds["hijacked"].recall is None


def test_precision_counts_innocents_and_recall_is_by_kind() -> None:
    truth = labels(attack("flood"), attack("ring", "p2"), accounts={"a": "flood", "b": "flood", "c": "ring"})
    found = scored(truth, items=[item(*bots("a", "x")), item(*bots("c"), case="d")])
    assert found.accounts.precision == pytest.approx(2 / 3)
    assert (found.accounts.innocents, found.kinds["flood"].recall, found.kinds["ring"].recall) == (1, 0.5, 1.0)


def test_cases_that_accuse_innocents_are_named() -> None:
    truth = labels(attack("flood"), accounts={"a": "flood"})
    told = [said("mixed", "p1", "p2"), said("coordinated", "p1", case="d")]
    found = scored(truth, *told, items=[item(*bots("a", "x", "y")), item(*bots("a"), case="d")])
    assert [(one.case_id, one.poll_ids, one.accused, one.innocents) for one in found.wrong_cases] == [
        ("c", ["p1", "p2"], 3, 2)
    ]  # fmt: skip


def test_a_poll_once_called_stays_called_whatever_is_said_later() -> None:
    told = [said("mixed", "p1", "p2"), said("organic", "p1", "p2", revision=2)]
    found = scored(labels(attack("flood")), *told)
    assert found.organic_called == ["p2"]
    assert (found.kinds["flood"].polls_called, found.kinds["flood"].told) == (1, 1)


def test_only_coordinated_and_mixed_call_a_poll() -> None:
    assert scored(labels(), said("insufficient"), said("organic", case="d")).organic_called == []
    assert scored(labels(), said("coordinated"), said("mixed", "p2", case="d")).organic_called == ["p1", "p2"]


def test_the_delay_runs_from_the_first_vote_to_the_first_right_verdict_on_any_of_the_polls() -> None:
    early = said("coordinated", "p1", at_ms=9 * MINUTE_MS)
    wrong = said("organic", "p1", at_ms=10 * MINUTE_MS + 1_000, revision=2)
    right = said("mixed", "p2", at_ms=10 * MINUTE_MS + 7_500, case="d")
    later = said("coordinated", "p1", at_ms=11 * MINUTE_MS, revision=3)
    found = scored(labels(attack("flood", "p1", "p2")), early, wrong, right, later)
    assert found.kinds["flood"].delays_s == [7.5]


def test_attacks_that_were_not_told_count_in_the_median() -> None:
    told = Trial(labels(attack()), [said("coordinated", at_ms=10 * MINUTE_MS + 3_000)], [], [])
    missed = Trial(labels(attack()), [], [], [])
    assert score([told, told, missed]).kinds["flood"].median_delay_s == 3.0
    assert score([told, missed, missed]).kinds["flood"].median_delay_s == float("inf")


def test_the_suspect_share_is_measured_for_each_kind_and_for_organic_polls() -> None:
    truth = labels(attack("flood"), bot_votes={"p1": 50})
    estimates = [Estimate("p1", 100, 46, 0.4, 0.49), Estimate("p2", 100, 2, 0.0, 0.05), Estimate("p3", 10, 0, 0, 0)]
    found = scored(truth, estimates=[*estimates, Estimate("elsewhere", 10, 10, 1, 1)])
    assert found.kinds["flood"].shares.error == pytest.approx(0.04)
    assert found.kinds["flood"].shares.coverage == 0
    assert found.organic_shares.error == pytest.approx(0.01)
    assert found.shares.coverage == pytest.approx(2 / 3)
    assert found.polls_without_estimate == 2


def test_confidence_is_calibrated_when_as_many_are_right_as_it_says() -> None:
    truth = labels(attack("flood"))
    right = [said("coordinated", "p1", case=f"r{number}", confidence=0.75) for number in range(3)]
    wrong = said("coordinated", "p2", case="w", confidence=0.75)
    assert scored(truth, *right, wrong).calibration.error == pytest.approx(0)
    assert scored(truth, *right).calibration.error == pytest.approx(0.25)


def test_calibration_looks_at_final_revisions_that_claim_something() -> None:
    first, last = said("organic", confidence=0.9), said("coordinated", revision=2, confidence=1.0)
    nothing = said("insufficient", "p2", case="n")
    merged = CaseSaid("m", 1, ["p3"], "coordinated", 0.9, 0, Span(0, 1), merged_into="c")
    found = scored(labels(attack("flood")), first, last, nothing, merged).calibration
    assert found.cases == 1
    assert found.error == pytest.approx(0)
    assert found.verdicts == {"coordinated": 1, "insufficient": 1}


@pytest.mark.parametrize(
    ("verdict", "poll", "at_ms", "right"),
    [
        ("organic", "p2", 10 * MINUTE_MS, 1.0),
        ("organic", "p1", 11 * MINUTE_MS, 0.0),
        ("organic", "p1", 30 * MINUTE_MS, 1.0),
        ("mixed", "p1", 30 * MINUTE_MS, 1.0),
        ("mixed", "p2", 10 * MINUTE_MS, 0.0),
        ("insufficient", "p1", 11 * MINUTE_MS, 0.0),
        ("insufficient", "p2", 11 * MINUTE_MS, 1.0),
    ],
)
def test_a_case_is_right_about_its_polls_in_its_time(verdict: str, poll: str, at_ms: int, right: float) -> None:
    found = scored(labels(attack("flood")), said(verdict, poll, at_ms=at_ms, confidence=0.6))
    assert [one.right for one in found.calibration.bins] == [right]
    attacked = poll == "p1"
    right_by_poll = attacked == (verdict in ("coordinated", "mixed"))
    assert found.calibration.error_by_poll == pytest.approx(0.4 if right_by_poll else 0.6)


def test_of_hijackings_without_a_clock_insufficient_is_right_and_they_are_a_kind_of_their_own() -> None:
    truth = labels(attack("hijacked", level="poll", spacing="random"))
    found = scored(truth, said("insufficient", confidence=0.6, at_ms=11 * MINUTE_MS))
    assert list(found.kinds) == ["hijacked (random)"]
    assert [one.right for one in found.calibration.bins] == [1.0]


def perfect() -> Scores:
    truth = labels(attack("flood"), accounts={"a": "flood"}, bot_votes={"p1": 50})
    estimates = [Estimate(f"p{number}", 100, 50 * (number == 1), 0.5 * (number == 1), 0.5) for number in range(1, 6)]
    told = said("coordinated", at_ms=10 * MINUTE_MS + 4_000, confidence=1.0)
    return scored(truth, told, items=[item(*bots("a"))], estimates=estimates)


def test_the_floors_are_reached_by_a_perfect_scan_and_missed_by_an_empty_one() -> None:
    assert [one.what for one in judge(perfect()) if not one.reached] == []
    empty = scored(labels(attack("flood"), accounts={"a": "flood"}, bot_votes={"p1": 50}))
    missed = {one.what.split(",")[0] for one in judge(empty) if not one.reached}
    assert missed >= {"precision of accused accounts", "recall", "median delay", "share error"}


def test_a_bare_world_is_judged_by_precision_recall_and_innocent_polls_alone() -> None:
    assert {one.what.split(",")[0] for one in judge_bare(perfect())} == {
        "precision of accused accounts", "of 4 organic polls called"
    }  # fmt: skip


def test_worlds_in_disguise_are_shown_and_not_judged() -> None:
    assert group_of("world") == group_of("organic") == group_of("large") == "as promised"
    assert {group_of(scenario) for scenario in SCENARIOS} - set(JUDGED) == {"crossed", "disguised"}


def test_seeds_are_read_with_both_ends() -> None:
    assert list(seeds("1000-1002")) == [1000, 1001, 1002]
    assert list(seeds("7")) == [7]
    with pytest.raises(ValueError, match="9-8"):
        seeds("9-8")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    folder, truth = tmp_path / "found", tmp_path / "labels.json.gz"
    folder.mkdir()
    written = {
        "case_id": "c", "revision": 1, "poll_ids": ["p1"], "verdict": "coordinated", "confidence": 0.8, "more": 1,
        "updated_ms": 5, "window": {"start_ms": 0, "end_ms": 5}, "merged_into": None,
    }  # fmt: skip
    (folder / "alerts.jsonl").write_text(json.dumps({"specversion": "1.0", "data": written}) + "\n")
    (folder / "moderation.jsonl").write_text("")
    estimate = {"poll_id": "p1", "votes": 4, "suspect_votes": 2, "suspect_share_low": 0.4, "suspect_share_high": 0.6}
    (folder / "integrity.jsonl").write_text(json.dumps(estimate) + "\n")
    campaign = {"kind": "flood\x1b[2J", "poll_ids": ["p1"], "start_ms": 1, "end_ms": 9, "level": "account", "start": 1}
    told = {"attacks": [campaign], "accounts": {"a": "flood\x1b[2J"}, "bot_votes": {"p1": 2}, "polls": {"p1": {}}}
    truth.write_bytes(gzip.compress(json.dumps(told).encode()))
    return folder, truth


def test_the_command_prints_a_table_that_a_hostile_label_cannot_use(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *map(str, pair)]) == 0
    told = capsys.readouterr().out
    assert "\x1b[2J" not in told
    assert "1 of 1" in told
    assert "95 % intervals cover 1.000" in told


def test_several_pairs_are_pooled_and_numbers_come_as_json(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--json", *map(str, pair), *map(str, pair)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["worlds"], found["polls"], found["kinds"]["flood\x1b[2J"]["told"]) == (2, 2, 2)


def test_what_cannot_be_read_is_one_line_that_names_the_file(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, truth = pair
    for arguments, named_file in (([folder / "no", truth], "alerts.jsonl"), ([folder, folder], "found")):
        assert main(["evaluate", *map(str, arguments)]) == 1
        told = capsys.readouterr().err
        assert named_file in told
        assert told.count("\n") == 1


def test_a_folder_without_labels_is_wrong_use(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *map(str, pair), str(pair[0])])
    assert ended.value.code == 2
    assert "pairs" in capsys.readouterr().err
