"""Looks over every poll's votes a chunk at a time and tells which chunks are odd enough to examine the poll. It accuses nobody.

Odd is anything that many of a chunk's votes share and few of the platform's do, so real crowds are often odd too. State: for
each poll number how many votes it had, the rows of its open chunk (256 bytes) and where its last chunk began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Bools, Floats, Int32s, Int64s
from detectors.crowd.log import VoteLog
from detectors.crowd.platform import Platform
from detectors.crowd.tallied import runs
from detectors.senders import NO_TIME_MS

_DAY_MS = 86_400_000
_BAND_EDGES_MS = np.array([0.125, 0.5, 1, 2, 4, 8, 16, 32, 64, 110, 200, 400, 800, 1600]) * _DAY_MS
_BANDS = len(_BAND_EDGES_MS) + 2
_CLOSE_MS = _DAY_MS // 2
_LEAST_SURPRISE = 8.0
_DOUBT_VOTES = 3.0
_UNSEEN_DOUBT = 1.5


@dataclass(frozen=True)
class Chunks:
    """m whole chunks in order of their last row: `rows` is m x chunk_votes, `before` the first row of the poll's previous chunk."""

    poll: Int32s
    number: Int64s
    rows: Int64s
    before: Int64s

    def __len__(self) -> int:
        return len(self.poll)

    def take(self, which: Any) -> Chunks:
        """Return the chunks that a mask or indices select."""
        return Chunks(self.poll[which], self.number[which], self.rows[which], self.before[which])


class Chunker:
    """Cuts the votes of each poll into chunks of a fixed number of votes, however its calls are cut."""

    def __init__(self, chunk_votes: int, memory: int) -> None:
        self._size = chunk_votes
        self._memory = memory
        self._votes = np.zeros(0, np.int64)
        self._open = np.zeros((0, chunk_votes), np.int64)
        self._last_first = np.zeros(0, np.int64)

    def add(self, poll: Int32s, first_row: int) -> Chunks:
        """Take the polls of the rows that follow `first_row`; return the chunks that became whole."""
        most = int(poll.max()) if len(poll) else -1
        self._make_room(most + 1)
        # of so narrow numbers a stable sort is a radix sort, ten times as fast
        order = np.argsort(poll.astype(np.uint16) if most < 1 << 16 else poll, kind="stable")
        rows, sorted_poll = first_row + order, poll[order]
        starts, counts = runs(sorted_poll)
        polls = sorted_poll[starts]
        had = self._votes[polls]
        ordinal = np.arange(len(poll)) + np.repeat(had - starts, counts)
        first_number, end_number = had // self._size, (had + counts) // self._size
        whole = end_number - first_number
        base = np.cumsum(whole) - whole
        in_chunk = ordinal < np.repeat(end_number * self._size, counts)
        place = ordinal + np.repeat((base - first_number) * self._size, counts)
        matrix = self._open[np.repeat(polls, whole)]
        matrix.reshape(-1)[place[in_chunk]] = rows[in_chunk]
        rest = (~in_chunk).nonzero()[0]
        self._open[sorted_poll[rest], ordinal[rest] % self._size] = rows[rest]
        self._votes[polls] += counts
        return self._chunks(polls, first_number, whole, base, matrix)

    def _chunks(self, polls: Int32s, first_number: Int64s, whole: Int64s, base: Int64s, matrix: Int64s) -> Chunks:
        number = np.arange(len(matrix)) + np.repeat(first_number - base, whole)
        before = np.empty(len(matrix), np.int64)
        before[1:] = matrix[:-1, 0]
        busy = whole.nonzero()[0]
        before[base[busy]] = self._last_first[polls[busy]]
        self._last_first[polls[busy]] = matrix[(base + whole - 1)[busy], 0]
        # a vote that is forgotten when its chunk is whole is replaced by the last one
        last_row = matrix[:, -1:]
        kept = np.where(matrix > last_row - self._memory, matrix, last_row)
        return Chunks(np.repeat(polls, whole), number, kept, before).take(np.argsort(last_row[:, 0], kind="stable"))

    def votes(self, poll: int) -> int:
        """Return how many votes of a poll were taken, also those ahead of the time worked at."""
        return int(self._votes[poll])

    def _make_room(self, polls: int) -> None:
        more = polls - len(self._votes)
        if more > 0:
            more = max(more, len(self._votes))
            self._votes = np.append(self._votes, np.zeros(more, np.int64))
            self._open = np.concatenate([self._open, np.zeros((more, self._size), np.int64)])
            self._last_first = np.append(self._last_first, np.zeros(more, np.int64))

    def forget(self, polls: Int64s) -> None:
        """Begin anew with these numbers."""
        polls = polls[polls < len(self._votes)]
        self._votes[polls] = 0
        self._open[polls] = 0
        self._last_first[polls] = 0

    def snapshot(self) -> dict[str, bytes]:
        """Return the state as plain data."""
        return {n: getattr(self, n).tobytes() for n in ("_votes", "_open", "_last_first")}

    def restore(self, state: dict[str, bytes]) -> None:
        """Take over what `snapshot` returned."""
        self._votes = np.frombuffer(state["_votes"], np.int64).copy()
        self._open = np.frombuffer(state["_open"], np.int64).reshape(-1, self._size).copy()
        self._last_first = np.frombuffer(state["_last_first"], np.int64).copy()


