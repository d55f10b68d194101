"""The stages of the worker with lists for logs, so that cuts, orders and crashes can be chosen by a test."""

from __future__ import annotations

import random
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from cut_by_hand import ReadOfOne, cut_one

from detectors.alert import CaseData, MadeBy
from detectors.cases.book import CaseBook
from detectors.cases.case import CaseParams
from detectors.columns import Floats, Int64s, VoteCells
from detectors.erasure import Erasure
from detectors.findings import Evidence, Kind
from detectors.no_rate import NoRate
from detectors.rate.detector import RateDetector, RateFinding, RateParams, RateStep
from detectors.senders import PLAIN_COLUMNS
from detectors.shard import Shard
from detectors.shard_params import ShardParams
from detectors.spans import Spans
from detectors.watcher import Ballots, Sighting, Suspected, Watcher
from detectors.watermark import RECORDS
from streams.control import Control
from streams.cutter import Cutter
from streams.decode import Decoder
from streams.wire import decode_block, decode_report, encode_block, encode_report

SHARDS = 3
WITNESS_MS = 5_000
DECODER = Decoder(b"0123456789abcdef", 1_000_000, None, 300_000)
MADE_BY = MadeBy("test", "0" * 12, "replay")


class _Remembered:
    """What a witness keeps: a number for each poll of the window it is in."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._window = -1

    def forget(self, polls: object) -> None:
        """Keep nothing of polls that left."""

    def erase(self, _erasure: Erasure) -> None:
        """Know nobody."""

    def snapshot(self) -> dict[str, Any]:
        """Return the state."""
        return {"seen": dict(self._seen), "window": self._window}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._seen, self._window = dict(state["seen"]), state["window"]


class Witness(_Remembered):
    """Stands where the rate detector stands and tells every cell it was shown: one finding a poll and window.

    The rate detector may forgive a row in another window; this does not.
    """

    params = RateParams()

    def advance(self, cells: VoteCells, until_ms: int) -> RateStep:
        """Fold the cells of each window into one number a poll, and tell it when the window is over."""
        findings = []
        columns = (cells.tick_ms, cells.poll, cells.option, cells.votes)
        for tick_ms, poll, option, votes in zip(*(column.tolist() for column in columns), strict=True):
            findings += self._tell(tick_ms // self.params.window_ms)
            self._seen[poll] = zlib.crc32(f"{self._seen.get(poll, 0)},{tick_ms},{option},{votes}".encode())
        return RateStep(findings + self._tell(until_ms // self.params.window_ms), None, [])

    def suspected(self) -> Int64s:
        """Suspect nothing between its findings."""
        return np.zeros(0, np.int64)

    def scores_of(self, polls: Int64s) -> Floats:
        """Suspect nothing."""
        return np.zeros(len(polls))

    def expected_per_s(self, polls: Int64s) -> Floats:
        """Know nothing."""
        return np.full(len(polls), np.nan)

    def _tell(self, window: int) -> list[RateFinding]:
        if window <= self._window:
            return []
        end_ms = (self._window + 1) * self.params.window_ms
        told = [
            RateFinding(poll, -1, "vote_spike", "opened", end_ms, end_ms - 1, end_ms, float(seen), 1.0, 1e-9, 2.0**n, 0)
            for n, (poll, seen) in enumerate(sorted(self._seen.items()))
        ]
        self._seen, self._window = {}, window
        return told


class BallotWitness(_Remembered):
    """A watcher that tells every ballot it was shown, with all that is said of its sender: one sighting a poll and window."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self._kind = kind

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        sightings = []
        sender = ballots.sender
        ids = sender.account_ids.texts()
        for row, at_ms in enumerate(ballots.effective_ms.tolist()):
            sightings += self._tell(at_ms // WITNESS_MS)
            said = [getattr(sender, name)[row] for name in PLAIN_COLUMNS] + [sender.sketch[row].tolist()]
            mine = [ballots.option[row], ballots.ts_ms[row], ballots.account[row], ballots.first[row], ids[row]]
            poll = int(ballots.poll[row])
            self._seen[poll] = zlib.crc32(f"{self._seen.get(poll, 0)},{mine},{said}".encode())
        return sightings + self._tell(until_ms // WITNESS_MS)

    def skip(self, _from_ms: int, until_ms: int) -> list[Sighting]:
        return self._tell(until_ms // WITNESS_MS)

    def _tell(self, window: int) -> list[Sighting]:
        if window <= self._window:
            return []
        at_ms = (self._window + 1) * WITNESS_MS
        told = [
            Sighting(at_ms, poll, "witness", self._kind, "opened", "w", "none", 2.0 + n, 1e-9, float(seen), 1.0,
                     at_ms - 1, at_ms, (Evidence("witness", "coordinated", "seen", None, None, None),),
                     (Suspected(poll, 1.0, 0.0, 2.0, {}),))
            for n, (poll, seen) in enumerate(sorted(self._seen.items()))
        ]  # fmt: skip
        self._seen, self._window = {}, window
        return told


@dataclass
class Answer:
    """What came out: each revision once, the votes of every poll, and what each shard shed."""

    revisions: dict[tuple[str, int], CaseData] = field(default_factory=dict)
    findings: set[bytes] = field(default_factory=set)
    tallies: dict[str, dict[str, int]] = field(default_factory=dict)
    shed: dict[int, Spans] = field(default_factory=dict)


def partitioned(lines: Sequence[bytes], partition_of_line: Sequence[int], partitions: int) -> list[list[bytes]]:
    """Return the lines of each source partition, in the order they came."""
    logs: list[list[bytes]] = [[] for _ in range(partitions)]
    for line, partition in zip(lines, partition_of_line, strict=True):
        logs[partition].append(line)
    return logs


def blocks_of(
    source: str, log: Sequence[bytes], end_ms: int, rng: random.Random, shed: Sequence[int] = ()
) -> list[list[bytes]]:
    """Return the messages for each shard of one source, cut at random, with restarts that send some again.

    `shed` are offsets at which shedding begins, ends, begins again, and so on.
    """
    out: list[list[bytes]] = [[] for _ in range(SHARDS + 1)]
    cutter, at = _cutter(source, log, 0), 0
    while at < len(log):
        if at and rng.random() < 0.3:
            # a crash of intake: it begins again at an offset committed earlier, and cuts differently
            at = rng.choice([at, rng.randrange(max(0, at - 400), at)])
            cutter = _cutter(source, log, at)
        turns = bisect_right(shed, at)
        end = min([len(log), at + rng.choice([1, 3, 10, 40, 150]), *shed[turns : turns + 1]])
        _send(cutter, _range(log, at, end), out, shed=turns % 2 == 1)
        at = end
    nothing = np.zeros(0, np.int64)
    control = [(len(log), Control(end_ms, end=True))]
    _send(cutter, ReadOfOne(len(log), len(log) + 1, nothing, nothing, DECODER.recording([]), control), out)
    return out


def _cutter(source: str, log: Sequence[bytes], at: int) -> Cutter:
    cutter = Cutter(source)
    first = max(0, at - RECORDS)
    past = _range(log, first, at)
    cutter.warm_up(past.offset, past.decoded.ts_ms, past.arrived_ms, at, waiting=True)
    return cutter


def _range(log: Sequence[bytes], start: int, end: int) -> ReadOfOne:
    decoded = DECODER.recording(log[start:end])
    return ReadOfOne(start, end, decoded.index.astype(np.int64) + start, decoded.ts_ms, decoded)


def _send(cutter: Cutter, part: ReadOfOne, out: list[list[bytes]], shed: bool = False) -> None:
    for shard, block in enumerate(cut_one(cutter, part, SHARDS, shed)):
        out[shard].append(encode_block(block))


def interleaved(logs: list[list[bytes]], rng: random.Random) -> list[bytes]:
    """Return one log in which the messages of each given log keep their order."""
    waiting = [list(reversed(log)) for log in logs]
    merged = []
    while any(waiting):
        merged.append(rng.choice([log for log in waiting if log]).pop())
    return merged


def reports_of(
    number: int, sources: list[str], log: list[bytes], detector: Any, watchers: Any, rng: random.Random
) -> list[bytes]:
    """Return the messages of one shard that is stopped at random and goes on from its last snapshot."""

    def fresh() -> Shard:
        if number < SHARDS:
            return Shard(number, sources, ShardParams(), detector(), watchers("account_cluster"))
        return Shard(number, sources, ShardParams(), NoRate(RateParams()), watchers("copied_replies"), across=True)

    def apply(shard: Shard, messages: list[bytes]) -> list[bytes]:
        for message in messages:
            shard.accept(decode_block(message))
        advanced = shard.advance()
        return [] if advanced is None else [encode_report(advanced[0])]

    return with_crashes(fresh, apply, log, rng)[0]


def answer_of(log: list[bytes], rng: random.Random) -> Answer:
    """Return what the cases stage publishes, which too is stopped at random."""
    answer = Answer()

    def fresh() -> CaseBook:
        return CaseBook(SHARDS + 1, CaseParams(), MADE_BY)

    def apply(book: CaseBook, messages: list[bytes]) -> list[CaseData]:
        for message in messages:
            report = decode_report(message)
            answer.findings.update(msgspec.json.encode(finding) for finding in report.findings)
            for start_ms, until_ms in report.shed:
                answer.shed.setdefault(report.shard, Spans()).add(start_ms, until_ms)
            book.accept(report)
        step = book.advance()
        for poll_id in step.changed_polls:
            answer.tallies[poll_id] = book.integrity(poll_id).options
        return [revision.data for revision in step.revisions]

    for data in with_crashes(fresh, apply, log, rng)[0]:
        key = (data.case_id, data.revision)
        assert answer.revisions.setdefault(key, data) == data, "one revision said two things"
    return answer


def with_crashes(fresh: Any, apply: Any, log: list[bytes], rng: random.Random) -> tuple[list[Any], Any]:
    """Return what a machine says that is stopped at random and goes on from its last snapshot, and the machine."""
    machine, at, out = fresh(), 0, []
    saved: tuple[int, bytes] | None = None
    while at < len(log):
        end = min(len(log), at + rng.choice([1, 2, 7, 60]))
        out += apply(machine, log[at:end])
        at = end
        if rng.random() < 0.2:
            saved = (at, msgspec.msgpack.encode(machine.snapshot()))
        if rng.random() < 0.1:
            machine, at = fresh(), 0
            if saved is not None:
                at, state = saved
                machine.restore(msgspec.msgpack.decode(state))
    return out, machine


def whole(
    lines: Sequence[bytes],
    partition_of_line: Sequence[int],
    partitions: int,
    end_ms: int,
    seed: int,
    detector: Callable[[], Any] = lambda: RateDetector(RateParams()),
    watchers: Callable[[Kind], list[Watcher]] = lambda _: [],
    shed: Sequence[Sequence[int]] = (),
) -> Answer:
    """Run everything once, with everything that may vary chosen by `seed`; `shed` is by partition what `blocks_of` is given."""
    rng = random.Random(seed)
    sources = [f"poll.votes/{number}" for number in range(partitions)]
    logs = partitioned(lines, partition_of_line, partitions)
    turns = shed or [()] * partitions
    cut = [blocks_of(source, logs[n], end_ms, rng, turns[n]) for n, source in enumerate(sources)]
    exchange = [interleaved([of_source[shard] for of_source in cut], rng) for shard in range(SHARDS + 1)]
    reports = [reports_of(shard, sources, log, detector, watchers, rng) for shard, log in enumerate(exchange)]
    return answer_of(interleaved(reports, rng), rng)
