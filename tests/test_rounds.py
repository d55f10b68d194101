"""Runs that are there at once are worked on together, and each ends as its round does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from faust.types import TP

from streams.rounds import Rounds
from streams.transport import Batch
from streams.transport.outputs import HANDLED, Outputs
from streams.transport.records import Records

VOTES, MORE, REPLIES = TP("votes", 0), TP("votes", 1), TP("replies", 0)


def run_of(tp: TP, records: int) -> Batch:
    made = Records(*tp)
    made.offsets.extend(range(records))
    return Batch(tp, made, 1)


class Worked:
    """Notes the rounds; each sends one record."""

    def __init__(self) -> None:
        self.rounds: list[list[TP]] = []
        self.sent: list[asyncio.Future[Any]] = []
        self.error: BaseException | None = None

    async def __call__(self, batches: Sequence[Batch]) -> tuple[list[str], list[asyncio.Future[Any]]]:
        self.rounds.append([batch.tp for batch in batches])
        self.sent.append(asyncio.get_running_loop().create_future())
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return [f"{batch.tp.topic}/{batch.tp.partition}" for batch in batches], [self.sent[-1]]


def test_runs_of_one_topic_that_are_there_at_once_are_one_round_and_each_is_told_its_own() -> None:
    async def scenario() -> None:
        worked = Worked()
        rounds = Rounds(worked, most_records=100)
        said = await asyncio.gather(*(rounds.join(run_of(tp, 10)) for tp in (VOTES, REPLIES, MORE)))
        assert said == ["votes/0", "replies/0", "votes/1"]
        assert worked.rounds == [[VOTES, MORE], [REPLIES]]

    asyncio.run(scenario())


def test_no_round_has_more_records_than_it_may_unless_one_run_has() -> None:
    async def scenario() -> None:
        worked = Worked()
        rounds = Rounds(worked, most_records=100)
        runs = [(TP("votes", 0), 60), (TP("votes", 1), 40), (TP("votes", 2), 1), (TP("votes", 3), 500)]
        await asyncio.gather(*(rounds.join(run_of(tp, records)) for tp, records in runs))
        assert [[tp.partition for tp in one] for one in worked.rounds] == [[0, 1], [2], [3]]

    asyncio.run(scenario())


def test_a_run_is_acknowledged_when_all_that_its_round_sent_is() -> None:
    async def scenario() -> None:
        worked, acknowledged = Worked(), list[TP]()
        rounds = Rounds(worked, most_records=100)

        async def handle(tp: TP) -> None:
            outputs = Outputs(tp)
            HANDLED.set(outputs)
            await rounds.join(run_of(tp, 1))
            outputs.when_acknowledged(lambda: acknowledged.append(tp))

        await asyncio.gather(*(asyncio.create_task(handle(tp)) for tp in (VOTES, MORE)))
        assert acknowledged == []
        worked.sent[0].set_result(None)
        await asyncio.sleep(0)
        assert sorted(acknowledged) == [VOTES, MORE]

    asyncio.run(scenario())


def test_what_a_round_raises_all_its_runs_raise() -> None:
    async def scenario() -> None:
        worked = Worked()
        worked.error = RuntimeError("no")
        rounds = Rounds(worked, most_records=100)
        ended = await asyncio.gather(*(rounds.join(run_of(tp, 1)) for tp in (VOTES, MORE)), return_exceptions=True)
        assert [str(error) for error in ended] == ["no", "no"]
        worked.error = None
        assert await rounds.join(run_of(VOTES, 1)) == "votes/0", "the next round begins anew"

    asyncio.run(scenario())


def test_a_run_that_is_given_up_before_its_round_is_not_worked_on() -> None:
    async def scenario() -> None:
        worked = Worked()
        rounds = Rounds(worked, most_records=100)
        async with rounds.working:
            given_up = asyncio.create_task(rounds.join(run_of(VOTES, 1)))
            other = asyncio.create_task(rounds.join(run_of(MORE, 1)))
            await asyncio.sleep(0.01)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
        assert await other == "votes/1"
        assert worked.rounds == [[MORE]]

    asyncio.run(scenario())