@dataclass(frozen=True)
class Screened:
    """For each chunk whether it is odd, and the counts that ordinary ones teach the platform."""

    odd: Bools
    counts: dict[str, Int64s | Floats]


def screen(chunks: Chunks, log: VoteLog, platform: Platform) -> Screened:
    """Compare chunks with the platform: client with age, networks never seen or repeated, accounts born together.

    The surprise of a count c where e were expected is c ln(c/e) - (c - e), the exponent of Chernoff's bound for Poisson tails.
    """
    rows = chunks.rows
    client, network = log.get("client", rows), log.get("network", rows)
    created, time = log.get("created_ms", rows), log.get("time_ms", rows)
    aged = created != NO_TIME_MS
    counts: dict[str, Int64s | Floats] = {
        "repeats": _repeats(network),
        "unseen_share": _unseen(network, platform),
        "born_close": _close(np.where(aged, created, 0)),
    }
    size = rows.shape[1]
    usual = {name: platform.usual(name) for name in counts}
    unseen = size * min(_UNSEEN_DOUBT * usual["unseen_share"] + 0.03, 1.0)
    odd: Bools = _surprising(counts["repeats"], 2 * usual["repeats"] + 1)
    odd |= _surprising(size * counts["unseen_share"], unseen)
    odd |= _surprising(counts["born_close"], 2 * usual["born_close"] + 1)
    odd |= _odd_cells(client, time - created, aged, platform)
    return Screened(odd, counts)


def _repeats(codes: Any) -> Int64s:
    ordered = np.sort(codes, axis=1)
    return _many((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != 0))


def _unseen(network: Any, platform: Platform) -> Floats:
    known = network != 0
    unseen = _many(~platform.knows(network) & known)
    share: Floats = unseen / np.maximum(_many(known), 1)
    return share


def _close(created: Any) -> Int64s:
    ordered = np.sort(created, axis=1)
    return _many((ordered[:, 1:] - ordered[:, :-1] < _CLOSE_MS) & (ordered[:, 1:] != 0))


def _many(held: Any) -> Int64s:
    # for a few rows the general count along an axis takes five times as long
    many: Int64s = np.add.reduce(held, axis=1, dtype=np.int64)
    return many


def _odd_cells(client: Any, age_ms: Any, aged: Any, platform: Platform) -> Bools:
    """Tell of each chunk whether any (client, band of age), or a client or a band alone, has surprisingly many of its votes."""
    m, size = client.shape
    known = platform.clients
    index = known.searchsorted(client)
    if len(known):
        index = np.where((known.take(index, mode="clip") == client) & (client != 0), index + 1, 0)
    band = np.where(aged, _BAND_EDGES_MS.searchsorted(age_ms, "right"), _BANDS - 1)
    cell = (np.arange(m)[:, None] * (len(known) + 1) + index) * _BANDS + band
    table = np.bincount(cell.ravel(), minlength=m * (len(known) + 1) * _BANDS).reshape(m, len(known) + 1, _BANDS)
    table = table[:, 1:, :-1]
    votes = platform.client_votes.sum()
    client_share = (platform.client_votes + _DOUBT_VOTES) / (votes + _DOUBT_VOTES)
    band_share = (platform.bands(_BAND_EDGES_MS) * platform.aged_votes + _DOUBT_VOTES) / (platform.aged_votes + _DOUBT_VOTES)
    odd: Bools = np.asarray(_surprising(table, size * np.outer(client_share, band_share)).any(axis=(1, 2)))
    odd |= _surprising(table.sum(axis=2), size * client_share).any(axis=1)
    odd |= _surprising(table.sum(axis=1), size * band_share).any(axis=1)
    return odd


def _surprising(count: Any, expected: Floats | float) -> Bools:
    """Tell of each count whether it surprises. A surprise is below (c - e)^2 / e, so that few logarithms are needed."""
    odd: Bools = count > expected + np.sqrt(_LEAST_SURPRISE * expected)
    if odd.any():
        c, e = count[odd], np.broadcast_to(expected, count.shape)[odd]
        odd[odd] = c * np.log(c / e) - (c - e) > _LEAST_SURPRISE
    return odd
