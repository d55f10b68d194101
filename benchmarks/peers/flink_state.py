"""PyFlink with the keyed state that Flink keeps, as its documentation shows it. Run as a process."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor

from benchmarks.peers.flink_job import Counted, main
from benchmarks.peers.task import Course
from benchmarks.peers.work import WINDOW_MS, RateScore


class CountInState(KeyedProcessFunction):  # type: ignore[misc]  # published without types
    """What `Poll` does, each count an entry of its own: a state that is one object would be pickled with each vote."""

    def __init__(self, votes: int) -> None:
        self._course = Course(votes)

    def open(self, runtime_context: RuntimeContext) -> None:
        """Name what is kept of a poll."""
        self._window = runtime_context.get_state(ValueStateDescriptor("window", Types.LONG()))
        self._rate = runtime_context.get_state(ValueStateDescriptor("rate", Types.PICKLED_BYTE_ARRAY()))
        self._votes = runtime_context.get_map_state(MapStateDescriptor("votes", Types.STRING(), Types.LONG()))
        self._accounts = runtime_context.get_map_state(MapStateDescriptor("accounts", Types.STRING(), Types.LONG()))

    def process_element(self, value: Counted, ctx: KeyedProcessFunction.Context) -> Iterator[bytes]:
        """Count a vote; yield an alert when it ends a window that was abnormal."""
        _, option, account_id, ts = value
        window, before = ts // WINDOW_MS, self._window.value()
        if before is None or window > before:
            if before is not None:
                rate = self._rate.value() or RateScore()
                alert = rate.close(sum(self._votes.values()))
                self._rate.update(rate)
                if alert is not None:
                    yield msgspec.json.encode(alert)
            self._window.update(window)
            self._votes.clear()
        for counts, name in ((self._votes, option), (self._accounts, account_id)):
            counts.put(name, (counts.get(name) or 0) + 1)
        self._course.done()


if __name__ == "__main__":
    main(CountInState)
