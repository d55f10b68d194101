"""How the votes of a poll stood at a moment inside a run of votes that was released as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Int32s, Int64s
from detectors.polls import PollBook
from detectors.tally import TallyChange


@dataclass(frozen=True, slots=True)
class _OnePoll:
    """The changes of one poll in order of time; `gained` and `lost` are option numbers, -1 for none."""

    options: list[str]
    before: Int64s
    effective_ms: Int64s
    gained: Int32s
    lost: Int32s


class TalliesAt:
    """Tallies within a run of votes that the book does not count yet."""

    def __init__(self, book: PollBook, change: TallyChange) -> None:
        self._book = book
        self._change = change
        poll = book.cell_poll[change.cell]
        self._order = np.argsort(poll, kind="stable")
        self._poll = poll[self._order]
        self._known: dict[int, _OnePoll] = {}

    def at(self, poll: int, at_ms: int) -> dict[str, int]:
        """Return the votes of each option that had any before `at_ms`, in order of name."""
        one = self._known.get(poll)
        if one is None:
            one = self._known[poll] = self._one(poll)
        count = int(one.effective_ms.searchsorted(at_ms))
        votes = one.before + _counted(one.gained[:count], len(one.options))
        votes -= _counted(one.lost[:count], len(one.options))
        return {option: n for option, n in sorted(zip(one.options, votes.tolist(), strict=True)) if n}

    def _one(self, poll: int) -> _OnePoll:
        start, end = self._poll.searchsorted([poll, poll + 1])
        rows = self._order[start:end]
        option = self._book.cell_option
        lost = self._change.left[rows]
        cells = self._book.cells(poll)
        return _OnePoll(
            list(cells),
            self._book.votes[list(cells.values())],
            self._change.effective_ms[rows],
            option[self._change.cell[rows]],
            np.where(lost >= 0, option[lost], -1),
        )


def _counted(option: Int32s, options: int) -> Int64s:
    return np.bincount(option + 1, minlength=options + 1)[1:]
