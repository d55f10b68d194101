"""The book of all cases: its estimates, its order, its restarts and its memory."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import pytest
from told_cases import CLOSE_MS, MADE_BY, PARAMS, REOPEN_MS, START_MS, Told, finding, people, sighting, stands

from detectors.cases.book import CaseBook
from detectors.cases.news import Revision
from detectors.findings import Finding, Rates, Retired
from streams.publish import alert, to_json


def test_the_estimate_follows_what_the_shards_say() -> None:
    told = Told()
    step = told.tell(10, standings=stands(9, p={"yes": 60, "no": 50}, q={"yes": 3}))
    assert sorted(step.changed_polls) == told.book.poll_ids() == ["p", "q"]
    assert "p" in told.book
    assert told.book.integrity("p").options == {"no": 50, "yes": 60}
    step = told.tell(20, standings=stands(17, p={"no": 49}))
    assert (step.changed_polls, told.book.integrity("p").votes) == (["p"], 109)
    assert told.book.integrity("p").updated_ms == START_MS + 17_000, "when its votes changed, not when that was reported"
    assert told.tell(30).changed_polls == []


def test_the_estimate_says_how_fast_the_poll_is_expected_to_vote_and_forgets_it_when_it_leaves() -> None:
    told = Told()
    told.tell(10, standings=stands(9, p={"yes": 60}), rates=Rates(["p", "unknown"], [0.5, 1.0], [0.0, 9.0]))
    assert (told.book.integrity("p").expected_per_s, told.book.integrity("p").rate_score) == (0.5, 0.0)
    assert told.tell(20, rates=Rates(["p"], [0.25], [3.0])).changed_polls == ["p"], "its score is news"
    assert (told.book.integrity("p").expected_per_s, told.book.integrity("p").rate_score) == (0.25, 3.0)
    again = CaseBook(1, PARAMS, MADE_BY)
    again.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(told.book.snapshot())))
    assert again.integrity("p") == told.book.integrity("p")
    told.tell(30, retired=[Retired(START_MS + 25_000, "p", {"yes": 60})], standings=stands(29, p={"yes": 1}))
    assert (told.book.integrity("p").expected_per_s, told.book.integrity("p").rate_score) == (None, 0.0)


def test_what_polls_gained_is_told_once_and_a_moved_vote_is_no_gain() -> None:
    told = Told()
    told.tell(10, standings=stands(9, p={"yes": 60, "no": 50}))
    told.tell(20, standings=stands(19, p={"yes": 59, "no": 51}, q={"yes": 3}))
    assert told.book.take_gained() == {"p": 110, "q": 3}
    assert told.book.take_gained() == {}


def test_a_poll_whose_case_changed_has_changed() -> None:
    told = Told()
    told.tell(10, standings=stands(9, p={"yes": 60, "no": 50}))
    assert told.book.integrity("p").outcome.flips == "no"
    assert told.tell(20, finding(15)).changed_polls == ["p"], "50 of its votes are suspect now"
    assert told.book.integrity("p").outcome.flips == "uncertain"
    told.tell(320)
    told.tell(30 * 3600)
    assert told.book._shelf.cases == {}
    assert told.book.integrity("p").outcome.flips == "uncertain", "what was suspect stays so when its case is forgotten"


def test_a_poll_that_left_leaves_its_last_estimate() -> None:
    told = Told()
    told.tell(10, standings=stands(9, p={"yes": 60}, q={"yes": 50}))
    step = told.tell(20, retired=[Retired(START_MS + 15_000, "p", {"yes": 61})], standings=stands(19, q={"no": 1}))
    assert [(e.poll_id, e.votes, e.updated_ms) for e in step.retired] == [("p", 61, START_MS + 15_000)]
    assert told.book.poll_ids() == step.changed_polls == ["q"]
    gone = Retired(START_MS + 25_000, "q", {"yes": 50, "no": 1})
    step = told.tell(30, retired=[gone], standings=stands(29, q={"no": 2}))
    assert told.book.integrity("q").options == {"no": 2}, "it left and came back"


@pytest.mark.parametrize("cuts", [[1_000], [6, 100, 305, 306, 320], [300], [307]])
@pytest.mark.parametrize(("leaves_s", "suspect"), [(4, False), (100, True), (1_000, True), (1_206, True)])
def test_a_poll_that_leaves_is_judged_by_the_cases_of_that_time(
    cuts: list[float], leaves_s: float, suspect: bool
) -> None:
    """However its leaving is reported: with the case's opening, or long after it."""
    told, estimates = Told(), []
    gone = Retired(START_MS + round(leaves_s * 1000), "p", {"yes": 60, "no": 50})
    for start_s, end_s in pairwise([0, *cuts, 2_000]):
        left = [gone] if start_s < leaves_s <= end_s else []
        found = [finding(5)] if start_s < 5 <= end_s else []
        estimates += told.tell(end_s, *found, retired=left).retired
    (estimate,) = estimates
    assert (estimate.outcome.flips == "uncertain") == suspect
    assert estimate.updated_ms == gone.at_ms


