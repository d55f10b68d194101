"""Long replies of the step that is open: they wait until it closes, so that calls cut otherwise change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Hashes, Int32s, Int64s
from detectors.senders import SKETCH_WIDTH, Sketches
from detectors.strings import Strings, joined
from detectors.watcher import Ballots


@dataclass(frozen=True, slots=True)
class Written:
    """n long replies in order."""

    account: Hashes
    ids: Strings
    poll: Int32s
    at_ms: Int64s
    arrived_ms: Int64s
    sketch: Sketches

    def __len__(self) -> int:
        return len(self.account)

    def take(self, rows: Any) -> Written:
        """Return the rows that a mask or indices select."""
        return Written(
            self.account[rows],
            self.ids.take(rows),
            self.poll[rows],
            self.at_ms[rows],
            self.arrived_ms[rows],
            self.sketch[rows],
        )

    def snapshot(self) -> dict[str, bytes]:
        """Return each column as bytes."""
        columns = {name: getattr(self, name).tobytes() for name in _COLUMNS}
        return columns | {"data": self.ids.data.tobytes(), "ends": self.ids.ends.tobytes()}


_COLUMNS = {"account": "u8", "poll": "i4", "at_ms": "i8", "arrived_ms": "i8", "sketch": "u4"}


def long_replies(ballots: Ballots, rows: Int64s) -> Written:
    """Return those of these rows, all replies, that have a sketch."""
    rows = rows[ballots.sender.sketch[rows].any(axis=1)]
    # a slice of the ids is a view, while picking rows goes through all of them
    first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, -1)
    return Written(
        ballots.account[rows],
        ballots.sender.account_ids.take(slice(first, last + 1)).take(rows - first),
        ballots.poll[rows],
        ballots.effective_ms[rows],
        ballots.arrived_ms[rows],
        ballots.sender.sketch[rows],
    )


def together(parts: list[Written]) -> Written:
    """Return replies of several parts, at least one, one after the other."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return Written(ids=joined([part.ids for part in parts]), **columns)


def restored(state: dict[str, bytes]) -> Written:
    """Return what `Written.snapshot` was made of."""
    columns = {name: np.frombuffer(state[name], dtype) for name, dtype in _COLUMNS.items()}
    columns["sketch"] = columns["sketch"].reshape(-1, SKETCH_WIDTH)
    ids = Strings(np.frombuffer(state["data"], np.uint8), np.frombuffer(state["ends"], np.int64))
    return Written(ids=ids, **columns)
