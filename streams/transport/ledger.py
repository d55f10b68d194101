"""Which delivered runs of records are settled, and how far each partition may be committed.

Owns the order of delivery, the gates and the resume points. Must not know Kafka, Faust, threads or batching: a run is anything
with a last offset and an `acked` flag. State per partition: the runs in flight (queue length plus one fetch) and seven integers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, Protocol, TypeVar

from streams.transport.listening import Listened

TP = TypeVar("TP", bound=Hashable)


class Run(Protocol):
    """Records of one partition handed over together; `acked` turns true once, when their last holder lets go."""

    offset: int
    acked: bool


class Gate(Enum):
    """Whether what is acked may be committed at once, or only as far as somebody allows."""

    NONE = "none"
    GUARDED = "guarded"


class OutOfOrder(RuntimeError):
    """A run overlaps the one delivered before it: the fetch position and the ledger disagree."""


@dataclass(slots=True, eq=False)
class Partition:
    """One partition between two seeks or assignments; each makes a new one, so late acks of old runs change nothing."""

    gate: Gate
    allowed: int | None = None
    begun: int | None = None
    settled: int | None = None
    read: int | None = None
    end: int | None = None
    listened: Listened | None = None
    in_flight: deque[Run] = field(default_factory=deque)

    def deliver(self, run: Run, first_offset: int) -> None:
        """Append a run that is about to reach the agents. Raises OutOfOrder if it overlaps the one before."""
        if self.read is not None and first_offset < self.read:
            raise OutOfOrder(
                f"run {first_offset}..{run.offset} came after {self.read - 1}: crash and restart"
            )
        if self.begun is None:
            self.begun = first_offset
        self.in_flight.append(run)
        self.read = run.offset + 1

    def withdraw(self, run: Run, first_offset: int) -> None:
        """Take back the newest run: it was not handed over after all."""
        if self.in_flight and self.in_flight[-1] is run:
            self.in_flight.pop()
            self.read = first_offset

    def reach(self, position: int) -> None:
        """Note that every record below `position` was delivered: holes and control records at the end count as read."""
        if self.read is None or position > self.read:
            self.read = position

    def settle(self) -> int | None:
        """Return the offset after the longest fully acked prefix of what was delivered; None before anything was."""
        while self.in_flight and self.in_flight[0].acked:
            self.settled = self.in_flight.popleft().offset + 1
        if not self.in_flight and self.read is not None:
            self.settled = self.read
        return self.settled

    def processed(self) -> int | None:
        """Return the next offset whose work is not done: `settle`, or where reading began; None while that is unknown."""
        settled = self.settle()
        return self.begun if settled is None else settled

    def committable(self) -> int | None:
        """Return the offset that may be committed now, or None: `settle` held back by the gate."""
        settled = self.settle()
        if self.gate is Gate.NONE or settled is None:
            return settled
        return None if self.allowed is None else min(settled, self.allowed)


class Ledger(Generic[TP]):
    """The assigned partitions. Acks may come from any thread, everything else from one."""

    def __init__(self) -> None:
        self.partitions: dict[TP, Partition] = {}
        self._starts: dict[TP, int] = {}

    def assign(self, gates: Mapping[TP, Gate]) -> None:
        """Begin a generation: exactly these partitions, nothing delivered, every gate closed."""
        self.drop(list(self.partitions))
        self.partitions = {tp: Partition(gate) for tp, gate in gates.items()}

    def drop(self, tps: Iterable[TP]) -> None:
        """Forget partitions that were revoked, with their runs in flight and start offsets."""
        for tp in tps:
            self._starts.pop(tp, None)
            self.partitions.pop(tp, None)

    def start_at(self, tp: TP, offset: int) -> None:
        """Begin reading at `offset`, whatever the group has committed; valid until the partition is revoked."""
        self._starts[tp] = offset

    def restart(self, tp: TP, position: int | None) -> None:
        """After a seek: what was in flight is void, `position` (None: not known yet) is the next to be read."""
        old = self.partitions.get(tp)
        if old is not None:
            self.partitions[tp] = Partition(
                old.gate, allowed=old.allowed, begun=position, read=position, end=old.end
            )

    def holds(self, tp: TP, run: Run) -> bool:
        """Whether `run` still counts: no seek or assignment has come after its delivery."""
        return tp in self.partitions and any(run is other for other in self.partitions[tp].in_flight)

    def resume_points(self) -> dict[TP, int]:
        """Return where to read on after an interruption, of partitions where this differs from the committed offset."""
        settled = {tp: partition.settle() for tp, partition in self.partitions.items()}
        return self._starts | {tp: offset for tp, offset in settled.items() if offset is not None}

    def open_gate(self, tp: TP, offset: int) -> None:
        """Let commits of a guarded partition go up to `offset`; no effect on a partition that has left."""
        partition = self.partitions.get(tp)
        if partition is not None:
            partition.allowed = offset if partition.allowed is None else max(partition.allowed, offset)
