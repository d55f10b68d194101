"""The canary: what is made up is found on its schedule and leaves no trace in what is said of anything else."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pytest
from columns_by_hand import Event, block_of
from prometheus_client import CollectorRegistry
from recorded_traffic import START_MS, event, recording, write
from test_case_stage import FINDINGS, NoStore, Sent, batch
from told_cases import stands

from benchmarks.ending import differences, of_scan
from config import Settings, load
from detectors.findings import Report
from streams.acl_table import Grant, Operation, User, grants
from streams.canary import FLOOD_VOTES, FOUND_WITHIN_MS, Canary, Vote
from streams.case_stage import Cases
from streams.metric_labels import Flood
from streams.metrics import Metrics
from streams.scan import scan
from streams.stages import (
    CANARY_PREFIX,
    build_canary_cases,
    build_cases,
    build_shard,
    canary_poll,
    canary_shard,
    shards,
)

SECOND, MINUTE = 1_000, 60_000
SOURCE = "poll.votes/0"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a key that nobody else knows."""
    path = tmp_path_factory.mktemp("key") / "hash-key"
    path.write_bytes(b"sixteen bytes of")
    return load(None, {"POLLWATCH_INTAKE_HASH_KEY_FILE": str(path), "POLLWATCH_INTAKE_MAX_AGE_MS": "0"})


@pytest.fixture(scope="module")
def fed(settings: Settings) -> list[Report]:
    """Return what the canary's shard reports of a flood in it and one in another poll."""
    return machine_fed(settings, 0, 420)[0]


def poll_of(settings: Settings) -> str:
    poll_id = canary_poll(settings)
    assert poll_id is not None
    return poll_id


def flooded(poll_id: str, rng: random.Random) -> list[bytes]:
    """Return votes and a flood in one poll, in order of time."""
    trickle = [event(rng, poll_id, START_MS + second * SECOND, f"c{second}") for second in range(14 * 60)]
    flood = [event(rng, poll_id, START_MS + 10 * MINUTE + 500, f"s{number}", "vote") for number in range(FLOOD_VOTES)]
    return trickle + flood


def in_order(lines: list[bytes]) -> list[bytes]:
    return sorted((line for line in lines if line.startswith(b'{"type": ')), key=lambda line: json.loads(line)["ts"])


def scan_of(lines: list[bytes], settings: Settings, out: Path) -> str:
    """Scan these lines; return all that was written, as text."""
    out.mkdir()
    scan([write(out / "recording.jsonl", lines)], settings, out / "found", True, lambda _: None)
    return "".join(path.read_text() for path in sorted((out / "found").iterdir()))


def test_a_scan_of_a_recording_with_canary_votes_says_what_it_says_without_them(settings: Settings, tmp_path: Path) -> None:
    rng = random.Random(11)
    lines = in_order(recording(11, polls=6, minutes=15, flood=600))
    scan_of(lines, settings, tmp_path / "without")
    told = scan_of(in_order([*lines, *flooded(poll_of(settings), rng)]), settings, tmp_path / "with")
    without, found = (of_scan(tmp_path / name / "found") for name in ("without", "with"))
    assert len(without.alerts) > 3
    assert differences(without, found) == []
    assert poll_of(settings) not in told


@pytest.mark.parametrize("stranger", [CANARY_PREFIX + "0" * 24, CANARY_PREFIX, "the poll of another key"])
def test_a_poll_that_is_only_called_like_the_canary_is_watched_like_any_other(
    stranger: str, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "another-key").write_bytes(b"another 16 bytes")
    others = replace(settings, intake=replace(settings.intake, hash_key_file=str(tmp_path / "another-key")))
    poll_id = poll_of(others) if "key" in stranger else stranger
    told = scan_of(in_order(flooded(poll_id, random.Random(3))), settings, tmp_path / "out")
    assert poll_id in told
    assert of_scan(tmp_path / "out" / "found").alerts


def test_without_a_key_of_ones_own_there_is_no_canary() -> None:
    assert canary_poll(Settings()) is None


