"""What decisions teach: bounded, from several voices only, scored before it is learned, and exactly forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.cases.lessons import (
    CEILING,
    FEWEST_LESSONS,
    MOST_LESSONS,
    MOST_MOVED,
    MOST_OF_A_VOICE,
    STRONG_FLOOR,
    STRONG_SCORE,
    Lesson,
    Lessons,
)

CROWDLIKE = {"kind account_cluster": 1.0, "score": 0.3, "for a crowd": 0.75, "share": 0.1}
BOTLIKE = {"kind account_cluster": 1.0, "score": 0.9, "for a crowd": 0.0, "share": 0.6}
VOICES = ("anna", "ben", "cleo", "dora")


def lesson(number: int, by: str, confirmed: bool, features: dict[str, float] = CROWDLIKE) -> Lesson:
    return Lesson(f"{number:016x}", by, number, confirmed, features)


def taught(count: int = 80, voices: tuple[str, ...] = VOICES, learn_from_ms: int = 0) -> Lessons:
    """Return lessons in which cases like crowds were false and those like bots were confirmed."""
    lessons = Lessons(learn_from_ms)
    for number in range(count):
        is_bot = number % 2 == 0
        lessons.learn(lesson(number, voices[number // 2 % len(voices)], is_bot, BOTLIKE if is_bot else CROWDLIKE))
    return lessons


def test_nothing_moves_before_anything_was_taught() -> None:
    assert Lessons().confidence(0.95, 1.2, CROWDLIKE) == 0.95
    assert Lessons().chance(CROWDLIKE) == 0.5


def test_what_was_decided_moves_the_confidence_of_what_is_like_it() -> None:
    lessons = taught()
    assert lessons.confidence(0.95, 1.2, CROWDLIKE) < 0.95 < lessons.confidence(0.95, 1.2, BOTLIKE)
    assert lessons.chance(CROWDLIKE) < 0.5 < lessons.chance(BOTLIKE)


@pytest.mark.parametrize("voices", [VOICES[:1], VOICES[:2]])
def test_one_or_two_voices_move_nothing(voices: tuple[str, ...]) -> None:
    lessons = taught(400, voices)
    assert lessons.confidence(0.95, 1.2, CROWDLIKE) == 0.95


def test_a_few_cases_move_nothing() -> None:
    assert taught(FEWEST_LESSONS - 1).confidence(0.95, 1.2, CROWDLIKE) == 0.95


def test_no_voice_is_more_than_a_third_of_what_is_learned() -> None:
    lessons = Lessons()
    for number in range(300):
        lessons.learn(lesson(number, "loud" if number % 3 else VOICES[number // 3 % 4], number % 3 == 0))
    learned, voices = lessons.taught()
    assert voices == 5
    assert learned <= 100 * 1.5 + 1, "of the 200 of one voice, half as many count as there are of others"


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(VOICES), st.booleans(), st.floats(0, 1)), max_size=120),
    st.floats(0.95, 0.99),
    st.floats(1.0, 50.0),
    st.floats(0, 1),
)
def test_no_teaching_moves_a_confidence_out_of_its_bounds(
    given_lessons: list[tuple[int, str, bool, float]], base: float, score: float, share: float
) -> None:
    lessons = Lessons()
    for number, by, confirmed, feature in given_lessons:
        lessons.learn(lesson(number, by, confirmed, {"score": feature, "share": 1 - feature}))
    moved = lessons.confidence(base, score, {"score": 1.0, "share": share})
    assert base - MOST_MOVED - 1e-6 <= moved <= max(base, CEILING)
    assert score < STRONG_SCORE or moved >= STRONG_FLOOR


def test_a_strong_finding_keeps_its_floor_whatever_is_taught() -> None:
    lessons = Lessons()
    for number in range(300):
        lessons.learn(lesson(number, f"voice {number % 9}", False, BOTLIKE))
    assert 0.95 - MOST_MOVED <= lessons.confidence(0.95, 1.5, BOTLIKE) < 0.88
    assert lessons.confidence(0.98, STRONG_SCORE, BOTLIKE) == STRONG_FLOOR
    assert lessons.confidence(0.95, STRONG_SCORE, BOTLIKE) == 0.95, "it is never moved up to the floor, and never below"


def test_a_decision_that_is_taken_back_is_unlearned_exactly() -> None:
    lessons, never = taught(), taught()
    lessons.learn(lesson(999, "eve", False, BOTLIKE))
    assert lessons.chance(BOTLIKE) != never.chance(BOTLIKE)
    lessons.forget(f"{999:016x}")
    assert lessons.chance(BOTLIKE) == never.chance(BOTLIKE)


def test_deciding_one_case_again_and_again_teaches_once() -> None:
    lessons, once = taught(), taught()
    once.learn(lesson(999, "eve", False, BOTLIKE))
    for _ in range(50):
        lessons.learn(lesson(999, "eve", False, BOTLIKE))
    assert lessons.chance(BOTLIKE) == once.chance(BOTLIKE)


def test_a_setting_makes_it_forget() -> None:
    lessons = Lessons(learn_from_ms=80)
    lessons.restore(taught().snapshot())
    assert len(lessons) == 0
    assert lessons.confidence(0.95, 1.2, CROWDLIKE) == 0.95
    lessons.learn(lesson(79, "anna", False))
    assert len(lessons) == 0


def test_a_snapshot_is_plain_and_gives_the_same_model() -> None:
    lessons, other = taught(), Lessons()
    other.restore(lessons.snapshot())
    assert other.chance(CROWDLIKE) == lessons.chance(CROWDLIKE)
    for one in (lessons, other):
        one.learn(lesson(500, "anna", True))
    assert other.chance(CROWDLIKE) == lessons.chance(CROWDLIKE)


def test_lessons_have_a_bound_for_each_voice_and_for_all() -> None:
    lessons = Lessons()
    for number in range(2 * MOST_OF_A_VOICE):
        lessons.learn(lesson(number, "loud", False))
    assert len(lessons) == MOST_OF_A_VOICE
    for number in range(1_000, 1_000 + 2 * MOST_LESSONS):
        lessons.learn(lesson(number, f"voice {number}", False))
    assert len(lessons) == MOST_LESSONS
