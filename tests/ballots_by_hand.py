"""Ballots made by hand, and watchers that are fed with them: for tests of detectors that watch ballots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from detectors.columns import Bools, Int64s
from detectors.senders import senders, unknown_senders
from detectors.spans import Spans
from detectors.strings import strings
from detectors.watcher import NO_BALLOTS, Ballots, Sighting, Watcher

START_MS = 1_664_800_000_000
TICK_MS = 250


def ballots_of(times_ms: Any, poll: Any = 0, option: Any = 0, account: Any = None, **sender: Any) -> Ballots:
    """Return one row for each time (milliseconds since START_MS) in order; `sender` sets columns of `Senders`."""
    n = len(times_ms)
    ms = np.asarray(times_ms, np.int64) + START_MS
    accounts = np.arange(n, dtype=np.uint64) if account is None else np.asarray(account, np.uint64)
    unknown = unknown_senders(strings([f"account-{number}" for number in accounts.tolist()]))
    rows = Ballots(
        np.broadcast_to(np.asarray(poll, np.int32), n).copy(),
        np.broadcast_to(np.asarray(option, np.int32), n).copy(),
        ms,
        ms.copy(),
        accounts,
        np.ones(n, np.bool_),
        ms + 40,
        replace(unknown, **sender),
    )
    return counted_once(rows.take(np.argsort(ms, kind="stable")))


def together(parts: Iterable[Ballots]) -> Ballots:
    """Return the rows of all parts in order of time."""
    parts = list(parts)
    columns = ("poll", "option", "effective_ms", "ts_ms", "account", "first", "arrived_ms")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    rows = Ballots(**joined, sender=senders([part.sender for part in parts]))
    return counted_once(rows.take(np.argsort(rows.effective_ms, kind="stable")))


def counted_once(rows: Ballots) -> Ballots:
    """Return rows with `first` set where an account's first vote in a poll is."""
    first: Bools = np.zeros(len(rows), np.bool_)
    votes = np.flatnonzero(rows.option >= 0)
    pairs = np.stack([rows.poll[votes].astype(np.uint64), rows.account[votes]])
    first[votes[np.unique(pairs, axis=1, return_index=True)[1]]] = True
    return replace(rows, first=first)


def fed(watcher: Watcher, rows: Ballots, until_s: float, stops_ms: Iterable[int] = ()) -> list[Sighting]:
    """Give all rows to a watcher in calls that end at `stops_ms` (since START_MS) and `until_s`; return what it saw."""
    seen: list[Sighting] = []
    stops = [*sorted(stops_ms), round(until_s * 1000)]
    low = 0
    for stop_ms in stops:
        high = int(np.searchsorted(rows.effective_ms, START_MS + stop_ms))
        seen += watcher.observe(rows.take(slice(low, high)) if high > low else NO_BALLOTS, START_MS + stop_ms)
        low = high
    return seen


def fed_but_for(
    watcher: Watcher, rows: Ballots, gaps_ms: Iterable[tuple[int, int]], stops_ms: Iterable[int], start_ms: int = START_MS
) -> list[Sighting]:
    """Give a watcher all rows but those in the gaps (since `start_ms`), up to the last of the stops; return what it saw."""
    spans = Spans(gaps_ms)
    seen, from_ms, last_ms = [], 0, max(stops_ms := list(stops_ms))
    for until_ms in sorted({*stops_ms, *(ms for span in spans.within(0, last_ms) for ms in span)} - {0}):
        if spans.covers(from_ms):
            seen += watcher.skip(start_ms + from_ms, start_ms + until_ms)
        else:
            given = slice(*np.searchsorted(rows.effective_ms, (start_ms + from_ms, start_ms + until_ms)))
            seen += watcher.observe(rows.take(given), start_ms + until_ms)
        from_ms = until_ms
    return seen


def every(step_s: float, until_s: float) -> list[int]:
    """Return the ends of equal calls, milliseconds since START_MS."""
    return list(range(round(step_s * 1000), round(until_s * 1000), round(step_s * 1000)))


def seconds(values: Any) -> Int64s:
    """Return seconds as whole milliseconds."""
    ms: Int64s = np.floor(np.asarray(values) * 1000).astype(np.int64)
    return ms
