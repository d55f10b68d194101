"""What silence is worth: the time that the brokers answered that nothing came, and nothing else."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from cut_by_hand import only
from faust.types import TP

from config import Settings
from detectors.block import Block
from detectors.watermark import LAG_MS, UNKNOWN_MS
from streams.intake import Intake
from streams.look_back import Past
from streams.metrics import Metrics, process_registry
from streams.silence import BrokersClock, SourceSilence
from streams.stages import build_decoder
from streams.transport import Batch, Listened, Progress
from streams.transport.records import Records
from streams.wire import decode_block

IDLE_AFTER_MS = 2_000


def elapsed(silence: SourceSilence, listened: Listened | None, last_arrived_ms: int = 0, clock: BrokersClock | None = None) -> int | None:
    return silence.elapsed_ms(listened, IDLE_AFTER_MS, last_arrived_ms, clock or BrokersClock())


def test_silence_lasts_as_long_as_the_brokers_answered_and_not_as_long_as_the_clock_went_on() -> None:
    silence = SourceSilence(now_ms=0)
    silence.heard(1_000, stated=True)
    assert elapsed(silence, None) is None, "nobody was asked"
    assert elapsed(silence, Listened(0, 2_900)) is None
    assert elapsed(silence, Listened(0, 3_000)) == 2_000
    assert elapsed(silence, Listened(0, 9_000)) == 8_000


def test_an_answer_from_before_the_last_record_says_nothing_of_what_came_after_it() -> None:
    silence = SourceSilence(now_ms=0)
    silence.heard(8_000, stated=False)
    assert elapsed(silence, Listened(0, 7_000)) is None


def test_records_that_say_no_time_do_not_stop_it_from_passing() -> None:
    silence = SourceSilence(now_ms=0)
    silence.heard(1_000, stated=True)
    for second in range(2, 9):
        silence.heard(1_000 * second, stated=False)
    assert elapsed(silence, Listened(0, 8_500)) == 500


def listened(asked_ms: list[int]) -> Listened:
    """Return what is known after answers to what was asked then."""
    known = Listened(asked_ms[0], asked_ms[0])
    for at in asked_ms[1:]:
        known = known.on(at)
    return known


def test_after_a_gap_those_who_send_have_time_to_come_back_before_they_count_as_silent() -> None:
    steady = list(range(0, 5_000, 100))
    assert listened(steady) == Listened(0, 4_900)
    back_after_6_s = range(11_000, 30_000, 100)
    silence = SourceSilence(now_ms=0)
    silence.heard(4_800, stated=True)
    first = next(at for at in back_after_6_s if elapsed(silence, listened([*steady, *range(11_000, at + 1, 100)])))
    assert first == 11_000 + 6_100 + IDLE_AFTER_MS
    assert elapsed(silence, listened([*steady, *range(11_000, first + 1, 100)])) == first - 4_800, "time passed all the while"
    assert listened([0, 3_600_000]).since_ms == 3_610_000, "nobody waits longer than ten seconds to come back"


def test_whoever_begins_to_read_knows_from_the_brokers_clock_how_long_a_source_was_silent() -> None:
    clock, silence = BrokersClock(), SourceSilence(now_ms=0)
    hour_ago_ms = 1_664_812_800_000
    assert elapsed(silence, Listened(0, 3_000), hour_ago_ms, clock) == 3_000, "no broker has said what time it is"
    clock.saw(hour_ago_ms + 3_600_000, now_ms=2_500)
    assert elapsed(silence, Listened(0, 3_000), hour_ago_ms, clock) == 3_600_500
    assert elapsed(silence, Listened(0, 3_000), UNKNOWN_MS, clock) == 3_000, "no record, no silence since it"


def test_when_the_brokers_clock_is_set_back_it_is_believed() -> None:
    clock = BrokersClock()
    clock.saw(10_000_000, now_ms=0)
    clock.saw(9_000_000, now_ms=1_000)
    assert clock.since(8_999_000, 1_500) == 1_500


class Exchange:
    """Stands where the outbox stands; the brokers' clock is `ahead_ms` ahead of ours."""

    def __init__(self, now: Now, ahead_ms: int) -> None:
        self.blocks: list[Block] = []
        self._now, self._ahead_ms = now, ahead_ms

    async def send(self, _sink: Any, _topic: str, partition: int | None, *message: Any) -> asyncio.Future[Any]:
        if partition == 0:
            self.blocks.append(decode_block(message[1]))
        sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        sent.set_result(SimpleNamespace(timestamp=self._now.ms + self._ahead_ms, timestamp_type=1))
        return sent


