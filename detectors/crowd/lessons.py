"""What the screen saw since the last lesson, and which of it the platform may learn. It changes nothing in between.

State: 256 bytes and 20 for each chunk of a lesson.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Bools, Int32s, Int64s
from detectors.crowd.handle_book import YOUNG_MS
from detectors.crowd.log import VoteLog
from detectors.crowd.platform import Platform
from detectors.crowd.screen import Chunks, Screened
from detectors.crowd.tallied import distinct, runs
from detectors.senders import NO_TIME_MS

_YOUNG_VOTES = 2_000
_LEAST_POLLS = 4
_MOST_CHUNKS = 16
_HANDLES = (500, 2), (5_000, 16)
_LAST_HANDLES = 64
_TYPES = {"poll": "i4", "odd": "?", "repeats": "i8", "unseen_share": "f8", "born_close": "i8"}


class Lessons:
    """Collects chunks with `add`; `teach` gives the platform those it may learn and begins anew."""

    def __init__(self) -> None:
        self._rows: list[Int64s] = []
        self._columns: list[dict[str, Any]] = []

    def add(self, chunks: Chunks, screened: Screened) -> None:
        """Take chunks and what the screen said of them."""
        self._rows.append(chunks.rows)
        self._columns.append({"poll": chunks.poll, "odd": screened.odd, **screened.counts})

    @property
    def empty(self) -> bool:
        """Whether nothing came since the last lesson."""
        return not self._rows

    def teach(self, platform: Platform, log: VoteLog) -> None:
        """Let the platform learn what was ordinary; a poll counts for no more than 16 chunks a lesson.

        While the platform is young, and when most polls are odd at once (a new client's release, say), one odd chunk of each
        poll is learned too: else what it learned first would be held against everybody for ever.
        """
        if not self._rows:
            return
        rows = np.concatenate(self._rows)
        columns = {name: np.concatenate([part[name] for part in self._columns]) for name in _TYPES}
        self._rows, self._columns = [], []
        learned = _ordinary(columns["poll"], columns["odd"], platform)
        taught = rows[learned].ravel()
        taught = taught[taught >= log.first]
        taught = taught[log.get("poll", taught) >= 0]  # of polls that left it is not known any more who voted
        platform.learn(_senders(log, taught))
        _teach_handles(platform, log, np.sort(taught))
        for name in ("repeats", "unseen_share", "born_close"):
            platform.learn_usual(name, columns[name][learned])

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data, columns as bytes."""
        if not self._rows:
            return {}
        columns = {name: np.concatenate([part[name] for part in self._columns]).tobytes() for name in _TYPES}
        rows = np.concatenate(self._rows)
        return {"rows": rows.tobytes(), "size": rows.shape[1], "columns": columns}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._rows, self._columns = [], []
        if state:
            self._rows = [np.frombuffer(state["rows"], np.int64).reshape(-1, state["size"])]
            self._columns = [{name: np.frombuffer(state["columns"][name], kind) for name, kind in _TYPES.items()}]


def _ordinary(poll: Int32s, odd: Bools, platform: Platform) -> Bools:
    learned: Bools = ~odd & (_nth(poll) < _MOST_CHUNKS)
    polls, odd_polls = distinct(poll), distinct(poll[odd])
    if platform.votes < _YOUNG_VOTES or (polls >= _LEAST_POLLS and 2 * odd_polls > polls):
        first = np.zeros(len(poll), np.bool_)
        first[np.flatnonzero(odd)[_nth(poll[odd]) == 0]] = True
        learned |= first
    return learned


def _nth(poll: Int32s) -> Int64s:
    """Return for each entry how many of the same poll are before it."""
    order = np.argsort(poll, kind="stable")
    ordered = poll[order]
    starts, counts = runs(ordered)
    nth = np.empty(len(poll), np.int64)
    nth[order] = np.arange(len(poll)) - np.repeat(starts, counts)
    return nth


def _senders(log: VoteLog, rows: Int64s) -> dict[str, Any]:
    created, time = log.get("created_ms", rows), log.get("time_ms", rows)
    columns = {name: log.get(name, rows) for name in ("client", "network", "country", "follower_bin", "referrer")}
    return {**columns, "age_ms": np.where(created == NO_TIME_MS, NO_TIME_MS, time - created)}


def _teach_handles(platform: Platform, log: VoteLog, rows: Int64s) -> None:
    # the more of them are known the fewer are read
    every = next((every for known, every in _HANDLES if platform.handles.known < known), _LAST_HANDLES)
    rows = rows[::every]
    created, time = log.get("created_ms", rows), log.get("time_ms", rows)
    platform.handles.learn(log.handles(rows), (created != NO_TIME_MS) & (time - created < YOUNG_MS))