def test_only_a_worker_with_a_canary_may_write_votes(settings: Settings) -> None:
    write_votes = Grant(User.WORKER, Operation.WRITE, "topic", "poll.votes")
    assert write_votes not in grants(settings)
    assert write_votes in grants(replace(settings, canary=replace(settings.canary, every_ms=20 * MINUTE)))


def machine_fed(settings: Settings, begin_s: int, end_s: int, state: object = None) -> tuple[list[Report], object]:
    """Return what the canary's shard reports of votes in its poll and another, and its state then."""
    poll_id = poll_of(settings)
    shard = build_shard(canary_shard(settings, poll_id), settings, [SOURCE])
    if state is not None:
        shard.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(state)))
    reports = []
    for second in range(begin_s, end_s):
        votes = 200 if second == 400 else 1
        at_ms, start = START_MS + second * SECOND, second * 1_000
        events = [
            Event(start + n, at_ms + n, 1 + start + n, 1 + start + n, poll_id if n % 2 else "other") for n in range(2 * votes)
        ]
        shard.accept(block_of(SOURCE, start, start + 1_000, events, [(start + 500, at_ms + 900)]))
        advanced = shard.advance()
        if advanced is not None:
            reports.append(advanced[0])
            assert poll_id not in advanced[0].rates.poll_ids
    return reports, shard.snapshot()


def test_the_flood_is_in_the_report_of_its_shard_apart_from_everything_else(settings: Settings, fed: list[Report]) -> None:
    apart = [report.canary for report in fed if report.canary is not None]
    assert {finding.poll_id for report in apart for finding in report.findings} == {poll_of(settings)}
    assert {finding.poll_id for report in fed for finding in report.findings} == {"other"}
    assert {poll for report in fed for poll in report.standings.poll_ids} == {"other"}


def test_a_canary_that_was_stopped_and_restored_goes_on_as_if_it_never_was(settings: Settings, fed: list[Report]) -> None:
    first, state = machine_fed(settings, 0, 399)
    assert first + machine_fed(settings, 399, 420, state)[0] == fed


