"""The ledger against an oracle that keeps every delivery, ack and seek and works the answer out anew each time."""

from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.transport.ledger import Gate, Ledger, OutOfOrder

TPS = ["votes-0", "votes-1", "blocks-0"]
GATES = {"votes-0": Gate.NONE, "votes-1": Gate.NONE, "blocks-0": Gate.GUARDED}
tps = st.sampled_from(TPS)


@dataclass(eq=False)
class Run:
    first_offset: int
    offset: int
    acked: bool = False


@dataclass
class Told:
    """What the oracle knows of a partition since its last seek or assignment."""

    runs: list[Run] = field(default_factory=list)
    done: set[Run] = field(default_factory=set)
    position: int | None = None
    allowed: int | None = None
    settled: int | None = None

    def prefix(self) -> int | None:
        undone = [i for i, run in enumerate(self.runs) if run not in self.done]
        if not undone:
            self.settled = self.position
        elif undone[0] > 0:
            self.settled = max(self.settled or 0, self.runs[undone[0] - 1].offset + 1)
        return self.settled


class LedgerMachine(RuleBasedStateMachine):
    """Deliver, ack, seek, revoke in any order; a run of an older time may be acked at any moment."""

    @initialize()
    def begin(self) -> None:
        self.ledger: Ledger[str] = Ledger()
        self.told: dict[str, Told] = {}
        self.ever: list[Run] = []
        self.assign()

    @rule()
    def assign(self) -> None:
        self.ledger.assign(GATES)
        self.told = {tp: Told() for tp in TPS}

    @rule(tp=tps)
    def revoke(self, tp: str) -> None:
        self.ledger.drop([tp])
        self.told.pop(tp, None)

    @precondition(lambda self: self.told)
    @rule(tp=tps, hole=st.integers(0, 9), length=st.integers(1, 50), inner=st.integers(0, 9))
    def deliver(self, tp: str, hole: int, length: int, inner: int) -> None:
        if tp not in self.told:
            return
        told = self.told[tp]
        first = (told.position or 0) + hole
        run = Run(first, first + length - 1 + inner)
        self.ledger.partitions[tp].deliver(run, first)
        told.runs.append(run)
        told.position = run.offset + 1
        self.ever.append(run)

    @precondition(lambda self: self.ever)
    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.ever))
        if not run.acked:  # as Faust does, under its lock
            run.acked = True
            for told in self.told.values():
                if run in told.runs:
                    told.done.add(run)

    @rule(tp=tps, hole=st.integers(0, 9))
    def reach(self, tp: str, hole: int) -> None:
        if tp in self.told:
            told = self.told[tp]
            told.position = (told.position or 0) + hole
            self.ledger.partitions[tp].reach(told.position)

    @rule(tp=tps)
    def withdraw(self, tp: str) -> None:
        if (
            tp in self.told
            and self.told[tp].runs
            and self.told[tp].position == self.told[tp].runs[-1].offset + 1
        ):
            told = self.told[tp]
            if told.runs[-1] not in told.done:
                run = told.runs.pop()
                told.position = run.first_offset
                self.ledger.partitions[tp].withdraw(run, run.first_offset)

    @rule(tp=tps, position=st.one_of(st.none(), st.integers(0, 500)))
    def seek(self, tp: str, position: int | None) -> None:
        self.ledger.restart(tp, position)
        if tp in self.told:
            self.told[tp] = Told(position=position, allowed=self.told[tp].allowed)

    @rule(tp=tps, offset=st.integers(0, 500))
    def open_gate(self, tp: str, offset: int) -> None:
        self.ledger.open_gate(tp, offset)
        if tp in self.told:
            self.told[tp].allowed = max(offset, self.told[tp].allowed or 0)

    @invariant()
    def commits_exactly_the_acked_prefix(self) -> None:
        assert set(self.ledger.partitions) == set(self.told)
        for tp, told in self.told.items():
            prefix = told.prefix()
            if GATES[tp] is Gate.GUARDED and prefix is not None:
                expected = None if told.allowed is None else min(prefix, told.allowed)
            else:
                expected = prefix
            assert self.ledger.partitions[tp].committable() == expected, tp


LedgerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLedgerAgainstOracle = LedgerMachine.TestCase


def test_a_run_in_flight_holds_the_commit_even_when_later_ones_are_acked() -> None:
    ledger: Ledger[str] = Ledger()
    ledger.assign({"votes-0": Gate.NONE})
    partition = ledger.partitions["votes-0"]
    runs = [Run(0, 4), Run(5, 6), Run(20, 20)]
    for run in runs:
        partition.deliver(run, run.first_offset)
    runs[1].acked = runs[2].acked = True
    assert partition.committable() is None
    runs[0].acked = True
    assert partition.committable() == 21


def test_what_was_handed_over_is_not_yet_processed() -> None:
    ledger: Ledger[str] = Ledger()
    ledger.assign({"votes-0": Gate.NONE})
    assert ledger.partitions["votes-0"].processed() is None
    ledger.restart("votes-0", 100)
    partition = ledger.partitions["votes-0"]
    assert partition.processed() == 100
    run = Run(103, 149)
    partition.deliver(run, run.first_offset)
    assert (partition.read, partition.processed()) == (150, 100)
    run.acked = True
    assert partition.processed() == 150


def test_where_reading_begins_is_known_with_the_first_run_at_the_latest() -> None:
    ledger: Ledger[str] = Ledger()
    ledger.assign({"votes-0": Gate.NONE})
    ledger.partitions["votes-0"].deliver(Run(7, 9), 7)
    assert ledger.partitions["votes-0"].processed() == 7


def test_overlapping_runs_are_refused() -> None:
    ledger: Ledger[str] = Ledger()
    ledger.assign({"votes-0": Gate.NONE})
    ledger.partitions["votes-0"].deliver(Run(0, 9), 0)
    with pytest.raises(OutOfOrder, match=r"run 9\.\.12 came after 9"):
        ledger.partitions["votes-0"].deliver(Run(9, 12), 9)


def test_a_start_offset_wins_over_the_committed_one_until_the_partition_leaves() -> None:
    ledger: Ledger[str] = Ledger()
    ledger.assign({"blocks-0": Gate.GUARDED})
    ledger.start_at("blocks-0", 100)
    assert ledger.resume_points() == {"blocks-0": 100}
    ledger.restart("blocks-0", 100)
    run = Run(100, 149)
    ledger.partitions["blocks-0"].deliver(run, 100)
    run.acked = True
    assert ledger.resume_points() == {"blocks-0": 150}
    ledger.drop(["blocks-0"])
    ledger.assign({"blocks-0": Gate.GUARDED})
    assert ledger.resume_points() == {}


def test_the_gate_is_closed_again_after_a_new_assignment() -> None:
    ledger: Ledger[str] = Ledger()
    ledger.assign({"blocks-0": Gate.GUARDED})
    ledger.partitions["blocks-0"].reach(50)
    ledger.open_gate("blocks-0", 40)
    assert ledger.partitions["blocks-0"].committable() == 40
    ledger.assign({"blocks-0": Gate.GUARDED})
    ledger.partitions["blocks-0"].reach(50)
    assert ledger.partitions["blocks-0"].committable() is None
