"""`pollwatch replay`: sends a recording's lines to the input topics at the pace they were recorded. Knows no display."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.schema import Settings
from detectors.columns import Int32s, Int64s
from streams.control import closing, opening
from streams.decode import Decoded, Kind
from streams.pace import Pace
from streams.placing import Placed, place
from streams.rebase import rebased
from streams.recording import LINES_PER_CHUNK, RecordingError, chunks
from streams.replay_sender import Sender
from streams.stages import build_decoder

AS_FAST_AS_POSSIBLE = 0.0
_SLICE_LINES = 2_000
_LONGEST_SLEEP_S = 0.25


class _Account(msgspec.Struct, gc=False):
    account_id: str


_accounts = msgspec.json.Decoder(_Account)
_NO_TIME_MS = -1


@dataclass(frozen=True, slots=True)
class _Ready:
    """Lines with all that sending them needs, one entry for each."""

    kind: NDArray[np.int8]
    partition: Int32s
    ts_ms: Int64s
    keys: Sequence[bytes | None]
    lines: Sequence[bytes]


@dataclass(slots=True)
class ReplaySummary:
    """What was sent, in lines; `refused` are those that the worker will refuse for what they say.

    `out_of_time` lines were, when sent, further ahead of this machine's clock or longer ago than intake allows;
    `too_large` ones no broker took. `seconds` is the time from the first line to the last acknowledgement.
    """

    lines: int = 0
    votes: int = 0
    replies: int = 0
    refused: int = 0
    out_of_time: int = 0
    too_large: int = 0
    seconds: float = 0.0

    @property
    def lines_per_s(self) -> float:
        """Lines sent a second."""
        return self.lines / max(self.seconds, 1e-9)


Progress = Callable[[int, int], None]
"""Called with the number of lines handed over so far and of all lines, several times a second."""


def replay(path: Path, settings: Settings, speed: float, rebase: bool, progress: Progress) -> ReplaySummary:
    """Send every line of a recording, in order, to the partition that `streams.placing` names.

    `speed` is how many times faster than recorded, AS_FAST_AS_POSSIBLE for no waiting. With `rebase` the times of all
    lines are moved so that the first is now. A control record before and after tells intake where event time begins
    and ends. Raises ReplayError, and RecordingError for a file that cannot be read to its end, after all before was sent.
    """
    total = _count(path)
    with Sender(settings) as sender:
        sending = _Sending(settings, sender, speed, rebase, lambda sent: progress(sent, total))
        try:
            for lines in chunks(path, LINES_PER_CHUNK):
                sending.chunk(lines)
        except RecordingError:
            sending.end()  # what could be read ends here, for intake as for a scan
            raise
        return sending.end()


class _Sending:
    """One replay: where it stands in the recording's time, and what was sent so far."""

    def __init__(
        self, settings: Settings, sender: Sender, speed: float, rebase: bool, tell: Callable[[int], None]
    ) -> None:
        self._settings = settings
        self._decoder = build_decoder(settings)
        self._sender = sender
        self._speed = speed
        self._rebase = rebase
        self._tell = tell
        self._pace: Pace | None = None
        self._shift_ms = 0
        self._latest_ms = 0
        self._started_s = time.monotonic()
        self._summary = ReplaySummary()

    def chunk(self, lines: Sequence[bytes]) -> None:
        """Send the next lines, each when it is due, and wait until the brokers hold them."""
        decoded = self._decoder.recording(lines)
        partitions = self._sender.partitions
        placed = place(lines, decoded, self._decoder, partitions[Kind.VOTE], partitions[Kind.REPLY])
        if self._pace is None and len(decoded):
            self._begin(decoded)
        due_s = self._pace.due_s(decoded, len(lines)) if self._pace else np.zeros(len(lines))
        ready = self._ready(lines, decoded, placed)
        at = 0
        while at < len(lines):
            elapsed_s = self._wait(float(due_s[at]))
            end = min(int(np.searchsorted(due_s, elapsed_s, side="right")), at + _SLICE_LINES)
            self._send(ready, at, end)
            at = end
        self._sender.flush()

    def end(self) -> ReplaySummary:
        """Say in every partition that event time is over."""
        self._sender.control(closing(self._latest_ms, self._settings.rate.window_ms))
        self._summary.seconds = time.monotonic() - self._started_s
        self._summary.too_large = self._sender.too_large
        return self._summary

    def _begin(self, decoded: Decoded) -> None:
        self._pace = Pace(self._speed, decoded.ts_ms)
        if self._rebase:
            self._shift_ms = _now_ms() - self._pace.first_ms
        self._sender.control(opening(int(decoded.ts_ms.min()) + self._shift_ms))
        self._started_s = time.monotonic()

    def _ready(self, lines: Sequence[bytes], decoded: Decoded, placed: Placed) -> _Ready:
        keys: list[bytes | None] = [None] * len(lines)
        accounts = _accounts.decode_lines(b"\n".join([lines[index] for index in decoded.index]))
        for index, account in zip(decoded.index.tolist(), accounts, strict=True):
            keys[index] = account.account_id.encode()
        if self._shift_ms:
            lines = rebased(lines, decoded, self._decoder, self._shift_ms)
        # a refused line has no time to judge
        ts_ms = np.full(len(lines), _NO_TIME_MS, dtype=np.int64)
        ts_ms[decoded.index] = decoded.ts_ms + self._shift_ms
        self._latest_ms = int(ts_ms.max(initial=self._latest_ms))
        self._summary.refused += len(decoded.refused)
        return _Ready(placed.kind, placed.partition, ts_ms, keys, lines)

    def _wait(self, due_s: float) -> float:
        """Sleep until a line is due, still telling the progress; return the seconds since the first line."""
        while (left_s := self._started_s + due_s - time.monotonic()) > 0:
            time.sleep(min(left_s, _LONGEST_SLEEP_S))
            self._tell(self._summary.lines)
        return time.monotonic() - self._started_s

    def _send(self, ready: _Ready, start: int, end: int) -> None:
        rows = slice(start, end)
        kinds, partitions = ready.kind[rows].tolist(), ready.partition[rows].tolist()
        for kind, partition, key, line in zip(
            kinds, partitions, ready.keys[rows], ready.lines[rows], strict=True
        ):
            self._sender.send(kind, partition, key, line)
        self._sender.check()
        self._count(ready.kind[rows], ready.ts_ms[rows])
        self._tell(self._summary.lines)

    def _count(self, kind: NDArray[np.int8], ts_ms: Int64s) -> None:
        replies = int(np.count_nonzero(kind == Kind.REPLY))
        self._summary.lines += len(kind)
        self._summary.replies += replies
        self._summary.votes += len(kind) - replies
        intake = self._settings.intake
        ahead_ms = ts_ms[ts_ms != _NO_TIME_MS] - _now_ms()
        old = (ahead_ms < -intake.max_age_ms) & (intake.max_age_ms > 0)
        self._summary.out_of_time += int(np.count_nonzero(old | (ahead_ms > intake.max_ahead_ms)))


def _count(path: Path) -> int:
    lines = 0
    try:
        for part in chunks(path, LINES_PER_CHUNK):
            lines += len(part)
    except RecordingError:
        if not lines:
            raise
    return lines


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