def test_a_poll_that_left_and_came_back_is_no_longer_suspect() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=people(50)), standings=stands(9, p={"yes": 700}))
    told.tell(30 * 3600)
    assert told.book.integrity("p").suspect_votes == 100
    told.tell(31 * 3600, retired=[Retired(START_MS + 30 * 3_600_000 + 5, "p", {"yes": 700})])
    told.tell(32 * 3600, standings=stands(32 * 3600 - 1, p={"yes": 900}))
    assert told.book.integrity("p").suspect_votes == 0


@pytest.mark.parametrize("until_s", [15, 20])
def test_a_leaving_that_is_reported_again_is_told_once(until_s: float) -> None:
    told = Told()
    gone = Retired(START_MS + 15_000, "p", {"yes": 61})
    assert len(told.tell(until_s, retired=[gone]).retired) == 1
    told.marks[0] = START_MS + 4_000
    assert told.tell(30, retired=[gone], standings=stands(29, p={"yes": 1})).retired == []
    assert told.book.integrity("p").votes == 1


POLLS = [f"p{number}" for number in range(6)]
ACROSS = 2


def surges(seed: int) -> list[Finding]:
    """Return findings of some polls over two hours, at most one of each topic at one time."""
    rng = random.Random(seed)
    made = {}
    for _ in range(150):
        at_s, poll = rng.randrange(7_200), rng.choice(POLLS)
        option = rng.choice([None, "yes"])
        made[at_s, poll, option] = finding(at_s, rng.uniform(0.3, 4), poll, option=option, phase=rng.choice(["opened", "update"]))
    return sorted(made.values(), key=lambda f: (f.at_ms, f.poll_id, f.option or ""))


def sightings(seed: int) -> list[Finding]:
    """Return what detectors of accounts say in the same time: crowds and groups in one poll, campaigns across."""
    rng = random.Random(seed)
    made = {}
    for _ in range(100):
        at_s, number, across = rng.randrange(7_200), rng.randrange(4), rng.random() < 0.5
        detector = "lockstep" if across else rng.choice(["crowd", "shape"])
        polls = rng.sample(POLLS, rng.randrange(2, 5)) if across else [rng.choice(POLLS)]
        accounts = rng.sample(people(60, f"group{rng.randrange(3)}-"), rng.randrange(1, 40))
        made[at_s, detector, polls[0]] = sighting(
            at_s, *polls, detector=detector, cluster=f"c{number}", votes=rng.uniform(1, 200),
            accounts=accounts if detector != "shape" else (), cleared=rng.sample(people(60, f"group{number}-"), 20),
            score=rng.choice([0.2, 0.8, 1.5, 3.0]), lean=rng.choice(["coordinated", "coordinated", "organic", "none"]),
            phase=rng.choice(["opened", "update", "calm"]), options={"yes": rng.uniform(1, 90)},
        )  # fmt: skip
    return list(made.values())