class Now:
    """A clock that is moved by hand."""

    ms = 0

    def __call__(self) -> int:
        return self.ms


VOTES = TP("poll.votes", 0)
AHEAD_MS = 1_664_812_800_000


def records(first: int, ts_ms: list[int], arrived_ms: int) -> Records:
    made = Records(*VOTES)
    for n, at in enumerate(ts_ms):
        made.offsets.append(first + n)
        made.timestamps_ms.append(arrived_ms)
        made.keys.append(None)
        line = b'{"event_id":"e%d","poll_id":"p","account_id":"a%d","option":"x","ts":%d}'
        made.values.append(line % (first + n, first + n, at))
    return made


class Taken:
    """The intake stage of one partition, on a clock and answers moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, before: list[int], arrived_ms: int) -> None:
        self.now = Now()
        monkeypatch.setattr("streams.intake._now_ms", self.now)
        settings = Settings()
        self.exchange = Exchange(self.now, AHEAD_MS)
        metrics = Metrics(process_registry())
        names = {VOTES: "poll.votes/0"}
        self.intake = Intake(settings, build_decoder(settings), names, cast(Any, self.exchange), metrics)
        self.end = len(before)
        self.intake.assign({VOTES: Past(records(0, before, arrived_ms), self.end, waiting=False)})

    async def votes(self, ts_ms: list[int]) -> None:
        made = records(self.end, ts_ms, self.now.ms + AHEAD_MS)
        self.end += len(made)
        await self.intake.handle(Batch(VOTES, made, 1))
        await asyncio.sleep(0)

    async def pass_time(self, until_ms: int, since_ms: int = 0) -> None:
        known = Progress(self.end, self.end, 0, listened=Listened(since_ms, until_ms))
        await self.intake.pass_time({VOTES: known})
        await asyncio.sleep(0)

    def passed_ms(self) -> int:
        """Return how far time has come, from when the brokers' clock said AHEAD_MS."""
        return max(int(np.max(only(block).steps.ms, initial=UNKNOWN_MS)) for block in self.exchange.blocks) - AHEAD_MS


def test_while_the_brokers_are_away_no_time_passes_and_afterwards_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        taken = Taken(monkeypatch, [], 0)
        taken.now.ms = 10_000
        await taken.votes([AHEAD_MS + 10_000] * 40)
        assert taken.passed_ms() == 10_000 - LAG_MS
        for second in range(11, 70):
            taken.now.ms = 1_000 * second
            await taken.pass_time(until_ms=10_900)
        assert taken.passed_ms() == 10_000 - LAG_MS, "nobody answered, and time passed"
        taken.now.ms = 75_000
        await taken.pass_time(until_ms=74_900, since_ms=70_000)
        assert taken.passed_ms() == 74_900 - LAG_MS

    asyncio.run(scenario())


def test_a_worker_that_begins_at_a_source_silent_for_an_hour_does_not_hold_the_others_back_for_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        hour_ago_ms = AHEAD_MS - 3_600_000
        taken = Taken(monkeypatch, [hour_ago_ms - 200] * 32, hour_ago_ms)
        for ms in (2_100, 2_350):
            taken.now.ms = ms
            await taken.pass_time(until_ms=ms)
        assert taken.passed_ms() == 2_350 - LAG_MS - 200

    asyncio.run(scenario())


def test_a_source_whose_backlog_is_worked_off_is_silent_since_its_last_record_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its time would be hours ago for hours, and everybody would wait for it."""

    async def scenario() -> None:
        taken = Taken(monkeypatch, [], 0)
        made = records(0, [AHEAD_MS - 7_200_000] * 40, AHEAD_MS - 7_200_000)
        taken.end = len(made)
        await taken.intake.handle(Batch(VOTES, made, 1))
        for ms in (2_100, 2_350, 2_600):
            taken.now.ms = ms
            await taken.pass_time(until_ms=ms)
        assert taken.passed_ms() == 2_600 - LAG_MS

    asyncio.run(scenario())
