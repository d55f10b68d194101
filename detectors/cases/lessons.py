"""What decisions teach: an online logistic regression of River that moves the confidence of later verdicts, within bounds.

One lesson a case: its standing decision and what its evidence was like. The model is what the lessons make of it in their order, so
a decision that is taken back is unlearned exactly, and a snapshot holds lessons, not weights. It moves nothing until
`FEWEST_LESSONS` cases were decided by `FEWEST_VOICES` people, no voice is more than a third of what is learned, and it never moves
a confidence by more than `MOST_MOVED`, nor that of a strong finding below `STRONG_FLOOR`. Source: river.linear_model, Bottou 2010.
State: MOST_LESSONS lessons of 10 numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from detectors.cases.decision import ERASED
from detectors.findings import rounded

MOST_LESSONS = 500
MOST_OF_A_VOICE = 100
FEWEST_LESSONS = 20
FEWEST_VOICES = 3
MOST_MOVED = 0.1
STRONG_SCORE = 2.0
STRONG_FLOOR = 0.95
CEILING = 0.995

_FREE_LESSONS = 3
"""So many a voice may teach before there are others."""
_RATE = 0.1
_SHRINK = 0.01

Features = Mapping[str, float]


class Lesson(msgspec.Struct, frozen=True):
    """A decided case: who decided when, whether it was confirmed, and its evidence in numbers from 0 to 1."""

    case_id: str
    by: str
    decided_ms: int
    confirmed: bool
    features: dict[str, float]


@dataclass(frozen=True, slots=True)
class Moved:
    """A confidence that lessons moved: what the table said, what is said, and who taught it."""

    case_id: str
    revision: int
    before: float
    after: float
    lessons: int
    voices: int


class Lessons:
    """The lessons of all cases, and the model they make."""

    def __init__(self, learn_from_ms: int = 0) -> None:
        self._learn_from_ms = learn_from_ms
        self._lessons: dict[str, Lesson] = {}
        self._fit: _Fit | None = None

    def __len__(self) -> int:
        return len(self._lessons)

    def __contains__(self, case_id: object) -> bool:
        """Tell whether this case taught something."""
        return case_id in self._lessons

    def learn(self, lesson: Lesson) -> None:
        """Take the lesson of a case, in place of an earlier one that said otherwise."""
        earlier = self._lessons.get(lesson.case_id)
        if earlier is not None and (earlier.confirmed, earlier.features) == (lesson.confirmed, lesson.features):
            return
        replaces = earlier is not None
        self.forget(lesson.case_id)
        if lesson.decided_ms < self._learn_from_ms:
            return
        self._lessons[lesson.case_id] = lesson
        if self._make_room(lesson.by) or replaces:
            self._fit = None
        elif self._fit is not None:
            self._fit.add(lesson)

    def forget(self, case_id: str) -> None:
        """Unlearn what a case taught."""
        if self._lessons.pop(case_id, None) is not None:
            self._fit = None

    def erase(self, account_id: str) -> None:
        """Forget who taught, where that was this account."""
        mine = {case_id: one for case_id, one in self._lessons.items() if one.by == account_id}
        self._lessons |= {case_id: msgspec.structs.replace(one, by=ERASED) for case_id, one in mine.items()}
        self._fit = None if mine else self._fit

    def confidence(self, base: float, score: float, features: Features) -> float:
        """Return the confidence of a verdict that the table gives `base`, on a finding of this score (above 1)."""
        fit = self._fitted()
        if not fit.may_speak:
            return base
        moved = base + MOST_MOVED * (2 * fit.chance(features) - 1)
        floor = max(STRONG_FLOOR if score >= STRONG_SCORE else 0.0, base - MOST_MOVED)
        return rounded(min(max(moved, min(base, floor)), max(base, CEILING)))

    def chance(self, features: Features) -> float:
        """Return the chance that a case with this evidence is confirmed, 0.5 while nothing was learned."""
        return self._fitted().chance(features)

    def taught(self) -> tuple[int, int]:
        """Return how many lessons the model was given, and of how many voices."""
        fit = self._fitted()
        return fit.learned.total(), len(fit.learned)

    def _make_room(self, by: str) -> bool:
        """Drop the oldest lessons of a voice that has too many, and the oldest of all; tell whether one went."""
        mine = [one.case_id for one in self._lessons.values() if one.by == by]
        gone = mine[: max(0, len(mine) - MOST_OF_A_VOICE)] or list(self._lessons)[: max(0, len(self._lessons) - MOST_LESSONS)]
        for case_id in gone:
            del self._lessons[case_id]
        return bool(gone)

    def _fitted(self) -> _Fit:
        if self._fit is None:
            self._fit = _Fit()
            for lesson in self._lessons.values():
                self._fit.add(lesson)
        return self._fit

    def snapshot(self) -> list[dict[str, object]]:
        """Return the lessons as plain data."""
        plain: list[dict[str, object]] = msgspec.to_builtins(list(self._lessons.values()))
        return plain

    def restore(self, state: Sequence[object]) -> None:
        """Take over what `snapshot` returned, but for what is to be forgotten."""
        lessons = msgspec.convert(state, list[Lesson])
        self._lessons = {one.case_id: one for one in lessons if one.decided_ms >= self._learn_from_ms}
        self._fit = None


class _Fit:
    """The model of a sequence of lessons, and how many it learned of each voice."""

    def __init__(self) -> None:
        # to import them takes as long as a small scan, and most deployments decide nothing
        from river import linear_model, optim

        self._model = linear_model.LogisticRegression(optim.SGD(_RATE), l2=_SHRINK, intercept_lr=_RATE)
        self.learned: Counter[str] = Counter()

    @property
    def may_speak(self) -> bool:
        """Whether enough was taught; fewer people than FEWEST_VOICES never teach so much."""
        return self.learned.total() >= FEWEST_LESSONS

    def add(self, lesson: Lesson) -> None:
        """Learn a lesson, unless its voice would be more than a third of all."""
        of_a_third = (self.learned.total() + 1) / FEWEST_VOICES
        if self.learned[lesson.by] + 1 <= max(_FREE_LESSONS, of_a_third):
            self._model.learn_one(lesson.features, lesson.confirmed)
            self.learned[lesson.by] += 1

    def chance(self, features: Features) -> float:
        """Return the chance that a case with this evidence is confirmed."""
        return float(self._model.predict_proba_one(dict(features))[True])  # type: ignore[no-untyped-call]