def story(seed: int, cuts: list[int], restart: float, found: list[Finding]) -> list[bytes]:
    rng, told = random.Random(seed), Told(shards=3)
    told.tell(-1, standings=stands(-1, **{poll: {"yes": 700, "no": 300} for poll in POLLS}))
    lines = []
    for start_s, end_s in pairwise([-1, *cuts, 12_000]):
        for shard in rng.sample(range(3), 3):
            mine = [f for f in found if _shard(f) == shard and start_s < (f.at_ms - START_MS) / 1000 <= end_s]
            step = told.tell(end_s, *mine, shard=shard)
            lines += [to_json(alert(revision, "/test")) for revision in step.revisions]
            lines += [to_json(item) for item in step.items]
        if rng.random() < restart:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(told.book.snapshot()))
            told.book = CaseBook(3, PARAMS, MADE_BY)
            told.book.restore(state)
    return sorted(lines) + [to_json(told.book.integrity(poll)) for poll in POLLS]


def _shard(found: Finding) -> int:
    return ACROSS if found.detector == "lockstep" else POLLS.index(found.poll_id) % 2


@pytest.mark.parametrize("seed", range(5))
def test_reports_may_be_cut_and_interleaved_and_the_book_restarted_without_a_trace(seed: int) -> None:
    print(f"seed {seed}")
    found = [*surges(seed), *sightings(seed)]
    whole = story(seed, [], 0, found)
    assert sum(b"merged_into" in line for line in whole) > 20
    cuts = sorted(random.Random(seed).sample(range(7_200), 40))
    assert story(seed, cuts, 0.4, found) == whole


@pytest.mark.parametrize("seed", range(6))
def test_whatever_detectors_say_news_follow_on_each_other_and_nothing_is_said_twice(seed: int) -> None:
    print(f"seed {seed}")
    told = Told()
    told.tell(100_000, *surges(seed), *sightings(seed))
    by_case: dict[str, list[Revision]] = {}
    for revision in told.said:
        by_case.setdefault(revision.data.case_id, []).append(revision)
    assert {revision.news for revision in told.said} >= {"opened", "updated", "resolved"}
    assert any(revision.data.merged_into for revision in told.said)
    for revisions in by_case.values():
        assert [r.data.revision for r in revisions] == list(range(1, len(revisions) + 1))
        for before, after in pairwise(revisions):
            assert after.news != "opened" or before.news in ("resolved", "retracted")
            assert before.data.merged_into is None, "a merged case has ended"
            assert after.news != "retracted" or before.data.verdict in ("coordinated", "mixed")
            assert after.data.updated_ms >= before.data.updated_ms
    last: dict[str, int] = {}
    for item in told.items:
        assert item.revision in (last.get(item.case_id, 0), last.get(item.case_id, 0) + 1)
        last[item.case_id] = item.revision


def test_at_the_end_everybody_who_stands_accused_is_named_and_nobody_else() -> None:
    for seed in range(5):
        told = Told()
        told.tell(7_300, *surges(seed), *sightings(seed), ended=True)
        standing = {
            account_id
            for case in told.book._shelf.cases.values()
            for claim in case.claims
            if claim.standing
            for account_id in claim.named
        }
        assert told.named() == standing, f"seed {seed}"
        assert len(standing) > 10


@pytest.mark.parametrize("seed", range(5))
def test_revisions_count_up_and_news_follow_on_each_other(seed: int) -> None:
    told = Told()
    told.tell(12_000, *surges(seed))
    by_case: dict[str, list[Revision]] = {}
    for revision in told.said:
        by_case.setdefault(revision.data.case_id, []).append(revision)
    for revisions in by_case.values():
        assert [r.data.revision for r in revisions] == list(range(1, len(revisions) + 1))
        is_open = False
        for revision in revisions:
            assert (revision.news == "opened") != is_open, f"seed {seed}"
            is_open = revision.news != "resolved"
    assert all(a.data.updated_ms <= b.data.updated_ms for a, b in pairwise(told.said)), "in order of event time"


def test_cases_and_what_waits_for_time_leave_memory() -> None:
    told = Told()
    for number in range(300):
        told.tell(number * 60 + 1, finding(number * 60, poll=f"p{number}"))
        assert told.book.snapshot()["waiting"] == []
        assert len(told.book._shelf._home) <= (CLOSE_MS + REOPEN_MS) // 60_000 + 1
        held = len(told.book._shelf.cases)
        assert len(told.book._due) <= 2 * held