class World:
    """A canary with a clock that is moved by hand, and what became of it."""

    def __init__(self, settings: Settings, every_ms: int = 20 * MINUTE, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms
        self.sent: list[list[Vote]] = []
        self.fails = False
        self.registry = CollectorRegistry()
        build, metrics = partial(build_canary_cases, settings), Metrics(self.registry)
        self.poll_id = poll_of(settings)
        self.canary = Canary(self.poll_id, every_ms, 3 * MINUTE, build, self.send, metrics, lambda: self.now_ms)

    async def send(self, votes: list[Vote]) -> None:
        if self.fails:
            raise TimeoutError
        self.sent.append(votes)

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            asyncio.run(self.canary.beat())
            self.now_ms += SECOND

    def until_flooded(self) -> int:
        """Return when the flood was sent."""
        while not self.floods():
            self.live(1)
        return self.now_ms - SECOND

    def floods(self) -> list[int]:
        return [votes[0].ts for votes in self.sent if len(votes) == FLOOD_VOTES]

    def count(self, outcome: Flood) -> float | None:
        return self.registry.get_sample_value("pollwatch_canary_floods_total", {"outcome": outcome})

    def value(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"pollwatch_canary_{name}")


def test_it_trickles_first_and_then_floods_at_whole_multiples_of_its_schedule(settings: Settings) -> None:
    world = World(settings, now_ms=START_MS + 7_321)
    world.live(10)
    assert world.sent == [], "it does not own the findings"
    world.canary.begin()
    world.live(45 * 60)
    assert {len(votes) for votes in world.sent} == {1, FLOOD_VOTES}
    begun_ms = START_MS + 17_321
    assert all(begun_ms + 3 * MINUTE <= at_ms and at_ms % (20 * MINUTE) < SECOND for at_ms in world.floods())
    assert len(world.floods()) == 2
    assert len({vote.event_id for votes in world.sent for vote in votes}) == sum(map(len, world.sent))
    assert {vote.poll_id for votes in world.sent for vote in votes} == {world.poll_id}


def moved(fed: list[Report], flooded_ms: int) -> Report:
    """Return the report of a flood at this moment, as the canary's shard makes it."""
    told = next(report.canary for report in fed if report.canary is not None and report.canary.findings)
    by_ms = flooded_ms + 500 - told.findings[0].at_ms
    findings = [
        msgspec.structs.replace(f, at_ms=f.at_ms + by_ms, start_ms=f.start_ms + by_ms, end_ms=f.end_ms + by_ms)
        for f in told.findings
    ]
    return msgspec.structs.replace(told, findings=findings, from_ms=told.from_ms + by_ms, to_ms=told.to_ms + by_ms)


def test_a_flood_that_is_found_is_told_with_the_time_it_took(
    settings: Settings, fed: list[Report]
) -> None:
    world = World(settings)
    world.canary.begin()
    flooded_ms = world.until_flooded()
    world.now_ms = flooded_ms + 1_700
    world.canary.hear([moved(fed, flooded_ms)])
    assert world.count(Flood.FOUND) == world.count(Flood.SENT) == world.value("detection_seconds_count") == 1
    assert world.value("detection_seconds_sum") == 1.7
    assert world.value("found_timestamp_seconds") == (flooded_ms + 1_700) / 1000
    world.live(5 * 60)
    assert world.count(Flood.MISSED) == 0


def test_a_case_from_before_the_flood_is_not_taken_for_it(
    settings: Settings, fed: list[Report]
) -> None:
    world = World(settings)
    world.canary.begin()
    flooded_ms = world.until_flooded()
    world.canary.hear([moved(fed, flooded_ms - MINUTE)])
    assert world.count(Flood.FOUND) == 0


def test_a_flood_that_nobody_finds_is_missed_after_a_minute(
    settings: Settings, fed: list[Report]
) -> None:
    world = World(settings)
    world.canary.begin()
    flooded_ms = world.until_flooded()
    world.live(FOUND_WITHIN_MS // SECOND - 1)
    assert world.count(Flood.MISSED) == 0
    world.live(2)
    assert (world.count(Flood.SENT), world.count(Flood.FOUND), world.count(Flood.MISSED)) == (1, 0, 1)
    world.canary.hear([moved(fed, flooded_ms)])
    assert world.count(Flood.FOUND) == 0, "too late"


def test_a_flood_that_can_t_be_sent_is_missed_and_the_worker_goes_on(settings: Settings) -> None:
    world = World(settings)
    world.canary.begin()
    world.fails = True
    world.live(25 * 60)
    assert world.count(Flood.SENT) == world.count(Flood.MISSED) == 1


def test_after_a_takeover_the_new_owner_goes_on_and_the_old_one_is_silent(settings: Settings) -> None:
    old, new = World(settings), World(settings)
    old.canary.begin()
    flooded_ms = old.until_flooded()
    old.canary.end()
    old.live(30 * 60)
    assert old.floods() == [flooded_ms]
    assert old.count(Flood.MISSED) == 0, "it can't know"
    new.now_ms = flooded_ms + 1_000
    new.canary.begin()
    new.live(30 * 60)
    assert [at_ms // MINUTE for at_ms in new.floods()] == [(flooded_ms + 20 * MINUTE) // MINUTE]


def test_what_the_canary_s_shard_reports_goes_to_the_canary_and_to_no_topic(
    settings: Settings, fed: list[Report]
) -> None:
    world, sent, mine = World(settings), Sent(), canary_shard(settings, poll_of(settings))

    async def run() -> None:
        stage = Cases(
            settings,
            lambda: build_cases(settings, "live"),
            lambda *_: NoStore(),  # type: ignore[arg-type]
            sent,  # type: ignore[arg-type]
            Metrics(CollectorRegistry()),
            world.canary,
        )
        await stage.assign({FINDINGS})
        while not world.floods():
            await world.canary.beat()
            world.now_ms += SECOND
        found = moved(fed, world.floods()[0])
        silence = [Report(n, found.from_ms, found.to_ms, [], stands(0), [], False) for n in range(shards(settings))]
        silence[mine] = msgspec.structs.replace(silence[mine], canary=found)
        await stage.handle(batch(*silence))
        await stage.say_all_estimates()

    asyncio.run(run())
    assert world.count(Flood.FOUND) == 1
    assert sent.records == []
