"""Which poll is shown in which of a fixed number of slots. Pure; knows no metric, keeps at most `size` polls."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Poll = TypeVar("Poll", bound=Hashable)


@dataclass(frozen=True, slots=True)
class SlotChanges(Generic[Poll]):
    """Slots to clear first, then slots that got a poll; a slot may be in both."""

    cleared: tuple[int, ...]
    filled: Mapping[int, Poll]


class TopSlots(Generic[Poll]):
    """Gives the most active polls a slot each and lets them keep it.

    A poll leaves when it falls silent, or when a poll without a slot is more than `margin` times as active: without the
    margin two polls of equal activity would take turns and every curve on a dashboard would be of both.

    >>> slots = TopSlots[str](2)
    >>> slots.update({"a": 5.0, "b": 9.0, "c": 1.0}).filled
    {0: 'b', 1: 'a'}
    >>> slots.update({"a": 5.0, "b": 2.0, "c": 5.1})
    SlotChanges(cleared=(0,), filled={0: 'c'})
    """

    def __init__(self, size: int, margin: float = 1.25) -> None:
        self._polls: list[Poll | None] = [None] * size
        self._margin = margin

    @property
    def polls(self) -> tuple[Poll | None, ...]:
        """The poll in each slot."""
        return tuple(self._polls)

    def update(self, activity: Mapping[Poll, float]) -> SlotChanges[Poll]:
        """Take the activity of polls now (any unit, 0 = silent; polls not named are silent) and move as few as possible."""
        cleared = [
            slot
            for slot, poll in enumerate(self._polls)
            if poll is not None and activity.get(poll, 0.0) <= 0.0
        ]
        for slot in cleared:
            self._polls[slot] = None
        filled: dict[int, Poll] = {}
        for poll in self._challengers(activity):
            slot = self._least_active(activity)
            holder = self._polls[slot]
            if holder is not None and activity[poll] <= self._margin * activity[holder]:
                break
            if holder is not None:
                cleared.append(slot)
            self._polls[slot] = filled[slot] = poll
        return SlotChanges(tuple(cleared), filled)

    def _challengers(self, activity: Mapping[Poll, float]) -> list[Poll]:
        """Most active polls without a slot, at most as many as there are slots."""
        seated = set(self._polls)
        outside = (poll for poll, value in activity.items() if value > 0.0 and poll not in seated)
        return heapq.nlargest(len(self._polls), outside, key=activity.__getitem__)

    def _least_active(self, activity: Mapping[Poll, float]) -> int:
        """An empty slot, else the one whose poll is least active; the first of equals."""
        values = [-1.0 if poll is None else activity[poll] for poll in self._polls]
        return values.index(min(values))
