"""How the votes of a poll stood at a moment inside a run of votes that was released as one."""

from __future__ import annotations

import numpy as np

from detectors.polls import PollBook
from detectors.tally import TallyChange


class TalliesAt:
    """How the votes of a poll stood at a time within a run of votes that the book does not count yet."""

    def __init__(self, book: PollBook, change: TallyChange) -> None:
        self._book = book
        self._change = change
        self._poll = book.cell_poll[change.cell]
        self._order = np.argsort(self._poll, kind="stable")

    def at(self, poll: int, at_ms: int) -> dict[str, int]:
        """Return the votes of each option that had any, in order of name."""
        bounds = np.searchsorted(self._poll, [poll, poll + 1], sorter=self._order)
        rows = self._order[bounds[0] : bounds[1]]
        rows = rows[: int(np.searchsorted(self._change.effective_ms[rows], at_ms))]
        tally = self._book.tally(poll)
        for column, sign in ((self._change.cell[rows], 1), (self._change.left[rows], -1)):
            cells, votes = np.unique(column[column >= 0], return_counts=True)
            for cell, count in zip(cells.tolist(), votes.tolist(), strict=True):
                tally[self._book.option_names[cell]] += sign * count
        return {option: votes for option, votes in tally.items() if votes}
