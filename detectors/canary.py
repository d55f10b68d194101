"""A shard that keeps one poll apart from all others: the canary's, whose votes are made up by the deployment itself.

What is said of a made-up poll must be found like anything else and count for nothing. So it is a shard of its own beside the
one that everybody else is in, given the same blocks: nothing that polls have in common (priors, tides, who was seen where,
the platform's picture of people, room in memory) ever meets its rows. State: that of a shard with one poll.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from detectors.block import Block, Rows
from detectors.columns import Bools
from detectors.counted import Counted
from detectors.findings import Report
from detectors.shard import Shard


class ShardWithCanary(Shard):
    """A shard whose rows of poll `canary` go to the shard `apart`, or nowhere when that is None.

    What `apart` reports travels in the report of this one.
    """

    def __init__(self, canary: str, apart: Shard | None, *of_shard: Any, **more_of_shard: Any) -> None:
        super().__init__(*of_shard, **more_of_shard)
        self._canary = canary
        self._apart = apart

    def accept(self, block: Block) -> None:
        """Take a block, as `Shard.accept`."""
        mine = of_poll(block.rows, self._canary)
        super().accept(block.chosen(~mine) if mine.any() else block)
        if self._apart is not None:
            self._apart.accept(block.chosen(mine))

    def advance(self) -> tuple[Report, Counted] | None:
        """Work through all whole ticks, as `Shard.advance`; what the canary's shard counts is not counted."""
        advanced = super().advance()
        if advanced is None or self._apart is None:
            return advanced
        report, counted = advanced
        apart = self._apart.advance()
        return (report, counted) if apart is None else (msgspec.structs.replace(report, canary=apart[0]), counted)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data, as `Shard.snapshot`."""
        state = super().snapshot()
        return state if self._apart is None else {**state, "canary": self._apart.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned; where the canary's shard was not yet there it begins with nothing."""
        super().restore(state)
        if self._apart is not None and "canary" in state:
            self._apart.restore(state["canary"])


def of_poll(rows: Rows, poll_id: str) -> Bools:
    """Return which rows are of this poll."""
    if poll_id not in rows.poll_ids:
        return np.zeros(len(rows), np.bool_)
    mine: Bools = rows.poll == rows.poll_ids.index(poll_id)
    return mine
