"""What an agent gets: a run of records of one partition, over this transport or, one record long, over stock `kafka://`.

Must not know how runs are fetched, queued or committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faust.types import TP, EventT
from faust.types.transports import ConsumerT
from faust.types.tuples import ConsumerMessage

from streams.transport.records import Records


class BatchMessage(ConsumerMessage):
    """Faust's message for a whole run: `offset` is the last record's, so that Faust's own bookkeeping stays monotone."""

    __slots__ = ("first_offset", "handled")

    def __init__(self, tp: TP, records: Records, generation_id: int) -> None:
        super().__init__(
            topic=tp.topic,
            partition=tp.partition,
            offset=records.offsets[-1],
            timestamp=records.timestamps_ms[-1] / 1000.0,
            timestamp_type=records.timestamp_type,
            headers=None,
            key=None,
            value=records,  # type: ignore[arg-type]  # the run itself; nothing decodes it
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            tp=tp,
            generation_id=generation_id,
        )
        self.first_offset: int = records.offsets[0]
        # nothing but the acknowledgement of what it caused is missing
        self.handled = False

    def ack(self, consumer: ConsumerT, n: int = 1) -> bool:
        """Ack unless no agent ever saw it: Faust's pure-Python stream acks what it skips during a rebalance."""
        return self.tracked and super().ack(consumer, n)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A run of records of one partition, in offset order; offsets inside it may have holes."""

    tp: TP
    records: Records
    generation_id: int

    @property
    def first_offset(self) -> int:
        """The offset of the first record."""
        return self.records.offsets[0]

    @property
    def last_offset(self) -> int:
        """The offset of the last record."""
        return self.records.offsets[-1]

    @property
    def next_offset(self) -> int:
        """The offset that a commit of exactly this run would carry."""
        return self.last_offset + 1


def batch_of(event: EventT[Any]) -> Batch:
    """Return the run behind an event of a batch topic, whichever transport delivered it."""
    message = event.message
    records: Any = event.value if isinstance(message, BatchMessage) else _single(message)
    return Batch(message.tp, records, message.generation_id or 0)


def _single(message: Any) -> Records:
    records = Records(message.topic, message.partition, message.timestamp_type)
    records.offsets.append(message.offset)
    records.timestamps_ms.append(round(message.timestamp * 1000))
    records.keys.append(message.key)
    records.values.append(message.value)
    if message.headers:
        records.headers[0] = tuple(message.headers)
    return records
