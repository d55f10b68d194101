"""The same rows give the same cases, however they are partitioned, cut, interleaved and interrupted."""

from __future__ import annotations

import json
import random

import pytest
from stages_in_memory import SHARDS, Answer, BallotWitness, Witness, whole

from detectors.findings import Kind
from detectors.watcher import Watcher

START_MS = 1_664_812_800_000
WINDOW_MS = 60_000


def _event(rng: random.Random, poll: int, ts_ms: float, account: int) -> bytes:
    return json.dumps(
        {
            "type": "reply" if rng.random() < 0.05 else "vote",
            "event_id": f"e{rng.getrandbits(60):x}",
            "poll_id": f"poll-{poll}",
            "account_id": f"u{account}",
            "option": rng.choice(["yes", "no", "later"]),
            "text": "No.",
            "client": rng.choice([None, "ios", "web"]),
            "network": f"n{rng.randrange(40)}",
            "ts": int(ts_ms),
        }
    ).encode()


def traffic(seed: int, disorder_ms: int) -> list[bytes]:
    """Eight polls for half an hour, two of them flooded, some accounts that vote again, some events sent twice."""
    rng = random.Random(seed)
    events: list[tuple[float, bytes]] = []
    for poll in range(8):
        at = START_MS + rng.uniform(0, 120_000)
        while at < START_MS + 1_800_000:
            events.append((at, _event(rng, poll, at, rng.randrange(400))))
            at += rng.expovariate(0.05 * (1 + poll % 4)) * 1000
    for poll, begin_s in ((2, 900), (5, 1_300)):
        at = START_MS + begin_s * 1000.0
        for account in range(700):
            at += rng.expovariate(30) * 1000
            events.append((at, _event(rng, poll, at, 10_000 + account)))
    events += rng.sample(events, 40)
    return [line for _, line in sorted((at + rng.uniform(0, disorder_ms), line) for at, line in events)]


def _end_ms(lines: list[bytes]) -> int:
    latest_ms: int = max(json.loads(line)["ts"] for line in lines)
    return (latest_ms // WINDOW_MS + 1) * WINDOW_MS


def _differences(one: Answer, other: Answer) -> list[str]:
    keys = one.revisions.keys() | other.revisions.keys()
    wrong = [f"revision {key}" for key in sorted(keys) if one.revisions.get(key) != other.revisions.get(key)]
    wrong += [f"finding {finding!r}" for finding in sorted(one.findings ^ other.findings)]
    polls = one.tallies.keys() | other.tallies.keys()
    return wrong + [f"tally of {poll}" for poll in sorted(polls) if one.tallies.get(poll) != other.tallies.get(poll)]


@pytest.mark.parametrize("seed", range(12))
def test_partitions_cuts_orders_and_crashes_change_no_case(seed: int) -> None:
    print(f"seed {seed}")
    lines = traffic(seed // 4, disorder_ms=700)
    rng = random.Random(seed + 1_000)
    partitions = rng.choice([1, 2, 5])
    placed = [rng.randrange(partitions) for _ in lines]
    reference = whole(lines, [0] * len(lines), 1, _end_ms(lines), seed=-1)
    assert len({case for case, _ in reference.revisions}) >= 2, "the floods opened no case: this test says nothing"
    assert _differences(reference, whole(lines, placed, partitions, _end_ms(lines), seed)) == []


@pytest.mark.parametrize("seed", range(6))
def test_late_rows_change_no_case_when_they_stay_in_their_partition(seed: int) -> None:
    print(f"seed {seed}")
    lines = traffic(100 + seed // 3, disorder_ms=20_000)
    placed = [len(line) % SHARDS for line in lines]
    reference = whole(lines, placed, SHARDS, _end_ms(lines), seed=-1)
    assert reference.revisions, "the floods opened no case: this test says nothing"
    assert _differences(reference, whole(lines, placed, SHARDS, _end_ms(lines), seed)) == []


@pytest.mark.parametrize("seed", range(12))
def test_the_detector_is_shown_the_same_rows_at_the_same_event_times(seed: int) -> None:
    print(f"seed {seed}")
    lines = traffic(200 + seed // 4, disorder_ms=20_000)
    placed = [len(line) % SHARDS for line in lines]
    reference = whole(lines, placed, SHARDS, _end_ms(lines), -1, Witness)
    assert len(reference.findings) > 100, "the witness saw nothing: this test says nothing"
    assert _differences(reference, whole(lines, placed, SHARDS, _end_ms(lines), seed, Witness)) == []


@pytest.mark.parametrize("seed", range(9))
def test_watchers_are_shown_the_same_ballots_with_the_same_senders_in_one_order(seed: int) -> None:
    print(f"seed {seed}")
    lines = traffic(300 + seed // 3, disorder_ms=20_000)
    placed = [len(line) % SHARDS for line in lines]

    def watchers(kind: Kind) -> list[Watcher]:
        return [BallotWitness(kind)]

    reference = whole(lines, placed, SHARDS, _end_ms(lines), -1, watchers=watchers)
    assert sum(b'"witness"' in finding for finding in reference.findings) > 100, "the witness saw nothing"
    assert _differences(reference, whole(lines, placed, SHARDS, _end_ms(lines), seed, watchers=watchers)) == []


@pytest.mark.parametrize("seed", range(6))
def test_what_is_shed_is_the_same_event_time_in_every_run_and_nothing_else_changes(seed: int) -> None:
    print(f"seed {seed}")
    lines = traffic(400 + seed // 3, disorder_ms=20_000)
    placed = [len(line) % SHARDS for line in lines]
    rng = random.Random(seed // 3)
    longest = [placed.count(partition) for partition in range(SHARDS)]
    shed = [sorted(rng.sample(range(most), 2 * rng.randrange(1, 4))) for most in longest]

    def run(seed: int, shed: list[list[int]]) -> Answer:
        return whole(lines, placed, SHARDS, _end_ms(lines), seed, Witness, lambda kind: [BallotWitness(kind)], shed)

    reference = run(-1, shed)
    again = run(seed, shed)
    assert _differences(reference, again) == []
    assert {shard: list(spans) for shard, spans in again.shed.items()} == {
        shard: list(spans) for shard, spans in reference.shed.items()
    }
    assert set(map(tuple, reference.shed.values())) == {tuple(reference.shed[0])}, "one shard shed what another did not"
    unshed = run(-1, [[] for _ in longest])
    assert not unshed.shed
    assert reference.tallies == unshed.tallies
    rate = [{finding for finding in answer.findings if b'"detector":"rate"' in finding} for answer in (reference, unshed)]
    assert rate[0] == rate[1], "the rate is looked at always"
    seen = [len(answer.findings) - len(of_rate) for answer, of_rate in zip((reference, unshed), rate, strict=True)]
    assert 0 < seen[0] < seen[1], "nothing was shed, or all: this test says nothing"
