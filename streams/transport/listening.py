"""How long a partition was listened to: silence says something only while the brokers answered that there was nothing.

Times are `time.monotonic`, of when a broker was asked: an answer may lie unread for as long as this process stands still.
Must not know Kafka or Faust.
"""

from __future__ import annotations

from dataclasses import dataclass

# a broker is asked every 0.1 s; whoever was not answered for so long heard nothing because nobody could be heard
_GAP_MS = 1_000
# senders that were cut off as well knock again at growing intervals, by then within as long as they were cut off;
# librdkafka's reconnect.backoff.max.ms is the longest of the usual ones
_LONGEST_BACKOFF_MS = 10_000


@dataclass(frozen=True, slots=True)
class Listened:
    """From `since_ms` to `until_ms` the partition's broker answered without a gap.

    After a gap it begins anew when those who send had time to come back: it may lie ahead.
    """

    since_ms: int
    until_ms: int

    def on(self, asked_ms: int) -> Listened:
        """Return the same, with an answer to what was asked at `asked_ms`."""
        gap_ms = asked_ms - self.until_ms
        if gap_ms <= _GAP_MS:
            return Listened(self.since_ms, asked_ms)
        return Listened(asked_ms + min(gap_ms, _LONGEST_BACKOFF_MS), asked_ms)
