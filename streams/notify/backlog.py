"""What one target still has to be sent, which comes next and when, and up to where all is done. Pure: the time is handed in.

One request at a time. Messages of one case go in their order; a message that fails is tried again after a growing wait, and
meanwhile those of other cases go on. After any failure the target itself is left alone for a while, longer after each in a row.
State: messages of at most `MOST_BYTES` a partition, read at most `MOST_AHEAD` offsets beyond the first that is not done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.notify.message import Message, Partition
from streams.notify.retries import Backoff

MOST_BYTES = 8 * 1_048_576
MOST_AHEAD = 1_024


@dataclass(slots=True)
class Waiting:
    """A message that is not done: how often it failed, how many of its requests were taken, and when it may be tried again."""

    message: Message
    failures: int = 0
    requests_done: int = 0
    not_before_s: float = 0.0


@dataclass(slots=True)
class _Lane:
    """One partition: the next offset to read, and by offset what waits."""

    front: int
    waiting: dict[int, Waiting] = field(default_factory=dict)
    waiting_bytes: int = 0

    @property
    def position(self) -> int:
        """The offset up to which all is done."""
        return next(iter(self.waiting), self.front)


class Backlog:
    """The messages of one target; `positions` is where reading begins in each partition."""

    def __init__(self, positions: dict[Partition, int], backoff: Backoff) -> None:
        self._lanes = {partition: _Lane(offset) for partition, offset in positions.items()}
        self._backoff = backoff
        self._failures = 0
        self._not_before_s = 0.0

    def front(self, partition: Partition) -> int:
        """Return the next offset to be read."""
        return self._lanes[partition].front

    def has_room(self, partition: Partition) -> bool:
        """Tell whether more may be read of a partition."""
        lane = self._lanes[partition]
        return lane.waiting_bytes < MOST_BYTES and lane.front - lane.position < MOST_AHEAD

    def read(self, partition: Partition, offset: int, message: Message | None) -> None:
        """Take what stands at an offset, in order; None where there is nothing to be sent."""
        lane = self._lanes[partition]
        lane.front = offset + 1
        if message is not None:
            lane.waiting[offset] = Waiting(message)
            lane.waiting_bytes += len(message.value)

    def next(self, now_s: float) -> Waiting | None:
        """Return what is to be posted now, None when nothing may be."""
        if now_s < self._not_before_s:
            return None
        # one that failed must not keep the others from showing that the target is well
        return min((one for one in self._heads() if one.not_before_s <= now_s), key=lambda one: one.failures, default=None)

    def next_s(self) -> float | None:
        """Return when `next` will have something if nothing more is read; None: never."""
        earliest = min((one.not_before_s for one in self._heads()), default=None)
        return None if earliest is None else max(earliest, self._not_before_s)

    def _heads(self) -> Iterator[Waiting]:
        """Yield the first message of each case."""
        met = set()
        for lane in self._lanes.values():
            for waiting in lane.waiting.values():
                if waiting.message.case not in met:
                    met.add(waiting.message.case)
                    yield waiting

    def done(self, waiting: Waiting) -> None:
        """A message was taken or finally refused."""
        lane = self._lanes[waiting.message.partition]
        del lane.waiting[waiting.message.offset]
        lane.waiting_bytes -= len(waiting.message.value)

    def answered(self) -> None:
        """The target answered as a sound one does."""
        self._failures, self._not_before_s = 0, 0.0

    def failed(self, waiting: Waiting, now_s: float, asked_for_s: float) -> None:
        """A message was not taken and is to be tried again; the target may have asked for a time to wait."""
        waiting.failures += 1
        waiting.not_before_s = now_s + max(self._backoff.wait_s(waiting.failures), asked_for_s)
        self.rest(now_s, asked_for_s)

    def rest(self, now_s: float, asked_for_s: float) -> None:
        """Leave the target alone for a while: it failed once more."""
        self._failures += 1
        self._not_before_s = now_s + max(self._backoff.wait_s(self._failures), asked_for_s)

    @property
    def failures(self) -> int:
        """How often the target failed since it last answered."""
        return self._failures

    @property
    def rests_until_s(self) -> float:
        """Until when the target is left alone."""
        return self._not_before_s

    def positions(self) -> dict[Partition, int]:
        """Return for each partition the offset up to which all is done."""
        return {partition: lane.position for partition, lane in self._lanes.items()}

    def waiting(self) -> int:
        """Return how many messages are not done."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def oldest_ms(self) -> int | None:
        """Return when the broker took the oldest message that is not done."""
        firsts = (next(iter(lane.waiting.values())).message.at_ms for lane in self._lanes.values() if lane.waiting)
        return min(firsts, default=None)
