from __future__ import annotations

import msgspec
import numpy as np
import pytest
from copied_traffic import MINUTE_MS, START_MS, Scene, named_in, seen_in, told

from detectors.columns import int32s, int64s
from detectors.copies.detector import CopiedReplies
from detectors.copies.memory import Memory
from detectors.copies.params import CopiesParams
from detectors.copies.texts import Texts
from detectors.sketch import sketch
from detectors.watcher import Ballots, Sighting


@pytest.fixture(scope="module")
def ballots() -> Ballots:
    scene = Scene(11)
    for poll in range(6):
        scene.crowd(poll, START_MS + poll * 5 * MINUTE_MS, 300, minutes=120)
    scene.swarm([0, 1, 2, 3], START_MS, accounts=100)
    scene.meme(4, START_MS + 30 * MINUTE_MS)
    return scene.ballots()


@pytest.fixture(scope="module")
def seen(ballots: Ballots) -> list[Sighting]:
    said = seen_in(ballots)
    assert len(said) > 3
    return said


@pytest.mark.parametrize("seed", range(5))
def test_what_is_seen_does_not_depend_on_where_calls_are_cut(
    seed: int, ballots: Ballots, seen: list[Sighting]
) -> None:
    rng = np.random.default_rng(seed)
    end_ms = int(ballots.effective_ms[-1])
    cuts = np.unique(rng.integers(START_MS, end_ms, rng.integers(1, 400)) // 250 * 250).tolist()
    assert seen_in(ballots, cuts) == seen, f"seed {seed}"


def test_what_is_seen_does_not_depend_on_empty_calls(ballots: Ballots, seen: list[Sighting]) -> None:
    assert seen_in(ballots, list(range(START_MS, START_MS + 60 * MINUTE_MS, 1_000))) == seen


@pytest.mark.parametrize("seed", range(5))
def test_a_restored_detector_goes_on_as_if_nothing_had_happened(
    seed: int, ballots: Ballots, seen: list[Sighting]
) -> None:
    rng = np.random.default_rng(seed)
    at_ms = int(rng.integers(START_MS, int(ballots.effective_ms[-1])) // 250 * 250)
    middle = int(np.searchsorted(ballots.effective_ms, at_ms))
    first = CopiedReplies(CopiesParams())
    said = first.observe(ballots.take(slice(0, middle)), at_ms)
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(first.snapshot()), strict=False)
    second = CopiedReplies(CopiesParams())
    second.restore(state)
    assert said + seen_in(ballots.take(slice(middle, None)), [at_ms], second) == seen, f"seed {seed}"


def test_a_restored_detector_forgets_what_it_knew_before(ballots: Ballots, seen: list[Sighting]) -> None:
    used = CopiedReplies(CopiesParams())
    seen_in(ballots, None, used)
    used.restore(CopiedReplies(CopiesParams()).snapshot())
    assert seen_in(ballots, None, used) == seen


def test_polls_that_left_are_forgotten_and_their_numbers_used_again(ballots: Ballots) -> None:
    detector = CopiedReplies(CopiesParams())
    middle = int(np.searchsorted(ballots.effective_ms, START_MS + 75 * MINUTE_MS))
    detector.observe(ballots.take(slice(0, middle)), START_MS + 75 * MINUTE_MS)
    detector.forget(int64s([0, 1, 2]))
    later = seen_in(ballots.take(slice(middle, None)), None, detector)
    assert all(suspected.poll not in (0, 1, 2) for sighting in later for suspected in sighting.suspects)
    scene = Scene(12)
    scene.crowd(0, START_MS + 300 * MINUTE_MS, 300)
    assert seen_in(scene.ballots(), [START_MS + 400 * MINUTE_MS], detector) == []


def test_forgetting_polls_nobody_knows_changes_nothing(ballots: Ballots, seen: list[Sighting]) -> None:
    detector = CopiedReplies(CopiesParams())
    detector.forget(int64s([0, 77]))
    assert seen_in(ballots, None, detector) == seen


def test_votes_alone_are_taken_without_a_word() -> None:
    rows = 5_000
    accounts = [f"p{i}" for i in range(rows)]
    votes = told([START_MS + i * 100 for i in range(rows)], [0] * rows, [1] * rows, accounts, [""] * rows)
    assert seen_in(votes) == []


def test_replies_without_votes_are_nothing_to_count() -> None:
    """A swarm that only replies moves no result."""
    scene = Scene(3)
    scene.swarm([0, 1, 2, 3], START_MS)
    scene.rows = [row for row in scene.rows if row[2] < 0]
    assert seen_in(scene.ballots()) == []


def size_of(detector: CopiedReplies) -> int:
    return len(msgspec.msgpack.encode(detector.snapshot()))


def test_memory_is_bounded_however_much_is_written() -> None:
    rng = np.random.default_rng(1)
    detector = CopiedReplies(CopiesParams(keep_replies=2_000))
    sizes = []
    for minute in range(30):
        scene = Scene(minute)
        for writer in rng.integers(0, 10**9, 600).tolist():
            at_ms = START_MS + minute * MINUTE_MS + int(rng.integers(0, 50_000))
            scene.vote(at_ms, minute % 5, f"w{writer}", 1, scene.sentence(8, 15), 5_000)
        detector.observe(scene.ballots(), START_MS + (minute + 1) * MINUTE_MS)
        sizes.append(size_of(detector))
    # 400,000 recent votes are not reached here: three minutes of them are kept
    texts = 30 * 600 * 550
    assert sizes[-1] < texts + 2_000 * 300 + 4 * 600 * 30
    kept = detector.snapshot()["memory"]
    assert len(kept["replies"]["account"]) <= 8 * 2_000
    assert len(kept["votes"]["account"]) <= 8 * 4_000
    assert len(kept["ids"]) <= 2_000


def test_examples_of_texts_are_bounded_and_those_that_were_copied_stay() -> None:
    scene = Scene(2)
    texts = Texts(0.42, 1_000)
    copied = [scene.sentence(14, 20) for _ in range(5)]
    serial = texts.add(sketch(copied * 3))
    for _ in range(20):
        texts.add(sketch([scene.sentence(14, 20) for _ in range(400)]))
        assert len(texts) <= 1_000
    assert texts.families(serial).tolist() == texts.families(texts.add(sketch(copied * 3))).tolist()
    assert (texts.families(serial) >= 0).all()


def test_families_grow_together_when_a_text_resembles_both() -> None:
    words = [f"{a}{b}cd" for a in "abcdef" for b in "ghijk"]
    one, between, other = " ".join(words[:16]), " ".join(words[4:20]), " ".join(words[8:24])
    texts = Texts(0.3, 1_000)
    first = texts.families(texts.add(sketch([one, other])))
    assert first[0] != first[1]
    serial = texts.add(sketch([one, between, other]))
    assert len(set(texts.families(serial).tolist())) == 1


def test_texts_that_resemble_each_other_are_one_family_also_when_they_come_together() -> None:
    words = [f"{a}{b}cd" for a in "abcdef" for b in "ghijk"]
    texts = Texts(0.3, 1_000)
    serial = texts.add(sketch([" ".join(words[:16]), " ".join(words[1:17]), " ".join(words[17:])]))
    one, same, other = texts.families(serial).tolist()
    assert one == same != other


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_on_recent_votes_does_not_depend_on_where_calls_are_cut(
    seed: int, ballots: Ballots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.copies.memory.RECENT_VOTES", 10)
    rng = np.random.default_rng(seed)
    cuts = np.unique(rng.integers(START_MS, int(ballots.effective_ms[-1]), 30) // 250 * 250).tolist()
    assert seen_in(ballots, cuts) == seen_in(ballots), f"seed {seed}"


def test_a_poll_with_the_number_of_one_that_left_begins_without_votes() -> None:
    memory = Memory(1_000)
    rows = np.arange(5, dtype=np.uint64)
    for _ in range(2):
        memory.vote(rows, int32s([7] * 5), int32s([1] * 5), int64s([START_MS] * 5), rows >= 0)
        assert memory.voters[7] == 5
        memory.forget(int64s([7]))


def test_whom_a_swarm_names_is_said_once(seen: list[Sighting]) -> None:
    said = [(member.account_id, member.score) for sighting in seen for member in sighting.members]
    assert len(said) == len(set(said))
    assert len(named_in(seen)) >= 95


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("fewest_texts", 1, "fewest_texts must be 2 or more, not 1"),
        ("fewest_accounts", 2, "fewest_accounts must be 3 or more, not 2"),
        ("least_return", 1.5, "least_return must be 0.1 to 1, not 1.5"),
        ("keep_replies", 10, "keep_replies must be 1000 to 10000000, not 10"),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CopiesParams(**{name: value})  # type: ignore[arg-type]
