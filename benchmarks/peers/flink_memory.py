"""PyFlink with each poll an object in a dictionary of the function, which Flink does not keep. Run as a process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec
from pyflink.datastream import KeyedProcessFunction

from benchmarks.peers.flink_job import Counted, main
from benchmarks.peers.task import Course
from benchmarks.peers.work import Poll


class CountInMemory(KeyedProcessFunction):  # type: ignore[misc]  # published without types
    """What the peers without a state of their framework do."""

    def __init__(self, votes: int) -> None:
        self._course = Course(votes)
        self._polls: defaultdict[str, Poll] = defaultdict(Poll)

    def process_element(self, value: Counted, ctx: KeyedProcessFunction.Context) -> Iterator[bytes]:
        """Count a vote; yield an alert when it ends a window that was abnormal."""
        poll_id, option, account_id, ts = value
        alert = self._polls[poll_id].count(option, account_id, ts)
        if alert is not None:
            yield msgspec.json.encode(alert)
        self._course.done()


if __name__ == "__main__":
    main(CountInMemory)
